"""A rollout's hops as one pen's story: blocks in the order in which its thought grew, with what was cut away folded."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from relay.became import JUDGE, KEPT, Fate, as_written, became
from relay.store.forking import path_of
from relay.trajectory import put_in
from relay.tui.colours import Authors
from relay.tui.safe import one_line, visible
from relay.tui.trace import facts, taken_by
from relay.walk import BESIDE, BY_HAND, TAKEN_BACK, TRIP, VETOED, Hop

EACH = 0.02  # seconds a token takes in a replay where nobody noted how long it took


class Block(NamedTuple):
    """One hop of the story, or the open segment at its end."""

    author: str
    pen: str
    text: str  # with control characters made visible
    margin: tuple[str, ...]
    colour: str
    mark: str
    ids: tuple[int, ...] = ()
    tokenizer: str = ""
    folded: str = ""  # the one line that stands for it unless it is unfolded
    open: bool = False  # still being written
    seconds: float = 0.0
    n: int = -1  # its hop's number along the pen's path; -1: it is still being written


class Live(NamedTuple):
    """A segment that is being written."""

    pen: str
    node: str
    visit: int
    tokens: int
    tail: str


def pens(hops: Sequence[Hop]) -> list[str]:
    """The pens of a rollout, parents before children."""
    found = {"0", *(hop.pen for hop in hops)}
    counts: Counter[str] = Counter()
    for hop in hops:
        found |= {f"{hop.pen}.{counts[hop.pen] + i}" for i in range(hop.branches)}
        counts[hop.pen] += hop.branches
    return sorted(found, key=lambda pen: [int(part) for part in pen.split(".")])


def kept(hops: Sequence[Hop], pen: str) -> list[Hop]:
    """The hops whose segments are this pen's thought, in their order."""
    return [hop for hop, fate in _way(hops, pen, became(hops, pen)) if fate.word == KEPT]


def _way(hops: Sequence[Hop], pen: str, fates: Sequence[Fate]) -> list[tuple[Hop, Fate]]:
    """The hops along a pen's path, each with what became of its segment in this pen's thought."""
    fate_of = {id(hop): fate for hop, fate in zip(hops, fates, strict=True)}
    return [(hop, fate_of[id(hop)]) for hop in path_of(hops, pen)]


def story(hops: Sequence[Hop], pen: str, authors: Authors, live: Mapping[str, Live]) -> list[Block]:
    """The blocks of one pen, with its open segment last."""
    fates = became(hops, pen)
    way, took = _way(hops, pen, fates), taken_by(hops, fates)
    order = as_written([hop for hop, _ in way])
    blocks = [_block(hop, authors, fate, took.get(id(hop), "")) for hop, fate in (way[at] for at in order)]
    if (now := live.get(pen)) is not None and now.node != BY_HAND:
        asks = bool(now.tail) and not now.tokens  # nobody has written what is there: it is a question
        margin = (f"{now.node} · asks you",) if asks else (f"{now.node} · writing", f"{now.tokens:,} tok")
        blocks.append(
            Block(
                now.node, pen, visible(now.tail), tuple(map(visible, margin)), authors.colour(now.node),
                authors.mark(now.node), open=True,
            )
        )  # fmt: skip
    return blocks


def _block(hop: Hop, authors: Authors, fate: Fate, took: str) -> Block:
    segment, margin = hop.segment, tuple(visible(line) for line in facts(hop, took))
    if segment is None:
        return Block(hop.node, hop.pen, "", margin, "dim", " ", folded=_nothing(hop, took), n=hop.n)
    return Block(
        hop.node, hop.pen, visible(segment.text.strip("\n")), margin, authors.colour(hop.node),
        authors.mark(hop.node), segment.ids, segment.tokenizer, _folded(hop, fate),
        seconds=hop.usage.seconds or EACH * len(segment.ids), n=hop.n,
    )  # fmt: skip


def _nothing(hop: Hop, took: str) -> str:
    """The line of a hop that left no segment."""
    told = facts(hop, took)[1:]
    if hop.node == BY_HAND:
        return one_line(f"({' · '.join(told)} → {hop.to})", 120)
    if hop.rest is None and not hop.branches and hop.source != TRIP:
        told.append(f"→ {hop.to}")
    return one_line(f"({hop.node}: {' · '.join(told)})", 120)


def _folded(hop: Hop, fate: Fate) -> str:
    """The line that stands for a segment which is no part of the thought."""
    segment, extra = hop.segment, hop.extra
    if segment is None or fate.word == KEPT:
        return ""
    what = "text" if put_in(segment) else {JUDGE: "judgement", TAKEN_BACK: "tokens"}.get(fate.word, "draft")
    told = [f"{what} of {segment.model}", f"{len(segment.ids):,} tok"]
    if extra is not None and extra.label:
        told.append(f"says {extra.label}")
    if extra is not None and extra.score is not None:
        told.append(f"score {extra.score:g}")
    told += [] if fate.word == JUDGE else [fate.word]
    return visible(", ".join(told))


def edges_taken(hops: Sequence[Hop]) -> Counter[tuple[str, str]]:
    """How often each edge was taken, by all pens: not where a visit was stopped, or went on beside another."""
    return Counter((hop.node, hop.to) for hop in hops if not _stays(hop))


def _stays(hop: Hop) -> bool:
    apart = hop.extra.apart if hop.extra is not None else ""
    return apart in BESIDE or (hop.segment is not None and hop.segment.stop == VETOED)


def standing(hops: Sequence[Hop], live: Mapping[str, Live], start: str) -> dict[str, str]:
    """Where each pen stands: a node, or where it came to rest."""
    at = dict.fromkeys(pens(hops), start)
    for hop in hops:
        at[hop.pen] = hop.to
        for child in (p for p in at if p.rpartition(".")[0] == hop.pen and hop.branches):
            at[child] = hop.starts
    return at | {pen: now.node for pen, now in live.items() if now.node != BY_HAND}


def handoffs(blocks: Sequence[Block]) -> Iterator[int]:
    """Places where another author begins."""
    before = ""
    for at, block in enumerate(blocks):
        if block.text and not block.folded:
            if before and block.author != before:
                yield at
            before = block.author


class Parting(NamedTuple):
    """Where two thoughts first differ."""

    token: int  # the place of the first different token, from 0; -1 where their tokens cannot be compared
    blocks: tuple[int, int]  # the block of each
    chars: tuple[int, int]  # the first different character within each block's text


def parting(one: Sequence[Block], two: Sequence[Block]) -> Parting | None:
    """The first different token of two thoughts, as their blocks and places in them; None where they are the same."""
    mine, other = ([(at, b) for at, b in enumerate(s) if b.text and not b.folded] for s in (one, two))
    token = 0
    for (i, a), (j, b) in zip(mine, other, strict=False):
        if a.author == b.author and a.text == b.text and a.ids == b.ids:
            token += len(a.ids)
            continue
        same = _same(a.ids, b.ids)
        known = bool(a.ids and b.ids) and a.tokenizer == b.tokenizer
        char = _same(a.text, b.text)
        return Parting(token + same if known else -1, (i, j), (char, char))
    if len(mine) == len(other):
        return None
    ends = tuple(s[min(len(mine), len(other))][0] if len(s) > min(len(mine), len(other)) else -1 for s in (mine, other))
    return Parting(token, (ends[0], ends[1]), (0, 0))


def _same(one: Sequence[object], two: Sequence[object]) -> int:
    """How many things at the beginning are the same."""
    for at, (a, b) in enumerate(zip(one, two, strict=False)):
        if a != b:
            return at
    return min(len(one), len(two))
