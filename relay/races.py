"""Races: where the first pen of a branch to rest is gone on from (`pick: first`), the others are stopped.

Who is too late follows from the walk alone: so a rollout that is read back from its file goes on as it would have.
"""

from collections.abc import Collection, Iterator
from functools import reduce

from relay.deadline import Deadline
from relay.events import HopCommitted
from relay.folding import advance, branch_of, placed
from relay.language.graph import Graph
from relay.walk import DISCARDED, FIT, Extra, Hop, Pen, StopReason, Walk


class Stop:
    """Ends a pen's waiting from outside, and that of the visit it began ahead."""

    __slots__ = ("_called", "_deadlines")

    def __init__(self) -> None:
        self._called = False
        self._deadlines: dict[str, Deadline] = {}

    def holds(self, what: str, deadline: Deadline) -> None:
        """From here on it ends what waits by this deadline, in place of what it knew by that name."""
        self._deadlines[what] = deadline
        if self._called:
            deadline.fire()

    def call(self) -> None:
        """Once is enough."""
        if not self._called:
            self._called = True
            for deadline in self._deadlines.values():
                deadline.fire()


def too_late(walk: Walk, graph: Graph) -> frozenset[str]:
    """The pens that are not at rest though another one of their branch was the first to come to its end."""
    if not graph.races:
        return frozenset()
    lost = tuple(
        path for pen in walk.pens.values() if pen.rest is None and pen.node in graph.races
        for path in _lost(branch_of(pen, walk.pens))
    )  # fmt: skip
    below = tuple(f"{path}." for path in lost)
    live = (pen.path for pen in walk.pens.values() if pen.rest is None)
    return frozenset(path for path in live if path in lost or path.startswith(below))


def _lost(branch: tuple[Pen, ...]) -> tuple[str, ...]:
    if not any(pen.rest in FIT for pen in branch):
        return ()
    return tuple(pen.path for pen in branch if pen.rest is None)


def fell_behind(walk: Walk, late: Collection[str], running: Collection[str]) -> Iterator[HopCommitted]:
    """The hops with which pens rest that are too late and do nothing just now, those that branched after their pens."""
    while behind := [pen for pen in walk.frontier if pen.path in late and pen.path not in running]:
        pen = behind[0]
        hop = Hop(
            pen.path, pen.hops, pen.node, pen.visits.get(pen.node, 0) + 1, pen.node, rest=StopReason.LATE,
            extra=Extra(apart=DISCARDED),
        )  # fmt: skip
        came = HopCommitted(hop, advance(pen, hop))
        walk = placed(walk, came.hop, came.pen)
        yield came


def in_time(said: HopCommitted, walk: Walk, late: Collection[str]) -> HopCommitted:
    """A hop as it was; the last one of a pen that is too late as discarded: what it wrote is paid for."""
    hop = said.hop
    if hop.rest is None or hop.pen not in late:
        return said
    segment = hop.segment and hop.segment._replace(stop=DISCARDED, matched="", closed=-1)
    hop = hop._replace(
        to=hop.node, segment=segment, rest=StopReason.LATE, why="", branches=0, starts="", turn_ended=False,
        extra=Extra(apart=DISCARDED),
    )  # fmt: skip
    pen = reduce(advance, said.before, walk.pens[hop.pen])
    return HopCommitted(hop, advance(pen, hop), said.before)
