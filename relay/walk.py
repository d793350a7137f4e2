"""A rollout as a value: its pens and its hops.

Pens are named by path ("0", "0.1") and hops by (pen, number along that pen's own
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
BETWEEN = (INSERT, EDIT, VETO, EDGE)  # those that are done between two hops, whatever the scenario says


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


RESTS = {"end": StopReason.END, "refuse": StopReason.REFUSE, "join": StopReason.JOIN}  # where an edge may lead to rest
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
VETOED = "vetoed"  # the stop of a segment that was open when a person took it back; the veto is the hop behind it
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
