"""The condition `repeated`: what was written last stands before it already, letter for letter.

Sentences and paragraphs count once they have ended, and are found again where one begins and ends. Tokens are those
of their authors; what another tokenizer wrote is never the same.
"""

import re
from array import array
from collections.abc import Callable, Iterable
from typing import Annotated, NamedTuple

from relay.language.amounts import PARAGRAPHS, SENTENCES, TOKENS, Paragraphs, Sentences, Tokens
from relay.language.shapes import OneOf
from relay.language.subjects import READ, SEGMENTS, Condition, Test, Within
from relay.sentences import CLOSERS, ends, paragraphs
from relay.trajectory import Segment

_LOOK_BACK = 4000  # characters: the last sentences are looked for in so many first, for hops are many and texts long
_NEXT = " So "  # something must follow before it is known whether a mark at the end of the text is an end
_CLOSERS = f"[{re.escape(CLOSERS)}]*"
_MARKED = re.compile(rf"[.!?…。！？]{_CLOSERS}\Z")


class Unit(NamedTuple):
    """What a text is counted in."""

    ends: Callable[[str], list[int]]
    begins: str  # a pattern: what stands before one
    follows: str  # and behind one
    unmarked: str  # and behind one whose end is no mark


SENTENCE = Unit(ends, rf"(?:\A\s*|[.!?…]{_CLOSERS}\s+|[\n。！？]{_CLOSERS}\s*)", r"\s", r"[^\S\n]*\n")
PARAGRAPH = Unit(paragraphs, r"(?:\A\s*|\n[^\S\n]*\n\s*)", r"[^\S\n]*\n[^\S\n]*\n", r"[^\S\n]*\n[^\S\n]*\n")


class Repeated(Condition):
    """The last so many sentences, paragraphs or tokens of the segment (or thought, trajectory) stand there before."""

    repeated: Annotated[Sentences | Tokens | Paragraphs, OneOf(SENTENCES, TOKENS, PARAGRAPHS)]
    within: Within = "segment"

    def _compiled(self) -> Test:
        match self.repeated:
            case Tokens(tokens=n):
                segments = SEGMENTS[self.within]
                return lambda pen, luck: repeats_tokens(segments(pen.trajectory), n)
            case Sentences(sentences=n):
                unit = SENTENCE
            case Paragraphs(paragraphs=n):
                unit = PARAGRAPH
        read = READ[self.within]
        return lambda pen, luck: repeats(read(pen.trajectory), n, unit)

    def __str__(self) -> str:
        return f"the last {self.repeated} of the {self.within} repeated"


def repeats(text: str, n: int, unit: Unit) -> bool:
    """Whether the last n sentences or paragraphs stand before them already."""
    run = _last(text, n, unit)
    said = text[run.start : run.stop].strip()
    before = text[: run.start + text[run.start : run.stop].index(said)]  # with the white space between
    if not said or said not in before:
        return False
    follows = unit.follows if _MARKED.search(said) else unit.unmarked
    return re.search(f"{unit.begins}{re.escape(said)}{follows}", before) is not None


def _last(text: str, n: int, unit: Unit) -> slice:
    """Where the last n lie that have ended; nowhere while nothing can stand before them."""
    look = _LOOK_BACK
    while True:
        at = max(0, len(text) - look)
        found = [at + end for end in unit.ends(text[at:] + _NEXT) if at + end <= len(text)]
        if len(found) > n:
            return slice(found[-n - 1], found[-1])
        if at == 0:
            return slice(0, 0)
        look *= 2


def repeats_tokens(segments: Iterable[Segment], n: int) -> bool:
    """Whether the last n tokens of these segments stand before them already, in the same order."""
    tokenizers: dict[str, int] = {}
    ids = array("q")
    for segment in segments:
        own = tokenizers.setdefault(segment.tokenizer, len(tokenizers)) << 32
        ids.extend(own | token for token in segment.ids)
    width, raw = ids.itemsize, ids.tobytes()
    start = (len(ids) - n) * width
    at = raw.find(raw[start:], 0, start) if start > 0 else -1
    while at >= 0 and at % width:  # found across the border of two
        at = raw.find(raw[start:], at + 1, start)
    return at >= 0
