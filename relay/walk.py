"""A rollout as a value: its pens, its hops, and the one pure function that adds a hop to it.

The loop and resume both go through `fold`, so that a rollout read back from its file is the rollout
that was walked. Pens are named by path ("0", "0.1") and hops by (pen, number along that pen's own
path): names do not depend on the order in which the work was done.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from relay.trajectory import Segment, Trajectory, Usage

ROOT = "0"
HUMAN = "human"  # the model of what a person wrote
BY_HAND = "(human)"  # the node of what a person did between two hops: no node of a scenario can be called so
INSERT, EDIT, VETO, EDGE, ANSWER = "insert", "edit", "veto", "edge", "answer"  # acts, the first word of a hop's source


class StopReason(StrEnum):
    """Why a pen came to rest. A rollout ends with the reason of pen 0."""

    END = "end"  # an edge led to `end`
    REFUSE = "refuse"  # an edge led to `refuse`
    JOIN = "join"  # a branch's pen came to its join
    LATE = "too late"  # another pen of its branch was the first to come to its end, and that was asked for
    TOKENS = "budget tokens"
    HOPS = "budget hops"
    SECONDS = "budget seconds"
    CONTEXT = "context full"  # the next writer's context cannot hold the prompt
    MISSING = "missing"  # a unit that the scenario asks for does not exist (no correct guide, no distractor)
    FAILED = "failed"  # an engine failed; `why` says how


FIT = (StopReason.END, StopReason.JOIN)  # how a pen rests that came to where the scenario sent it


class Extra(NamedTuple):
    """What few hops have: a judge's word, what is not part of the thought, a cut, a pick, how a branch dealt."""

    label: str = ""  # what a judge said
    score: float | None = None  # and how much that is
    apart: str = ""  # why the segment is no part of the thought: "private", "discarded", "taken back", "reading"
    drops: str = ""  # the taken edge cuts the trajectory before this node's last segment
    chosen: str = ""  # the pen that a pick went on from
    over: tuple[str, ...] = ()  # models dealt out to the pens that start here
    beside: float = 0.0  # of its seconds, those that ran while a judge was asked
    entropy: float | None = None  # nats: how unsure its author was of the segment's first id; where an edge asks


PRIVATE, DISCARDED = "private", "discarded"  # a judge's word; begun ahead of a judge that said otherwise
TAKEN_BACK, READING = "taken back", "reading"  # what a watcher stopped; the word of a judge that a watcher asked
IN_VAIN = (DISCARDED, TAKEN_BACK)  # paid for, and nothing follows from it
TRIP = "trip"  # the source of a hop at a watcher: what it tripped by is its label, how many tokens late its score
BESIDE = (*IN_VAIN, READING)  # hops that leave the pen where it stands


class Hop(NamedTuple):
    """One visit of a node by a pen, with all that is needed to go on after it."""

    pen: str
    n: int  # number along the pen's own path, its parents' hops included; from 0
    node: str
    visit: int  # which visit of this node along the pen's own path; from 1
    to: str  # the node that the taken edge leads to, or "end", "refuse", "join"
    segment: Segment | None = None
    usage: Usage = Usage()
    rest: StopReason | None = None  # why the pen came to rest here, if it did
    why: str = ""  # what went wrong, for rest == FAILED or MISSING
    branches: int = 0  # how many pens start here; they are derived, not stored
    starts: str = ""  # the node at which they start
    source: str = ""  # where an inserted text came from ("problem/sample"), why nothing was computed, or "trip";
    # of what a person did, the act and the number of the request: "veto 12"
    recoded: int = -1  # prompt tokens that came by re-encoding another's text; -1: nothing was read
    turn_ended: bool = False  # the author ended its turn (end-of-sequence) and was allowed to answer
    extra: Extra | None = None


class Ruling(NamedTuple):
    """What a judge said last along a pen's path."""

    label: str
    score: float | None


NO_RULINGS: Mapping[str, Ruling] = MappingProxyType({})
NOT_DEALT: Mapping[str, str] = MappingProxyType({})


class Pen(NamedTuple):
    """The right to write at one place: where a pen stands and what lies behind it."""

    path: str
    node: str  # where it stands: the next node to visit
    trajectory: Trajectory
    visits: Mapping[str, int]  # visits of each node along its own path
    hops: int = 0  # hops along its own path
    tokens: int = 0  # tokens spent along its own path: decoded, inserted, thrown away
    seconds: float = 0.0
    answered: bool = False  # the answering node's turn ended
    rest: StopReason | None = None
    why: str = ""  # what went wrong on its way
    children: int = 0  # pens that have started from it, in all; it waits until they rest
    branched: int = 0  # of them, those of its last branch
    rulings: Mapping[str, Ruling] = NO_RULINGS  # what judges said last, by node
    dealt: Mapping[str, str] = NOT_DEALT  # the model that a branch dealt to this pen, by node
    entropy: float | None = None  # of the last segment's first id, where it was asked for


class Walk(NamedTuple):
    """One rollout so far: a tree of pens. Immutable."""

    pens: Mapping[str, Pen]

    @property
    def frontier(self) -> tuple[Pen, ...]:
        """The pens that can go on: not at rest, and none of their children under way."""
        if len(self.pens) == 1:
            return tuple(p for p in self.pens.values() if p.rest is None)
        return tuple(p for p in self.pens.values() if p.rest is None and not self._waits(p))

    @property
    def stop(self) -> StopReason | None:
        """Why the rollout ended, or None while it has not."""
        return self.pens[ROOT].rest

    def _waits(self, pen: Pen) -> bool:
        return any(self.pens[f"{pen.path}.{i}"].rest is None for i in range(pen.children))


def begin(start: str) -> Walk:
    """A rollout that has begun and has no hop yet: pen 0 stands at the start node."""
    return Walk({ROOT: Pen(ROOT, start, Trajectory(), MappingProxyType({}))})


def begun_by(hop: Hop) -> Walk:
    """The walk of which this is the first hop."""
    return begin(hop.to if _beside(hop.extra) else hop.node)


def advance(pen: Pen, hop: Hop, pens: Mapping[str, Pen] = MappingProxyType({})) -> Pen:
    """The pen after this hop; a pick looks at the other `pens`. Raises ValueError when the hop is not its next one."""
    extra = hop.extra
    if hop.node == BY_HAND:
        return _by_hand(pen, hop)
    if (hop.pen, hop.n) != (pen.path, pen.hops) or not (hop.node == pen.node or _beside(extra)) or pen.rest:
        raise ValueError(f"hop {hop.pen}#{hop.n} at {hop.node} does not follow pen {pen.path}#{pen.hops} at {pen.node}")
    if extra is not None:
        return _besides(pen, hop, extra, pens)
    segment, usage = hop.segment, hop.usage
    return Pen(
        pen.path,
        hop.to,
        pen.trajectory if segment is None else pen.trajectory.add(segment),
        {**pen.visits, hop.node: hop.visit},
        pen.hops + 1,
        pen.tokens + spent(segment, usage),
        pen.seconds + usage.seconds,
        hop.turn_ended or (segment is None and pen.answered),
        hop.rest,
        hop.why or pen.why,
        pen.children + hop.branches,
        hop.branches or pen.branched,
        pen.rulings,
        pen.dealt,
        pen.entropy if segment is None else None,
    )


def _by_hand(pen: Pen, hop: Hop) -> Pen:
    """The pen after what a person did: put a text in, changed the last one, took it back, led the pen elsewhere.

    What was taken back stays paid for. Pen 0 may be called back from its rest.
    """
    if (hop.pen, hop.n) != (pen.path, pen.hops) or (pen.rest and pen.path != ROOT):
        raise ValueError(f"act {hop.pen}#{hop.n} does not follow pen {pen.path}#{pen.hops}")
    act, thought = hop.source.partition(" ")[0], pen.trajectory
    if act in (EDIT, VETO):
        thought = thought.parent or Trajectory()
    if hop.segment is not None:
        thought = thought.add(hop.segment)
    if hop.extra is not None and hop.extra.drops:
        thought = before(thought, hop.extra.drops)
    return pen._replace(
        node=hop.to,
        trajectory=thought,
        visits={**pen.visits, BY_HAND: hop.visit},
        hops=pen.hops + 1,
        tokens=pen.tokens + spent(hop.segment, hop.usage),
        answered=act == EDGE and pen.answered and hop.extra is None,
        rest=hop.rest,
        why="",
        entropy=pen.entropy if act == EDGE else None,
    )


def _beside(extra: Extra | None) -> bool:
    return extra is not None and extra.apart in BESIDE


def _besides(pen: Pen, hop: Hop, extra: Extra, pens: Mapping[str, Pen]) -> Pen:
    """The pen after a hop that has something besides."""
    cost = spent(hop.segment, hop.usage)
    if extra.apart in IN_VAIN:  # nobody reads it and nothing follows from it, but it was paid for
        return pen._replace(hops=pen.hops + 1, tokens=pen.tokens + cost, rest=hop.rest)
    if extra.apart == READING:
        return _read(pen, hop, extra, cost)
    after = advance(pen, hop._replace(extra=None, segment=None if extra.apart else hop.segment))
    after = after._replace(tokens=pen.tokens + cost, seconds=after.seconds - extra.beside)
    if extra.label or extra.score is not None:
        after = after._replace(rulings={**pen.rulings, hop.node: Ruling(extra.label, extra.score)})
    if extra.chosen:
        after = _gone_on_from(after, hop, pens[extra.chosen], branch_of(pen, pens))
    if extra.entropy is not None:
        after = after._replace(entropy=extra.entropy)
    if extra.drops:
        after = after._replace(trajectory=before(after.trajectory, extra.drops), answered=False)
    return after


def _read(pen: Pen, hop: Hop, extra: Extra, cost: int) -> Pen:
    """A pen whose open segment was read by a judge: it stands where it stood."""
    return pen._replace(
        visits={**pen.visits, hop.node: hop.visit},
        hops=pen.hops + 1,
        tokens=pen.tokens + cost,
        seconds=pen.seconds + hop.usage.seconds - extra.beside,
        rulings={**pen.rulings, hop.node: Ruling(extra.label, extra.score)},
    )


def branch_of(pen: Pen, pens: Mapping[str, Pen]) -> tuple[Pen, ...]:
    """The pens of this pen's last branch, in their order."""
    return tuple(pens[f"{pen.path}.{i}"] for i in range(pen.children - pen.branched, pen.children))


def _gone_on_from(pen: Pen, hop: Hop, chosen: Pen, branch: tuple[Pen, ...]) -> Pen:
    """A pen that has picked another's way as its own: it waited for all of them, and pays for the one."""
    return pen._replace(
        trajectory=chosen.trajectory,
        visits={**chosen.visits, hop.node: max(hop.visit, chosen.visits.get(hop.node, 0))},
        tokens=chosen.tokens,
        seconds=max(p.seconds for p in branch if p.rest != StopReason.LATE),
        answered=chosen.answered,
        rulings={**pen.rulings, **chosen.rulings},
    )


def before(trajectory: Trajectory, author: str) -> Trajectory:
    """The trajectory up to this author's last segment, which and all after it is left out."""
    here: Trajectory | None = trajectory
    while here is not None and here.segment is not None:
        if here.segment.author == author:
            return here.parent or Trajectory()
        here = here.parent
    return trajectory


def spent(segment: Segment | None, usage: Usage) -> int:
    """What a hop takes from the token budget: what was decoded, thrown away, or put in."""
    return (usage.decoded or (len(segment.ids) if segment is not None else 0)) + usage.thrown


def fold(walk: Walk, hop: Hop) -> Walk:
    """The walk with one more hop. Pure; used by the loop and by resume alike."""
    return placed(walk, hop, advance(walk.pens[hop.pen], hop, walk.pens))


def placed(walk: Walk, hop: Hop, pen: Pen) -> Walk:
    """The walk with this hop's pen where the hop left it, and the pens that the hop started."""
    pens = {**walk.pens, hop.pen: pen}
    over = hop.extra.over if hop.extra is not None else ()
    for i in range(hop.branches):
        path = f"{pen.path}.{pen.children - hop.branches + i}"
        dealt = {**pen.dealt, hop.starts: over[i % len(over)]} if over else pen.dealt
        pens[path] = pen._replace(path=path, node=hop.starts, children=0, branched=0, rest=None, dealt=dealt)
    return Walk(pens)
