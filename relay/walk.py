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


class StopReason(StrEnum):
    """Why a pen came to rest. A rollout ends with the reason of pen 0."""

    END = "end"  # an edge led to `end`
    REFUSE = "refuse"  # an edge led to `refuse`
    JOIN = "join"  # a branch's pen came to its join
    TOKENS = "budget tokens"
    HOPS = "budget hops"
    SECONDS = "budget seconds"
    CONTEXT = "context full"  # the next writer's context cannot hold the prompt
    MISSING = "missing"  # a unit that the scenario asks for does not exist (no correct guide, no distractor)
    FAILED = "failed"  # an engine failed; `why` says how


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
    source: str = ""  # where an inserted text came from: "problem/sample" of the pool; or why nothing was computed
    recoded: int = -1  # prompt tokens that came by re-encoding another's text; -1: nothing was read
    turn_ended: bool = False  # the author ended its turn (end-of-sequence) and was allowed to answer


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


def advance(pen: Pen, hop: Hop) -> Pen:
    """The pen after this hop. Raises ValueError when the hop is not the pen's next one."""
    if (hop.pen, hop.n, hop.node) != (pen.path, pen.hops, pen.node) or pen.rest is not None:
        raise ValueError(f"hop {hop.pen}#{hop.n} at {hop.node} does not follow pen {pen.path}#{pen.hops} at {pen.node}")
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
    )


def spent(segment: Segment | None, usage: Usage) -> int:
    """What a hop takes from the token budget: what was decoded, thrown away, or put in."""
    return (usage.decoded or (len(segment.ids) if segment is not None else 0)) + usage.thrown


def fold(walk: Walk, hop: Hop) -> Walk:
    """The walk with one more hop. Pure; used by the loop and by resume alike."""
    return placed(walk, hop, advance(walk.pens[hop.pen], hop))


def placed(walk: Walk, hop: Hop, pen: Pen) -> Walk:
    """The walk with this hop's pen where the hop left it, and the pens that the hop started."""
    pens = {**walk.pens, hop.pen: pen}
    for i in range(pen.children - hop.branches, pen.children):
        path = f"{pen.path}.{i}"
        pens[path] = pen._replace(path=path, node=hop.starts, children=0, rest=None)
    return Walk(pens)
