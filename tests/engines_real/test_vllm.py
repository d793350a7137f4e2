"""The engine `vllm` on the models that ship: what it writes, where it stops, what it counts, and what it says."""

import asyncio
import json
import random
import shutil
from contextlib import aclosing
from pathlib import Path

import pytest
import safetensors.torch
import torch

from relay.engine import Sampling
from relay.engine.models import resolve
from relay.engine.transformers import Transformers, TransformersModel
from relay.engine.vllm import Vllm, VllmModel
from relay.errors import EngineError, UserError
from tests.engines_real.calls import GREEDY, HOT, asked, deltas, heads, said
from tests.engines_real.conftest import PADDING, Opens

pytestmark = pytest.mark.asyncio(loop_scope="session")

BLOCK = 32
TIE = 1e-3  # natural log-probability: two ids so close may change places between two ways to add up the same numbers


async def test_greedy_it_writes_what_transformers_writes_on_100_prompts(served: Vllm, plain: Transformers) -> None:
    prompts = heads(plain, 100)
    pairs = await asyncio.gather(*(asyncio.gather(said(served, asked(served, p)), said(plain, asked(plain, p)))
                                   for p in prompts))  # fmt: skip
    differ = [(p, a.ids, b.ids) for p, (a, b) in zip(prompts, pairs, strict=True) if a != b]
    for prompt, ours, theirs in differ:  # each must be explained by a tie
        same = next(i for i, (x, y) in enumerate(zip(ours, theirs, strict=False)) if x != y)
        (a,), (b,) = await plain.score([*prompt, *ours[:same]], [[ours[same]], [theirs[same]]])
        assert abs(a - b) < TIE
    print(f"{len(differ)} of {len(prompts)} prompts differ, each at a tie")
    assert len(differ) <= 5


def endings(engine: Vllm | Transformers) -> list[dict[str, object]]:
    """Ways to end: what the model writes for the first problem is `We are asked for the value of 23 - 2. First ...`."""
    return [
        {"tokens": 1},
        {"tokens": 17},
        {"sentences": 1},
        {"sentences": 2, "tokens": 200},
        {"paragraphs": 1},
        {"texts": ("=",)},
        {"texts": ("sked for th",)},  # begins and ends within an id
        {"texts": ("the valu", "23 -"), "sentences": 3},
        {"texts": ("no such text",), "tokens": 9},
        {"closes": False},
        {"closes": False, "tokens": 400},
        {"tokens": 900},  # to the end of its turn
    ]


@pytest.mark.parametrize("watched", [False, True])
async def test_each_stop_ends_the_same_text_at_the_same_id_as_with_transformers(
    served: Vllm, plain: Transformers, watched: bool
) -> None:
    each = [(prompt, ending) for prompt in heads(plain, 4) for ending in endings(served)]
    ours = await asyncio.gather(*(said(served, asked(served, p, watched=watched, **end)) for p, end in each))
    theirs = await asyncio.gather(*(said(plain, asked(plain, p, **end)) for p, end in each))
    for (_, ending), a, b in zip(each, ours, theirs, strict=True):
        assert a == b, ending
    assert {s.stop for s in ours} >= {"tokens", "sentences", "text", "turn", "closed_by_force"}


async def test_nobody_watches_one_delta_somebody_watches_many(served: Vllm) -> None:
    (prompt,) = heads(served, 1)
    endless = served.tokenizer.eos  # ids that wait to be read are read at once: many of them, so that some come apart
    assert len(await deltas(served, asked(served, prompt, tokens=400, banned=endless))) == 1
    assert len(await deltas(served, asked(served, prompt, tokens=400, banned=endless, watched=True))) > 5
    assert len(await deltas(served, asked(served, prompt, tokens=400, banned=endless, sentences=40))) > 5


async def test_a_thinking_that_it_may_not_close_is_ended_as_with_transformers(
    served: Vllm, plain: Transformers
) -> None:
    think = served.tokenizer.think
    assert think is not None
    for prompt in heads(plain, 3):
        banned = frozenset({think.close})
        a = await said(served, asked(served, prompt, banned=banned, closes=False, tokens=120))
        b = await said(plain, asked(plain, prompt, banned=banned, closes=False, tokens=120))
        assert think.close not in a.ids
        assert a == b


@pytest.mark.parametrize("sampling", [GREEDY, HOT, Sampling(2.0, 1.0)])
async def test_banned_ids_are_impossible_however_sure_the_model_is(odd: Path, opens: Opens, sampling: Sampling) -> None:
    engine = await opens(VllmModel(model=str(odd)))
    prompt = engine.tokenizer.encode("What is it?")
    favourite = (await said(engine, asked(engine, prompt, tokens=1))).ids or (min(engine.tokenizer.eos),)
    ids = set(range(engine.tokenizer.size + PADDING))
    rest = frozenset(ids - {favourite[0]})
    left = frozenset(ids - {40, 41})
    for banned in (frozenset(favourite), frozenset(ids - rest | {0}), left):
        request = asked(engine, prompt, banned=banned, sampling=sampling, tokens=40)
        await said(engine, request)
        assert banned.isdisjoint(request.cut.ids)
        assert request.cut.ids


async def test_an_id_beyond_the_tokenizer_is_an_error_and_no_crash(odd_served: Vllm) -> None:
    known = frozenset(range(odd_served.tokenizer.size))
    with pytest.raises(EngineError, match="which its tokenizer lacks"):
        await deltas(odd_served, asked(odd_served, [40, 41, 42], banned=known))


async def test_leaving_early_frees_the_request(served: Vllm) -> None:
    (prompt,) = heads(served, 1)
    for _ in range(3):
        async with aclosing(served.extend(asked(served, prompt, tokens=900, watched=True, sampling=HOT))) as coming:
            async for _ in coming:
                break
    waiting = asyncio.ensure_future(deltas(served, asked(served, prompt, tokens=900, sampling=HOT)))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert served._llm.get_num_unfinished_requests() == 0
    for _ in range(100):  # the other process reads the abort between two steps
        if not await served._llm.engine_core.call_utility_async("has_work"):
            return
        await asyncio.sleep(0.05)
    pytest.fail("vLLM's own process still has work")


async def test_what_it_says_to_have_cached_is_exact(served: Vllm) -> None:
    draw = random.Random(7)

    def ids(n: int) -> list[int]:
        return [draw.randrange(10, 300) for _ in range(n)]

    async def usage(prompt: list[int]) -> tuple[int, int]:
        (delta,) = await deltas(served, asked(served, prompt, tokens=1))
        assert delta.usage is not None
        return delta.usage.computed, delta.usage.cached

    for length in (1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 10 * BLOCK + 5):
        prompt = ids(length)
        assert await usage(prompt) == (length, 0)
        again = (length - 1) // BLOCK * BLOCK
        assert await usage(prompt) == (length - again, again)
        longer = [*prompt, *ids(50)]
        assert await usage(longer) == (len(longer) - length // BLOCK * BLOCK, length // BLOCK * BLOCK)


async def test_a_seed_draws_the_same_alone_and_another_seed_another(served: Vllm) -> None:
    (prompt,) = heads(served, 1)
    for seed in (0, 1, (1 << 63) - 1, 1 << 62):
        first, again = [await said(served, asked(served, prompt, sampling=HOT, seed=seed)) for _ in range(2)]
        assert first == again
    drawn = {(await said(served, asked(served, prompt, sampling=HOT, seed=seed))).ids for seed in range(12)}
    assert len(drawn) > 3


async def test_logprobs_are_those_of_transformers(served: Vllm, plain: Transformers) -> None:
    for prompt in heads(plain, 3):
        free = asked(plain, prompt, logprobs=True)
        by_them = [x for delta in await deltas(plain, free) for x in delta.logprobs]
        for banned in (frozenset[int](), frozenset(free.cut.ids[5:8])):
            theirs = asked(plain, prompt, logprobs=True, banned=banned)
            by_them = [x for delta in await deltas(plain, theirs) for x in delta.logprobs]
            close = 1e-2 if banned else 1e-3  # what is banned here had nearly all of the probability
            for watched in (False, True):
                ours = asked(served, prompt, logprobs=True, banned=banned, watched=watched)
                by_us = [x for delta in await deltas(served, ours) for x in delta.logprobs]
                assert ours.cut.ids == theirs.cut.ids
                assert by_us == pytest.approx(by_them, abs=close)


async def test_how_unsure_it_is_of_the_first_token_is_what_transformers_knows(
    served: Vllm, plain: Transformers
) -> None:
    """From the most probable tokens alone: never more than there is, and here hardly less."""
    for prompt in heads(plain, 12):
        for banned in (frozenset[int](), frozenset({prompt[0], 7})):
            call = asked(served, prompt, banned=banned, tokens=5)._replace(entropy=True)
            ours = (await deltas(served, call))[0].entropy
            theirs = (await deltas(plain, asked(plain, prompt, banned=banned, tokens=5)._replace(entropy=True)))[
                0
            ].entropy
            assert ours is not None
            assert theirs is not None
            assert theirs - 0.02 < ours < theirs + 1e-3


async def test_scores_are_those_of_transformers(served: Vllm, plain: Transformers) -> None:
    prompt, other = heads(plain, 2)
    for continuations in ([[5], [6], [5]], [[5, 7, 9], [6]], [other, prompt, other[:2]], []):
        ours, theirs = await served.score(prompt, continuations), await plain.score(prompt, continuations)
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            assert a == pytest.approx(b, abs=1e-3)
    full = [5] * (served.context - len(prompt))  # no room is lost to a token that nobody asked for
    (whole,), (by_them,) = await served.score(prompt, [full]), await plain.score(prompt, [full])
    assert whole == pytest.approx(by_them, abs=1e-3)


async def test_urgent_calls_go_first(opens: Opens) -> None:
    engine = await opens(VllmModel(model="relay/tiny", batch=1))
    order: list[str] = []
    prompts = heads(engine, 4)

    begun = asyncio.Event()

    async def call(name: str, prompt: list[int], tokens: int, urgent: bool = False) -> None:
        endless = engine.tokenizer.eos
        async for _ in engine.extend(asked(engine, prompt, tokens=tokens, urgent=urgent, banned=endless, watched=True)):
            begun.set()
        order.append(name)

    first = asyncio.ensure_future(call("writer", prompts[0], 400))
    await begun.wait()
    await asyncio.gather(
        call("long", prompts[1], 300), call("hop", prompts[2], 20), call("judge", prompts[3], 300, True), first
    )
    assert order == ["writer", "judge", "hop", "long"]


async def test_what_it_cannot_read_is_an_error_of_that_call(served: Vllm) -> None:
    long = [40] * served.context
    with pytest.raises(EngineError, match=r"think \(visit 1, problem 'sum', sample 0\): a prompt of 1024 tokens"):
        await deltas(served, asked(served, long))
    for prompt, what in (([], "a prompt of 0"), ([-1], "the id -1"), ([10**6], "the id 1000000")):
        with pytest.raises(EngineError, match=what):
            await deltas(served, asked(served, prompt))
    with pytest.raises(EngineError, match=r"not at 0\.001"):
        await deltas(served, asked(served, [40], sampling=Sampling(0.001, 1.0)))
    with pytest.raises(EngineError, match="not at 3"):
        await deltas(served, asked(served, [40], sampling=Sampling(3.0, 1.0)))
    for continuations in ([[]], [[10**6]], [[5] * served.context]):
        with pytest.raises(EngineError, match="cannot score"):
            await served.score([40], continuations)
    last = await said(served, asked(served, long[:-1], tokens=1))  # the last place of the context
    assert last.stop in ("tokens", "turn")


async def test_a_closed_engine_says_so_and_ends_its_calls(opens: Opens) -> None:
    engine = await opens(VllmModel(model="relay/tiny"))
    (prompt,) = heads(engine, 1)
    long = asked(engine, prompt, tokens=900, banned=engine.tokenizer.eos)
    under_way = asyncio.ensure_future(deltas(engine, long))
    async with aclosing(engine.extend(asked(engine, prompt, watched=True))) as coming:
        await anext(coming)  # both have been sent
    await engine.aclose()
    async with asyncio.timeout(10):
        with pytest.raises(EngineError):
            await under_way
    with pytest.raises(EngineError, match="closed"):
        await deltas(engine, asked(engine, prompt))


async def test_what_vllm_cannot_start_is_the_user_s_mistake(odd: Path) -> None:
    for model, what in (
        (VllmModel(model="relay/tiny", args={"enforce_eagre": True}), "did you mean 'enforce_eager'"),
        (VllmModel(model="relay/tiny", args={"block_size": 7}), "vLLM cannot start it"),
        (VllmModel(model="relay/tiny", lora="no/such/folder"), "there is no such folder"),
    ):
        with pytest.raises(UserError, match=what):
            await model.open()


async def test_deterministic_is_one_at_a_time_with_nothing_kept() -> None:
    engine = await VllmModel(model="relay/tiny").open(deterministic=True)
    try:
        assert engine.rows == 2
        for _ in range(2):
            (delta,) = await deltas(engine, asked(engine, [40] * 100, tokens=1))
            assert delta.usage is not None
            assert delta.usage.cached == 0
        alone = [await said(engine, asked(engine, p, sampling=HOT, seed=i)) for i, p in enumerate(heads(engine, 6))]
        together = await asyncio.gather(
            *(said(engine, asked(engine, p, sampling=HOT, seed=i)) for i, p in enumerate(heads(engine, 6)))
        )
        assert alone == together
    finally:
        await engine.aclose()


async def test_the_tokenizer_template_and_context_are_those_of_transformers(
    served: Vllm, odd_served: Vllm, odd: Path
) -> None:
    for ours, model in ((served, "relay/tiny"), (odd_served, str(odd))):
        theirs = await TransformersModel(model=model, context=None if ours is served else 100).open()
        assert ours.tokenizer.fingerprint == theirs.tokenizer.fingerprint
        assert ours.tokenizer.eos == theirs.tokenizer.eos
        assert ours.template.fingerprint == theirs.template.fingerprint
        assert ours.context == theirs.context
        assert ours.facts["revision"] == theirs.facts["revision"]
        await theirs.aclose()


async def test_an_adapter_is_the_model_with_its_weights_added(tmp_path: Path, opens: Opens) -> None:
    where = Path(resolve("relay/tiny").source)
    config = json.loads((where / "config.json").read_text())
    wide, rank, alpha = config["hidden_size"], 4, 8
    torch.manual_seed(3)
    adapter, merged = {}, safetensors.torch.load_file(where / "model.safetensors")
    for layer in range(config["num_hidden_layers"]):
        name = f"model.layers.{layer}.self_attn.q_proj"
        rows = merged[f"{name}.weight"].shape[0]
        a, b = torch.randn(rank, wide) * 0.3, torch.randn(rows, rank) * 0.3
        adapter |= {f"base_model.model.{name}.lora_A.weight": a, f"base_model.model.{name}.lora_B.weight": b}
        merged[f"{name}.weight"] = merged[f"{name}.weight"].float() + b @ a * (alpha / rank)
    (tmp_path / "lora").mkdir()
    safetensors.torch.save_file(adapter, tmp_path / "lora" / "adapter_model.safetensors")
    said_of_it = {"r": rank, "lora_alpha": alpha, "target_modules": ["q_proj"], "peft_type": "LORA", "bias": "none"}
    (tmp_path / "lora" / "adapter_config.json").write_text(json.dumps(said_of_it))
    shutil.copytree(where, tmp_path / "merged", ignore=shutil.ignore_patterns("*.safetensors"))
    safetensors.torch.save_file(merged, tmp_path / "merged" / "model.safetensors", metadata={"format": "pt"})

    ours = await opens(VllmModel(model="relay/tiny", lora=str(tmp_path / "lora")))
    theirs = await TransformersModel(model=str(tmp_path / "merged")).open()
    plain = await TransformersModel(model="relay/tiny").open()
    other = 0
    for prompt in heads(theirs, 5):
        written = await said(ours, asked(ours, prompt))
        assert written == await said(theirs, asked(theirs, prompt))
        other += written != await said(plain, asked(plain, prompt))
        (by_us,), (by_them,) = [await engine.score(prompt, [[5, 6]]) for engine in (ours, theirs)]
        assert by_us == pytest.approx(by_them, abs=1e-3)
    assert other > 0
    assert ours.facts["lora"] == str(tmp_path / "lora")
    assert len(ours.facts["lora_revision"]) == 16
    for engine in (theirs, plain):
        await engine.aclose()
