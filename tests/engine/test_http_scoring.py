"""The engine `http` says how probable a text is, as its server does; whatever that does in between."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.engine.http.faults import Fault
from relay.engine.http.scoring import read
from relay.errors import EngineError
from tests.engine.stand_in import StandIn, words_in
from tests.engine.test_http import KINDS, opened

PROMPT, TEXTS = [40, 41, 42], [[50, 51, 52, 53], [60], [3, 50]]


@pytest.fixture
def words(tmp_path: Path) -> str:
    return words_in(tmp_path)


def true(prompt: list[int], ids: list[int]) -> tuple[float, ...]:
    whole = [*prompt, *ids]
    found = [StandIn.logprob(whole[:n], whole[n]) for n in range(len(prompt), len(whole))]
    return tuple(-math.inf if value == -9999 else value for value in found)


async def test_each_id_has_the_server_s_log_probability(words: str) -> None:
    async with StandIn().open() as server, opened(words, server) as engine:
        assert await engine.score(PROMPT, TEXTS) == [true(PROMPT, text) for text in TEXTS]
        assert await engine.score(PROMPT, []) == []


@pytest.mark.parametrize("fault", [f for f in KINDS if "midway" not in f and f not in ("cut", "clean cut",
                                   "half an event", "error event")])  # fmt: skip
async def test_a_server_that_hurts_is_asked_again_and_counted(fault: str, words: str) -> None:
    async with StandIn().open() as server, opened(words, server) as engine:
        server.faults.extend([fault, fault])
        assert await engine.score(PROMPT, TEXTS[:1]) == [true(PROMPT, TEXTS[0])]
        assert engine.failures == {KINDS[fault]: 2}
        assert server.hurt[fault] == 2
        assert engine.given_up == 0


async def test_what_always_fails_is_given_up_and_said(words: str) -> None:
    async with StandIn().open() as server, opened(words, server, retries=2) as engine:
        server.faults.extend(["500"] * 3)
        with pytest.raises(EngineError, match=r"stand/in: cannot score: .*it answers 500"):
            await engine.score(PROMPT, TEXTS[:1])
        assert (engine.given_up, engine.failures["500"]) == (1, 3)


async def test_another_server_takes_over(words: str) -> None:
    async with StandIn().open() as one, StandIn().open() as two, opened(words, one, two) as engine:
        await one.close()
        for _ in range(6):
            assert await engine.score(PROMPT, TEXTS[:1]) == [true(PROMPT, TEXTS[0])]
        assert len(two.calls) >= 6


@pytest.mark.parametrize("api", ["sglang", "text"])
async def test_a_server_of_another_format_is_refused(api: str, words: str) -> None:
    async with StandIn(api).open() as server, opened(words, server) as engine:
        with pytest.raises(EngineError, match=f"asked by `api: {api}` says no log-probabilities"):
            await engine.score(PROMPT, TEXTS)


async def test_a_server_that_says_none_is_asked_once(words: str) -> None:
    async with StandIn().open() as server, opened(words, server) as engine:
        server.mute = True
        asked = len(server.calls)
        with pytest.raises(EngineError, match="it says no log-probabilities of a prompt"):
            await engine.score(PROMPT, TEXTS[:1])
        assert len(server.calls) == asked + 1


@pytest.mark.parametrize(("prompt", "text"), [([], [1]), ([1], []), ([1] * 400, [1] * 400)])
async def test_what_does_not_fit_is_an_error_of_that_call(prompt: list[int], text: list[int], words: str) -> None:
    async with StandIn().open() as server, opened(words, server) as engine:
        with pytest.raises(EngineError, match="in a context of 800"):
            await engine.score(prompt, [text])


LEAVES = st.none() | st.booleans() | st.integers(-3, 5) | st.floats() | st.text(max_size=3)
ROWS = st.none() | st.lists(
    st.none() | LEAVES | st.dictionaries(st.sampled_from(["5", "6", "7"]), LEAVES | st.dictionaries(
        st.just("logprob"), LEAVES)), max_size=4)  # fmt: skip


@given(
    st.fixed_dictionaries({"choices": st.lists(st.fixed_dictionaries({"prompt_logprobs": ROWS}), max_size=2)})
    | LEAVES
    | st.lists(LEAVES)
)
def test_whatever_it_sends_is_read_or_is_a_fault(answer: Any) -> None:
    try:
        found = read(answer, [5, 6, 7], 1)
    except Fault:
        return
    assert len(found) == 2
    assert all(value <= 0 for value in found)
