"""The engine that notes its calls is the engine that it holds."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from relay.engine import Delta, Purpose, Request, Sampling
from relay.engine.scripted import ScriptedModel, shipped
from relay.errors import EngineError
from relay.planning.meter import Meter
from relay.prepare.solos import NODE
from relay.problems import Problem
from relay.seam.cuts import Cut

PROBLEM = Problem("p", "What?", "1")


def request(node: str, tokens: int = 100) -> Request:
    cut = Cut(shipped(), tokens=tokens)
    return Request([1, 2, 3], cut, Sampling(), 1, frozenset(), Purpose(PROBLEM, 2, node, 1, "0"), cell="m=0")


async def test_a_call_is_noted_with_its_tokens_its_time_and_whose_it_is() -> None:
    engine = await ScriptedModel.model_validate({"says": "It is one.", "seconds": 0.05}).open()
    meter = Meter()
    metered = meter.around("main", engine)
    assert metered.facts is engine.facts
    assert metered.tokenizer is engine.tokenizer
    for node in ("think", NODE):
        asked = request(node)
        _ = [delta async for delta in metered.extend(asked)]
        assert asked.cut.settle().text == "It is one."
    one, solo = meter.calls
    assert (one.model, one.solo, one.rollout) == ("main", False, ("p", 2, "m=0"))
    assert (one.computed, one.decoded) == (3, len(engine.tokenizer.encode("It is one.")) + 1)
    assert 0.05 <= one.seconds < 5
    assert solo.solo


class Failing:
    """An engine that fails, and one that never ends."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.closed = False

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        try:
            yield Delta((1,))
            if self.error is not None:
                raise self.error
            await asyncio.Event().wait()
        finally:
            self.closed = True


async def test_a_call_that_fails_is_none_and_leaving_it_early_ends_it() -> None:
    meter = Meter()
    broken: Any = Failing(EngineError("gone"))
    with pytest.raises(EngineError):
        _ = [delta async for delta in meter.around("main", broken).extend(request("think"))]
    endless: Any = Failing(None)
    deltas = meter.around("main", endless).extend(request("think"))
    await anext(deltas)
    await deltas.aclose()
    assert endless.closed
    assert meter.calls == []
