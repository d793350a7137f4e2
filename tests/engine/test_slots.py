"""Rows in slots: what was read is not read again, and nothing that is written hangs on what lies in the others."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import count
from typing import Any

import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.engine import Purpose, Request, Sampling
from relay.engine.batching import Passes, Row
from relay.engine.loading import Loaded
from relay.engine.padded import Padded
from relay.engine.scripted import TEMPLATE, shipped
from relay.engine.slots import Slots, fits
from relay.engine.transformers import Transformers
from relay.problems import Problem
from relay.seam.cuts import Cut
from relay.seam.templates import Template
from relay.trajectory import Usage

TOKENIZER = shipped()
PURPOSE = Purpose(Problem("p", "?", "1"), 0, "n", 1, "0")


def tiny(kind: str = "Llama", **more: Any) -> Any:
    """A random model of this architecture."""
    config = getattr(transformers, f"{kind}Config")(
        **{
            "vocab_size": TOKENIZER.size, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 4, "max_position_embeddings": 1024, "bos_token_id": None, "eos_token_id": None,
            "pad_token_id": None, "initializer_range": 0.3, **more,
        }
    )  # fmt: skip
    torch.manual_seed(0)
    return getattr(transformers, f"{kind}ForCausalLM")(config).eval()


MODEL = tiny(num_key_value_heads=2)


def loaded(model: Any) -> Loaded:
    return Loaded(model, TOKENIZER, Template(TOKENIZER, TEMPLATE), 1024, {}, fits(model))


@pytest.fixture
async def engine() -> AsyncIterator[Transformers]:
    """Four rows on a tiny random model."""
    engine = Transformers(loaded(MODEL), batch=4)
    yield engine
    await engine.aclose()


async def write(
    engine: Transformers, prompt: list[int], tokens: int, seed: int = 1, temperature: float = 1.0
) -> tuple[list[int], Usage]:
    """Its ids and what they cost."""
    cut, usage = Cut(TOKENIZER, tokens=tokens), Usage()
    request = Request(prompt, cut, Sampling(temperature, 1.0), seed, TOKENIZER.eos, PURPOSE)
    async with aclosing(engine.extend(request)) as deltas:
        async for delta in deltas:
            usage = delta.usage or usage
    return cut.ids, usage


async def alone(prompt: list[int], tokens: int, seed: int = 1, temperature: float = 1.0) -> list[int]:
    """What a padded engine writes when it has nothing else to do."""
    engine = Transformers(loaded(MODEL)._replace(slots=False), batch=1)
    try:
        return (await write(engine, prompt, tokens, seed, temperature))[0]
    finally:
        await engine.aclose()


async def test_a_writer_that_comes_back_reads_only_what_was_added(engine: Transformers) -> None:
    """As in a handoff: the pen comes back with its own words and another's behind them."""
    prompt = list(range(20, 60))
    first, usage = await write(engine, prompt, 10)
    assert (usage.computed, usage.cached) == (40, 0)
    longer = [*prompt, *first, 7, 8, 9]
    second, usage = await write(engine, longer, 10, seed=2)
    assert (usage.computed, usage.cached) == (4, 49), "its last id had not been read, nor had the three others"
    assert second == await alone(longer, 10, seed=2)


async def test_samples_of_one_prompt_read_it_once(engine: Transformers) -> None:
    prompt = list(range(20, 60))
    wrote = await asyncio.gather(*(write(engine, prompt, 12, seed=s) for s in range(4)))
    assert sorted(usage.cached for _, usage in wrote) == [0, 39, 39, 39]
    for s, (ids, _) in enumerate(wrote):
        assert ids == await alone(prompt, 12, seed=s)


async def test_prompts_that_begin_alike_read_their_beginning_once(engine: Transformers) -> None:
    begin = list(range(20, 320))
    await write(engine, [*begin, 5], 3)
    wrote = await asyncio.gather(*(write(engine, [*begin, 10 + i, 11], 6, seed=i) for i in range(4)))
    assert [usage.computed for _, usage in wrote] == [2, 2, 2, 2]
    for i, (ids, _) in enumerate(wrote):
        assert ids == await alone([*begin, 10 + i, 11], 6, seed=i)


async def test_a_prompt_held_whole_reads_its_last_id_again(engine: Transformers) -> None:
    first, _ = await write(engine, [4, 5, 6], 8)
    again, usage = await write(engine, [4, 5, 6], 8)
    assert (again, usage.computed, usage.cached) == (first, 1, 2)


async def test_rows_grow_beyond_the_buffers(engine: Transformers) -> None:
    lengths = (100, 120, 130, 250)
    prompts = [[(i * n) % 300 + 5 for i in range(n)] for n in lengths]
    wrote = await asyncio.gather(*(write(engine, p, 200, seed=n) for n, p in zip(lengths, prompts, strict=True)))
    for n, prompt, (ids, _) in zip(lengths, prompts, wrote, strict=True):
        assert ids == await alone(prompt, 200, seed=n)


async def test_where_nothing_may_be_used_again_every_prompt_is_read_whole() -> None:
    engine = Transformers(loaded(MODEL), batch=4, reuse=False)
    try:
        for _ in range(2):
            wrote = await asyncio.gather(*(write(engine, [4, 5, 6], 8) for _ in range(3)))
            assert [(u.computed, u.cached) for _, u in wrote] == [(3, 0)] * 3
    finally:
        await engine.aclose()


class Played:
    """A batch driven by hand: the rows' ids, whatever is drawn."""

    def __init__(self, batch: Any) -> None:
        self.batch = batch

    def feed(self, rows: list[Row], ids: list[int]) -> None:
        for row, new in zip(rows, ids, strict=True):
            row.last = new
            row.done = row.request.cut.feed((new,))
        self.batch.drop()

    def admit(self, rows: list[Row]) -> None:
        if ids := self.batch.admit(rows):
            self.feed(rows, ids)

    def step(self) -> None:
        rows = list(self.batch.rows)
        if rows:
            self.feed(rows, self.batch.step())


def row(prompt: list[int], tokens: int, seed: int) -> Row:
    temperature = (0.0, 1.0)[seed % 2]
    cut = Cut(TOKENIZER, tokens=tokens)
    return Row(Request(prompt, cut, Sampling(temperature, 1.0), seed, TOKENIZER.eos, PURPOSE))


CALLS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 12), st.integers(1, 9), st.booleans()), min_size=1, max_size=14
)


@given(CALLS, st.integers(0, 1 << 20), st.sampled_from((0, 6, 1000)))
@settings(max_examples=30, deadline=None)
def test_whatever_came_before_and_lies_beside_it_a_row_writes_what_it_writes_alone(
    calls: list[tuple[int, int, int, bool]], dice: int, worth: int
) -> None:
    """Calls with one of four beginnings, some going on from what another wrote, join and leave in any order.

    With worth 0 every length is a block of its own, and rows change their places most.
    """

    async def play() -> None:
        draw, seeds = random.Random(dice), count(1)
        many = Played(Slots(Passes(MODEL, TOKENIZER.size), 4))
        many.batch.worth = worth
        waiting, written = list(calls), list[Row]()
        with torch.inference_mode():
            while waiting or many.batch.rows:
                free = 4 - len(many.batch.rows)
                if waiting and free and draw.random() < 0.6:
                    group = [next_row(waiting.pop(), written, next(seeds)) for _ in range(min(free, len(waiting)))]
                    many.admit(group)
                    written += group
                else:
                    many.step()
            for one in written:
                again = row(one.request.prompt, one.request.cut.tokens, one.request.seed)
                by_itself = Played(Padded(Passes(MODEL, TOKENIZER.size)))
                by_itself.admit([again])
                while by_itself.batch.rows:
                    by_itself.step()
                assert one.request.cut.ids == again.request.cut.ids

    asyncio.run(play())


def next_row(call: tuple[int, int, int, bool], written: list[Row], seed: int) -> Row:
    begin, more, tokens, goes_on = call
    prompt = [begin + 5] * 6 + list(range(30, 30 + more))
    if goes_on and written:
        prompt = [*written[-1].request.prompt, *written[-1].request.cut.ids, 9]
    return row(prompt, tokens, seed)


PLAIN: dict[str, dict[str, Any]] = {  # architectures of plain keys and values
    "Qwen3": {"head_dim": 16, "num_key_value_heads": 2},
    "Gemma": {"head_dim": 16, "num_key_value_heads": 1},
    "GPTNeoX": {},
    "Llama": {"attn_implementation": "eager", "num_key_value_heads": 2},
}


@pytest.mark.parametrize("kind", PLAIN)
def test_models_of_plain_keys_and_values_fit(kind: str) -> None:
    assert fits(tiny(kind, **PLAIN[kind]))


def test_a_model_with_a_window_or_a_bias_by_distance_does_not_fit() -> None:
    assert not fits(tiny("Mistral", sliding_window=16, num_key_value_heads=2))
    bloom = transformers.BloomConfig(vocab_size=TOKENIZER.size, hidden_size=32, n_layer=2, n_head=4)
    assert not fits(transformers.BloomForCausalLM(bloom).eval())


async def test_bfloat16_writes_too() -> None:
    engine = Transformers(loaded(tiny(num_key_value_heads=2).to(torch.bfloat16)), batch=4)
    try:
        wrote = await asyncio.gather(*(write(engine, list(range(20, 30 + i)), 12, seed=i) for i in range(4)))
        assert [len(ids) for ids, _ in wrote] == [12] * 4
    finally:
        await engine.aclose()
