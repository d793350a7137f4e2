"""The one pure function that adds a hop to a walk.

The loop and resume both go through `fold`, so that a rollout read back from its file is the rollout that was walked.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from types import MappingProxyType

from relay.trajectory import Segment, Trajectory, Usage
from relay.walk import (
    BESIDE,
    BY_HAND,
    EDGE,
    EDIT,
    IN_VAIN,
    READING,
    ROOT,
    VETO,
    Extra,
    Hop,
    Pen,
    Ruling,
    StopReason,
    Walk,
    begin,
)  # fmt: skip


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


def walked(hops: Sequence[Hop]) -> Walk:
    """The walk of these hops, of which there is one at least."""
    return reduce(fold, hops, begun_by(hops[0]))


def placed(walk: Walk, hop: Hop, pen: Pen) -> Walk:
    """The walk with this hop's pen where the hop left it, and the pens that the hop started."""
    pens = {**walk.pens, hop.pen: pen}
    over = hop.extra.over if hop.extra is not None else ()
    for i in range(hop.branches):
        path = f"{pen.path}.{pen.children - hop.branches + i}"
        dealt = {**pen.dealt, hop.starts: over[i % len(over)]} if over else pen.dealt
        pens[path] = pen._replace(path=path, node=hop.starts, children=0, branched=0, rest=None, dealt=dealt)
    return Walk(pens)
