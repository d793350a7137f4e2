"""The first part of a text with its ids: what a cut leaves of a segment, what is taken of a recorded thought."""

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Literal, NamedTuple

from relay.errors import SeamError
from relay.seam.chunks import ends as chunk_ends
from relay.seam.tokens import Tokenizer
from relay.sentences import ends as sentence_ends
from relay.sentences import paragraphs as paragraph_ends


def keep(tokenizer: Tokenizer, ids: Sequence[int], kept: bytes) -> tuple[tuple[int, ...], int]:
    """The ids of the text `kept`, with which the bytes of `ids` begin, and how many of `ids` are dropped.

    They are the longest run of `ids` that lies within it and ends with a character, then the rest encoded anew.
    """
    own = at = 0
    for n, here in enumerate(accumulate(tokenizer.lengths(ids)), 1) if kept else ():
        if here > len(kept):
            break
        if here == len(kept) or kept[here] & 0xC0 != 0x80:
            own, at = n, here
        if here == len(kept):
            break
    rest = tokenizer.encode(kept[at:].decode())
    if tokenizer.bytes_of(rest) != kept[at:]:
        rest = []  # this vocabulary cannot spell it: rather less than something else
    return (*ids[:own], *rest), len(ids) - own


class Piece(NamedTuple):
    """The first part of a recorded thought."""

    text: str
    ids: tuple[int, ...]


def take(
    text: str,
    ids: Sequence[int],
    tokenizer: Tokenizer,
    *,
    share: float | None = None,
    unit: Literal["tokens", "chunks"] = "tokens",
    tokens: int | None = None,
    sentences: int | None = None,
    paragraphs: int | None = None,
    cut: Literal["nearest", "before", "after"] = "nearest",
) -> Piece:
    """The first part of a recorded thought: so many sentences or paragraphs, or tokens of its author's up to the end
    of a sentence: the last end "before" that place, the first "after" it, or the "nearest" inside the thought.

    A share of 0 is nothing and one of 1 is all. Where no sentence ends inside, "after" takes all, the others nothing.
    A share of the chunks goes to the end of a chunk, by the same three words.
    """
    if tokenizer.bytes_of(ids) != text.encode():
        raise SeamError(f"these ids do not spell this text: {text[:40]!r}")
    if sentences is not None or paragraphs is not None:
        ends, wanted = (sentence_ends(text), sentences) if sentences is not None else (paragraph_ends(text), paragraphs)
        at = 0 if not wanted else ends[wanted - 1] if wanted <= len(ends) else len(text)
    elif share is not None and unit == "chunks":
        at = _at_chunk(text, share, cut)
    else:
        at = _at_sentence(text, ids, tokenizer, len(ids) * share if share is not None else tokens or 0, cut)
    if at == len(text):
        return Piece(text, tuple(ids))
    kept, _ = keep(tokenizer, ids, text[:at].encode())
    return Piece(tokenizer.text_of(kept), kept)


def _at_chunk(text: str, share: float, cut: str) -> int:
    ends = chunk_ends(text)
    place, inside = len(ends) * share, [0, *ends[:-1]]
    if place <= 0 or share >= 1:
        return 0 if place <= 0 else len(text)
    if cut == "before":
        return inside[min(math.floor(place + 1e-9), len(inside) - 1)]
    if cut == "after":
        return [*inside, len(text)][math.ceil(place - 1e-9)]
    near = min(range(1, len(inside)), key=lambda k: (abs(k - place), k), default=0)
    return inside[near]


def _at_sentence(text: str, ids: Sequence[int], tokenizer: Tokenizer, place: float, cut: str) -> int:
    count = math.floor(place + 1e-9)
    if place <= 0 or count >= len(ids):
        return 0 if place <= 0 else len(text)
    here = len(tokenizer.text_of(ids[:count]))
    inside = [end for end in sentence_ends(text) if end < len(text)]
    if cut == "before":
        return max((end for end in inside if end <= here), default=0)
    if cut == "after":
        return min((end for end in inside if end >= here), default=len(text))
    return min(inside, key=lambda end: (abs(end - here), end), default=0)
