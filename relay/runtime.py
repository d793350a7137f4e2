"""THE loop: walk one rollout's tree of pens, hop by hop, as an async iterator of events.

`run` folds over it, the monitor and the tests step it. A walk is new (`begin`) or read back from a
run file: the loop cannot tell the difference.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing

from relay.ahead import Ahead
from relay.deadline import Deadline
from relay.draws import generator
from relay.errors import EngineError, TimeUpError
from relay.events import Event, HopCommitted, RolloutEnded, Tokens
from relay.folding import advance, placed, spent
from relay.language.graph import Exit
from relay.node import NOTHING, Act, Desk, Stage, Trip
from relay.races import Stop, too_late
from relay.side_by_side import side_by_side
from relay.taking_part import by_people, stopped_by_hand
from relay.walk import BY_HAND, RESTS, ROOT, TRIP, Extra, Hop, Pen, StopReason, Walk


async def rollout(walk: Walk, stage: Stage) -> AsyncGenerator[Event, None]:
    """Walk until no pen is live. Leaving early (`aclosing`) stops every pen where it stands."""
    while frontier := walk.frontier:
        alone = len(frontier) == 1 and not too_late(walk, stage.graph)
        steps = pen_steps(frontier[0], stage, walk.pens) if alone else side_by_side(walk, stage, pen_steps)
        async with aclosing(steps):
            async for event in steps:
                if type(event) is HopCommitted:
                    walk = placed(walk, event.hop, event.pen)
                yield event
    assert walk.stop is not None  # an empty frontier means that pen 0 rests
    yield RolloutEnded(walk.stop, walk.pens[ROOT].why, walk)


async def pen_steps(  # noqa: PLR0912  the loop, from top to bottom
    pen: Pen, stage: Stage, pens: Mapping[str, Pen], stop: Stop | None = None
) -> AsyncGenerator[Event, None]:
    """One pen's events until it rests, branches or is stopped. `pens`: the rollout's, as they are when it sets out."""
    stop = stop or Stop()
    desk = Desk(stage, pen, Deadline(stage.limits.seconds - pen.seconds), pens)
    stop.holds("visit", desk.deadline)
    begun: Ahead | None = None  # the visit of the node that the pen stands at, or may come to next
    branched, people, ahead = 0, stage.people, stage.graph.ahead
    try:
        while pen.rest is None and not branched:
            desk.turn(pen, pen.visits.get(pen.node, 0) + 1)
            doing = _doing(desk, begun)
            begun = _begun(ahead[pen.node], pen, stage, pens, stop) if pen.node in ahead else None
            if isinstance(doing, Act):
                act = doing
            else:
                act = NOTHING
                try:
                    async for item in doing:
                        if isinstance(item, Act):
                            act = item
                        else:
                            yield item
                except EngineError as error:
                    act = _failed(error)
                except BaseException:
                    await doing.aclose()
                    raise
            pen, before = _beside(pen, act) if act.beside else (pen, ())
            after, hop = commit(pen, desk.visit, act, stage, pens)
            if begun is not None and not _comes_to(hop, stage):
                pen, discarded = await _given_up(begun, pen)  # it is paid for before the edge is chosen
                before, begun = (*before, *discarded), None
                after, hop = commit(pen, desk.visit, act, stage, pens)
            if act.trip is not None:  # its watcher's edge acts at once: nothing lies between
                before, (after, hop) = (*before, hop), _tripped(after, act.trip, stage, pens)
            elif people is not None and (taken_back := stopped_by_hand(pen, hop, stage)) is not None:
                stopped, hop = taken_back
                before, after = (*before, stopped), advance(advance(pen, stopped), hop)
            yield HopCommitted(hop, pen := after, before)
            branched = hop.branches
            if people is not None and people.wanted(stage.rollout) and not (begun or branched):
                async with aclosing(by_people(desk, pen, "" if hop.node == BY_HAND else hop.node, people)) as acts:
                    async for event in acts:
                        if type(event) is HopCommitted:
                            pen = event.pen
                        yield event
    finally:
        desk.deadline.close()
        if begun is not None:
            await begun.aclose()


def _begun(node: str, pen: Pen, stage: Stage, pens: Mapping[str, Pen], stop: Stop) -> Ahead:
    """The visit of this node, which begins while the pen's own, a judge, is asked."""
    begun = Ahead(node, pen, stage, pens)
    stop.holds("ahead", begun.deadline)
    return begun


def _doing(desk: Desk, begun: Ahead | None) -> Act | AsyncGenerator[Tokens | Act, None]:
    """What happens at the node that the pen has come to."""
    if begun is not None:
        return begun.going_on()
    if desk.deadline.expired:
        return Act(rest=StopReason.SECONDS)
    if desk.pen.node in desk.stage.graph.passed:
        return NOTHING
    try:
        return desk.stage.graph.nodes[desk.pen.node].act(desk)
    except EngineError as error:
        return _failed(error)


def _failed(error: EngineError) -> Act:
    """Time is up, or a model or its server failed."""
    if isinstance(error, TimeUpError):
        return Act(rest=StopReason.SECONDS)
    return Act(rest=StopReason.FAILED, why=str(error))


def _beside(pen: Pen, act: Act) -> tuple[Pen, tuple[Hop, ...]]:
    """The hops of what went on beside a visit, which come before it, and the pen after them."""
    hops: list[Hop] = []
    for node, visit, segment, usage, recoded, extra in act.beside:
        hops.append(Hop(pen.path, pen.hops, node, visit, pen.node, segment, usage, recoded=recoded, extra=extra))
        pen = advance(pen, hops[-1])
    return pen, tuple(hops)


def _tripped(pen: Pen, trip: Trip, stage: Stage, pens: Mapping[str, Pen]) -> tuple[Pen, Hop]:
    """A pen that a watcher stopped stands at the watcher, and goes on by its edges."""
    act = Act(source=TRIP, extra=Extra(label=trip.label, score=float(trip.late)))
    return commit(pen, pen.visits.get(pen.node, 0) + 1, act, stage, pens)


async def _given_up(begun: Ahead, pen: Pen) -> tuple[Pen, tuple[Hop, ...]]:
    """Stop what was begun ahead of a judge that said otherwise, and the pen that paid for it."""
    discarded = await begun.given_up(pen)
    return (pen, ()) if discarded is None else (advance(pen, discarded), (discarded,))


def _comes_to(hop: Hop, stage: Stage) -> bool:
    """Whether this judge's hop leads to what was begun ahead of it, on the text that was read there."""
    return hop.rest is None and hop.to == stage.graph.ahead.get(hop.node) and not (hop.extra and hop.extra.drops)


def commit(pen: Pen, visit: int, act: Act, stage: Stage, pens: Mapping[str, Pen]) -> tuple[Pen, Hop]:
    """Close a visit: the first edge that holds, or the reason why the pen rests. Pure."""
    segment, usage, rest, why, branches, starts, source, recoded, turn_ended, extra, _, trip = act
    to = pen.node if trip is None else trip.watcher
    if rest is None and trip is None:
        to, rest, extra = _way_on(pen, visit, act, stage, pens)
    if rest is not None:
        branches, starts = 0, ""  # no pen starts where nothing is left to spend
    hop = Hop(
        pen.path, pen.hops, pen.node, visit, to, segment, usage, rest, why,
        branches, starts, source, recoded, turn_ended, extra,
    )  # fmt: skip
    return advance(pen, hop, pens), hop


def _way_on(
    pen: Pen, visit: int, act: Act, stage: Stage, pens: Mapping[str, Pen]
) -> tuple[str, StopReason | None, Extra | None]:
    """Where the pen goes, and why it rests if it does. What cut the text short comes before the edge."""
    exits, segment, extra = stage.graph.edges[pen.node], act.segment, act.extra
    edge, tokens = exits[0], pen.tokens + spent(segment, act.usage)
    if edge.when is not None or extra is not None:
        hop = Hop(pen.path, pen.hops, pen.node, visit, "", segment, act.usage, turn_ended=act.turn_ended, extra=extra)
        after = advance(pen, hop, pens)
        edge = next(e for e in exits if e.when is None or e.when(after, _luck(stage, hop, e)))
        tokens = after.tokens
    if edge.drops:
        extra = (extra or Extra())._replace(drops=edge.drops)
    if segment is not None and segment.stop in _CUT_SHORT and not (extra and extra.apart):
        return edge.to, _CUT_SHORT[segment.stop], extra
    if edge.to in RESTS:
        return edge.to, RESTS[edge.to], extra
    if tokens >= stage.limits.tokens:
        return edge.to, StopReason.TOKENS, extra
    return edge.to, StopReason.HOPS if pen.hops + 1 >= stage.limits.hops else None, extra


_CUT_SHORT = {str(r): r for r in (StopReason.TOKENS, StopReason.SECONDS, StopReason.CONTEXT)}


def _luck(stage: Stage, hop: Hop, edge: Exit) -> Callable[[], float]:
    """What an edge that hangs on chance draws, in 0..1: as every draw, by what it is for."""
    what = ("edge", edge.number, hop.node, hop.visit, hop.pen)
    return lambda: generator(stage.seed, stage.problem.id, stage.sample, *what).random()
