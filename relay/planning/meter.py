"""An engine around an engine that notes what each call was: its tokens, its seconds, and how many ran beside it."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from time import perf_counter
from typing import Any, NamedTuple

from relay.engine import Delta, Engine, Request
from relay.prepare.solos import NODE
from relay.trajectory import Usage


class Call(NamedTuple):
    """One call of a model."""

    model: str
    solo: bool  # for the pool
    rollout: tuple[str, int, str]  # problem, sample, cell
    computed: int
    cached: int
    decoded: int  # what is thrown away included
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


class Meter:
    """The calls of a run's engines."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def around(self, model: str, engine: Engine) -> Engine:
        """The engine, with its calls noted."""
        return _Metered(model, engine, self.calls)


class _Metered:
    """It is the engine in all else, notes and scores included."""

    def __init__(self, model: str, inner: Engine, calls: list[Call]) -> None:
        self._model, self._inner, self._calls = model, inner, calls

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        """As the engine does."""
        usage, began = Usage(), perf_counter()
        async with aclosing(self._inner.extend(request)) as deltas:
            async for delta in deltas:
                usage = delta.usage or usage
                yield delta
        purpose = request.purpose
        self._calls.append(
            Call(
                self._model, purpose.node == NODE, (purpose.problem.id, purpose.sample, request.cell),
                usage.computed, usage.cached, len(request.cut.ids), began, perf_counter(),
            )
        )  # fmt: skip


def beside(calls: Sequence[Call]) -> list[float]:
    """How many calls ran at once while each of these did, itself included, on average over its time."""
    marks = sorted({t for call in calls for t in (call.began, call.ended)})
    place = {t: i for i, t in enumerate(marks)}
    steps = [0] * (len(marks) + 1)
    for call in calls:
        steps[place[call.began]] += 1
        steps[place[call.ended]] -= 1
    area, running, areas = 0.0, 0, [0.0]
    for i in range(len(marks) - 1):
        running += steps[i]
        area += running * (marks[i + 1] - marks[i])
        areas.append(area)
    return [(areas[place[c.ended]] - areas[place[c.began]]) / c.seconds if c.seconds else 1.0 for c in calls]
