"""What may go wrong between models, seen from their tokenizers and templates alone: before any of them is run."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from relay.errors import UserError
from relay.measure.sample import SAMPLE
from relay.seam.policies import policy
from relay.seam.templates import Template
from relay.seam.tokens import CLOSE, OPEN, Tokenizer
from relay.sentences import ends

JOINERS = {"nothing": "", "a space": " ", "a newline": "\n", "a blank line": "\n\n"}
QUESTION, THOUGHT = "What is 6 times 7?", "First, 6 times 7 is"
KEPT = "kept"
MOST_CUTS = 200  # places at which a text is cut to see what becomes of it
OFTEN = 0.01  # share of places from which on a difference is told


class Words(NamedTuple):
    """What is known of a model without its weights."""

    name: str
    tokenizer: Tokenizer
    template: Template
    context: int


class Check(NamedTuple):
    """One model."""

    name: str
    vocabulary: int  # ids
    context: int  # tokens
    eos: tuple[str, ...]  # what ends a turn, as text
    tags: Mapping[str, int]  # its added tokens that are no white space, and their ids
    think: str  # "ids 5 and 6", or "text": no ids for the tags of thinking
    opens: str  # who opens the thinking: template, relay, none
    system: str  # the system turn that its template puts in unasked
    prefill: str  # what its template makes of a thought that another began: kept, or what becomes of it
    doubled: str  # the text that stands at the beginning twice when a server encodes a rendered prompt
    halves: float  # share of its tokens on the text that end within a character
    joiners: Mapping[str, float]  # share of places where a text joined with this is encoded otherwise than its parts
    lossy: bool  # the text cannot be spelled with its ids
    traps: tuple[str, ...]  # in words, what to look out for


class PairCheck(NamedTuple):
    """One author and one reader."""

    author: str
    reader: str
    policy: str  # ids, ids with map, text, unsafe
    why: str
    moved: Mapping[str, tuple[int, int | None]]  # the author's tags whose id is another for the reader, or none
    recut: float  # share of the author's token boundaries at which a cut gives the reader other ids than the whole text
    traps: tuple[str, ...]


def check(words: Words, text: str = SAMPLE) -> Check:
    """Look at one model."""
    tokenizer, template = words.tokenizer, words.template
    head = template.render(QUESTION)
    think = f"ids {tokenizer.think.open} and {tokenizer.think.close}" if tokenizer.think else "text"
    eos = tuple(sorted(tokenizer.text_of([i]) for i in tokenizer.eos))
    found = Check(
        words.name, tokenizer.size, words.context, eos, dict(tokenizer.special), think, head.thinking,
        _unasked(template), _prefilled(template), _doubled(tokenizer, head.text), _halves(tokenizer, text),
        {name: _rejoined(tokenizer, text, joiner) for name, joiner in JOINERS.items()},
        not tokenizer.spells(text), (),
    )  # fmt: skip
    return found._replace(traps=tuple(_traps(found)))


def check_pair(author: Words, reader: Words, text: str = SAMPLE) -> PairCheck:
    """Look at what one writes and the other reads."""
    found = policy(author.tokenizer, reader.tokenizer)
    recut = _recut(author.tokenizer, reader.tokenizer, text) if found.name == "text" else 0.0
    traps = []
    if found.name == "unsafe":
        traps.append(f"a run refuses this pair: {found.why}")
    if (author.tokenizer.think is None) != (reader.tokenizer.think is None):
        traps.append("only one of them has ids for the tags of thinking: the other's are watched as text")
    if reader.context < author.context:
        traps.append(f"{reader.name} reads {reader.context:,} tokens, {author.name} may write {author.context:,}")
    there = reader.tokenizer.special
    moved = {tag: (i, there.get(tag)) for tag, i in author.tokenizer.special.items() if there.get(tag) != i}
    return PairCheck(author.name, reader.name, found.name, found.why, moved, recut, tuple(traps))


def _traps(c: Check) -> Iterator[str]:
    if c.prefill != KEPT:
        yield f"its template, given a begun thought, {c.prefill}: a chat endpoint cannot go on from one; relay can"
    if c.doubled:
        yield f"a server that encodes the rendered prompt puts {c.doubled!r} before it twice; relay sends ids"
    if c.system:
        yield f"its template puts in a system turn of its own: {c.system[:80]!r}; say `system:` to have another"
    if not c.eos:
        yield "no id is known to end its turn"
    if c.think == "text" and c.opens != "none":
        yield "its tags of thinking are no ids: closings are watched as text"
    if c.lossy:
        yield "its ids cannot spell every character of the text: what it reads differs from what was written"
    if c.halves >= OFTEN:
        yield f"{100 * c.halves:.0f} % of its tokens end within a character: a cut by tokens drops what is unfinished"
    often = [f"{name} ({100 * share:.0f} %)" for name, share in c.joiners.items() if share >= OFTEN]
    if often:
        yield f"joined texts are encoded otherwise than their parts with {', '.join(often)}"


def _unasked(template: Template) -> str:
    """The system turn that the template puts in when there is none."""
    mark = "[[SYSTEM]]"
    try:
        own = template.turns(("user", QUESTION), asks=True)
        before, _, behind = template.turns(("system", mark), ("user", QUESTION), asks=True).partition(mark)
    except UserError:  # no template, or one that knows no system turn
        return ""
    fits = own.startswith(before) and own.endswith(behind) and len(own) > len(before) + len(behind)
    return own[len(before) : len(own) - len(behind)].strip() if fits and behind else ""


def _prefilled(template: Template) -> str:
    """What becomes of a thought that another began, and of one that is closed, when the template is given it."""
    if not template.chats:
        return KEPT
    asked = template.turns(("user", QUESTION), asks=True)
    opened, tag, _ = asked.rpartition(OPEN)
    begin = opened if tag and asked.rstrip().endswith(OPEN) else asked
    thought = f"{OPEN}\n{THOUGHT}" if template.thinks else THOUGHT
    closed = f"{thought} 42.\n{CLOSE}\n\nThe answer is 42."
    for content, what in ((thought, "it"), (closed, "a closed one")) if template.thinks else ((thought, "it"),):
        try:
            text = template.turns(("user", QUESTION), ("assistant", content))
        except UserError:
            return f"refuses {what}"
        if text.startswith(begin + content.rstrip()):
            continue
        if THOUGHT not in text:
            return f"drops {what}"
        empty = re.search(rf"{OPEN}\s*{CLOSE}", text)
        return f"puts an empty thought before {what}" if empty else f"changes {what}"
    return KEPT


def _doubled(tokenizer: Tokenizer, head: str) -> str:
    """What the tokenizer puts before a text and the template does too."""
    opening = tokenizer.text_of(tokenizer.opening)
    return opening if opening and head.startswith(opening) else ""


def _rejoined(tokenizer: Tokenizer, text: str, joiner: str) -> float:
    """How often two sentences joined with this are encoded otherwise than one after the other."""
    pairs = _neighbours(text)
    other = sum(
        tokenizer.encode(one + joiner + two) != [*tokenizer.encode(one), *tokenizer.encode(joiner + two)]
        for one, two in pairs
    )
    return other / len(pairs) if pairs else 0.0


def _neighbours(text: str) -> Sequence[tuple[str, str]]:
    """Pairs of sentences that follow each other, without the white space between them."""
    marks = [0, *ends(text, final=True)]
    sentences = [s for a, b in pairwise(marks) if (s := text[a:b].strip())]
    return list(pairwise(sentences))[:MOST_CUTS]


def _halves(tokenizer: Tokenizer, text: str) -> float:
    ids = tokenizer.encode(text)
    cut = sum(not _whole(tokenizer, ids[:k]) for k in _places(len(ids)))
    return cut / max(1, len(_places(len(ids))))


def _recut(author: Tokenizer, reader: Tokenizer, text: str) -> float:
    """How often the reader's ids change when the text was handed over in two parts, cut between the author's ids."""
    ids, whole = author.encode(text), reader.encode(text)
    places = _places(len(ids))
    other = 0
    for k in places:
        first = author.text_of(ids[:k])
        other += [*reader.encode(first), *reader.encode(text[len(first) :])] != whole
    return other / max(1, len(places))


def _places(length: int) -> Sequence[int]:
    return range(1, length, max(1, length // MOST_CUTS))


def _whole(tokenizer: Tokenizer, ids: Sequence[int]) -> bool:
    try:
        tokenizer.bytes_of(ids).decode()
    except UnicodeDecodeError:
        return False
    return True
