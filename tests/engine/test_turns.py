"""Models that take turns: proven by the order of calls on engines that record them."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.engine import Delta, Purpose, Request, Sampling
from relay.engine.scripted import ScriptedModel
from relay.engine.turns import Turned, Turns
from relay.errors import EngineError
from relay.problems import Problem
from relay.seam.cuts import Cut

Call = tuple[str, str]  # a model, and what happened to it


class Recorder:
    """An engine that writes down what is asked of it, and answers with one id."""

    def __init__(self, name: str, calls: list[Call], like: Any) -> None:
        self.tokenizer, self.template, self.context, self.rows, self.facts = (
            like.tokenizer, like.template, like.context, 2, {"engine": name},
        )  # fmt: skip
        self.name, self.calls, self.awake, self.breaks = name, calls, True, False

    def _note(self, what: str) -> None:
        self.calls.append((self.name, what))

    async def sleep(self) -> None:
        assert self.awake
        self._note("sleep")
        await asyncio.sleep(0)
        self.awake = False

    async def wake(self) -> None:
        assert not self.awake
        if self.breaks:
            raise RuntimeError("out of memory")
        self._note("wake")
        await asyncio.sleep(0)
        self.awake = True

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        assert self.awake
        self._note("extend")
        for _ in range(3):
            await asyncio.sleep(0)
            assert self.awake
        yield Delta((1,))

    async def score(self, prompt: Sequence[int], continuations: Sequence[Sequence[int]]) -> list[tuple[float, ...]]:
        assert self.awake
        self._note("score")
        return []

    async def aclose(self) -> None:
        self._note("close")


async def loaded(*names: str) -> tuple[dict[str, Turned], dict[str, Recorder], list[Call]]:
    """Models that were loaded one after the other."""
    like = await ScriptedModel(says=("one",)).open()
    calls: list[Call] = []
    turns, engines, bare = Turns(), {}, {}
    for name in names:
        await turns.clear()
        bare[name] = Recorder(name, calls, like)
        engines[name] = turns.add(bare[name])
        calls.append((name, "load"))
    return engines, bare, calls


def request(engine: Turned) -> Request:
    purpose = Purpose(Problem("p", "?", "1"), 0, "n", 1, "0")
    return Request([1], Cut(engine.tokenizer, tokens=1), Sampling(), 1, frozenset(), purpose)


async def call(engine: Turned) -> None:
    async with aclosing(engine.extend(request(engine))) as deltas:
        async for _ in deltas:
            pass


async def test_each_model_is_loaded_while_the_others_sleep() -> None:
    _, bare, calls = await loaded("a", "b", "c")
    assert calls == [("a", "load"), ("a", "sleep"), ("b", "load"), ("b", "sleep"), ("c", "load")]
    assert [e.awake for e in bare.values()] == [False, False, True]


async def test_a_wave_of_rollouts_passes_through_one_model_before_the_next_is_woken() -> None:
    engines, _, calls = await loaded("a", "b")
    del calls[:]

    async def rollout() -> None:
        for name in ("a", "b", "a"):
            await call(engines[name])

    await asyncio.gather(*(rollout() for _ in range(20)))
    changes = [each for each in calls if each[1] in ("sleep", "wake")]
    turn = [("b", "sleep"), ("a", "wake")], [("a", "sleep"), ("b", "wake")]
    assert changes == [*turn[0], *turn[1], *turn[0]]
    assert calls.count(("a", "extend")) == 40
    assert calls.count(("b", "extend")) == 20


async def test_scores_wait_for_their_turn_too() -> None:
    engines, _, calls = await loaded("a", "b")
    del calls[:]
    await asyncio.gather(engines["a"].score([1], [[2]]), engines["b"].score([1], [[2]]))
    assert calls == [("b", "score"), ("b", "sleep"), ("a", "wake"), ("a", "score")]


async def test_a_call_that_is_cancelled_while_it_waits_holds_nobody_up() -> None:
    engines, _, _ = await loaded("a", "b")
    under_way = asyncio.ensure_future(call(engines["b"]))
    await asyncio.sleep(0)
    waiting = [asyncio.ensure_future(call(engines["a"])) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    under_way.cancel()
    await asyncio.gather(*waiting, under_way, return_exceptions=True)
    assert waiting[0].cancelled()
    assert not waiting[1].cancelled()
    async with asyncio.timeout(5):
        await call(engines["b"])


async def test_a_model_that_cannot_be_woken_fails_its_calls_and_hangs_nobody() -> None:
    engines, bare, _ = await loaded("a", "b")
    bare["a"].breaks = True
    async with asyncio.timeout(5):
        with pytest.raises(EngineError, match="out of memory"):
            await call(engines["a"])
        await call(engines["b"])


@settings(deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=5), min_size=1, max_size=8),
    st.sets(st.integers(0, 7), max_size=3),
)
def test_whatever_the_rollouts_all_end_and_nobody_calls_a_sleeper(walks: list[list[str]], cancelled: set[int]) -> None:
    async def run() -> None:
        engines, _, calls = await loaded("a", "b", "c")

        async def rollout(walk: list[str]) -> None:
            for name in walk:
                await call(engines[name])

        tasks = [asyncio.ensure_future(rollout(walk)) for walk in walks]
        await asyncio.sleep(0)
        for i in cancelled & set(range(len(tasks))):
            tasks[i].cancel()
        async with asyncio.timeout(10):
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert not [o for o in outcomes if isinstance(o, Exception)]
        whole = sum(len(w) for i, w in enumerate(walks) if i not in cancelled)
        assert sum(what == "extend" for _, what in calls) >= whole

    asyncio.run(run())
