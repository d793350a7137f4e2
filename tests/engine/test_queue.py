"""Calls under way are counted: those that wait for their first token, and those of which tokens come."""

from collections.abc import AsyncGenerator
from typing import Any, cast

from relay.draws import seed_of
from relay.engine import Delta, Engine, Purpose, Request, Sampling
from relay.engine.queue import Calls, calls_of, queued
from relay.engine.scripted import ScriptedModel
from relay.problems import Problem
from relay.seam.cuts import Cut


async def test_a_call_waits_until_its_first_token_and_is_gone_when_it_ends_or_is_left() -> None:
    engine = await ScriptedModel(says="One two three four.", delta="token").open()
    queues = queued({"a": cast(Engine, engine), "b": cast(Engine, engine)})

    def call() -> AsyncGenerator[Delta, None]:
        purpose = Purpose(Problem("p", "math", "1 + 1?", "2"), 0, "think", 1, "0")
        cut = Cut(engine.tokenizer, tokens=50)
        request: Any = Request([5], cut, Sampling(), seed_of(1, "p", 0), frozenset(), purpose)
        return queues["b"].extend(request)

    one, two = call(), call()
    assert calls_of(queues) == {"a": Calls(2, 0)}, "one engine under two names"
    await anext(one)
    assert calls_of(queues) == {"a": Calls(1, 1)}
    async for _ in one:
        pass
    await two.aclose()
    assert calls_of(queues) == {"a": Calls(0, 0)}
    assert queues["a"].rows == engine.rows
    assert queues["a"].score, "what else it can do, it can do still"
