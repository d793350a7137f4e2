"""The engine `transformers` on relay/tiny, on a random Llama of odd shape, and on SmolLM2 where it is installed."""

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from relay.engine import Delta, Purpose, Request, Sampling
from relay.engine.loading import Loaded, load
from relay.engine.models import KNOWN, resolve
from relay.engine.scripted import SHIPPED, TEMPLATE
from relay.engine.slots import fits
from relay.engine.transformers import Transformers, TransformersModel
from relay.errors import EngineError, UserError
from relay.problems import Problem
from relay.seam.cuts import Cut, Settled
from relay.seam.tokens import Tokenizer

GREEDY, HOT = Sampling(0.0, 1.0), Sampling(1.0, 0.95)
PADDING = 13  # logits beyond the tokenizer, as many models have


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Hugging Face folder with a tiny random model."""
    path = tmp_path_factory.mktemp("tiny")
    fast = transformers.PreTrainedTokenizerFast(tokenizer_file=str(SHIPPED), eos_token="<|end|>")
    fast.chat_template = TEMPLATE
    fast.save_pretrained(path)
    config = transformers.LlamaConfig(
        vocab_size=len(fast) + PADDING, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512, bos_token_id=None,
        eos_token_id=fast.eos_token_id, initializer_range=0.4,
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.LlamaForCausalLM(config).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def loaded(folder: Path, request: pytest.FixtureRequest) -> Loaded:
    """The random Llama, or the model that a test names."""
    return load(TransformersModel(model=getattr(request, "param", str(folder))))


on_ours = pytest.mark.parametrize("loaded", ["relay/tiny", "relay/tiny-guide"], indirect=True)


Opens = Callable[..., Transformers]


@pytest.fixture
async def opens(loaded: Loaded) -> AsyncIterator[Opens]:
    """Opens engines on the tiny model, and closes them."""
    opened: list[Transformers] = []

    def open_(batch: int = 16, model: Any = None) -> Transformers:
        slots = fits(model) if isinstance(model, transformers.PreTrainedModel) else loaded.slots
        this = loaded if model is None else loaded._replace(model=model, slots=slots)
        opened.append(Transformers(this, batch=batch))
        return opened[-1]

    yield open_
    for engine in opened:
        await engine.aclose()


def request(
    engine: Any,
    prompt: list[int],
    *,
    seed: int = 1,
    sampling: Sampling = HOT,
    banned: frozenset[int] = frozenset(),
    **cut: Any,
) -> Request:
    purpose = Purpose(Problem("sum", "What is 2+3?", "5"), 0, "think", 1, "0")
    banned |= half_characters(engine.tokenizer)
    return Request(prompt, Cut(engine.tokenizer, **{"tokens": 20, **cut}), sampling, seed, banned, purpose)


@cache
def half_characters(tokenizer: Tokenizer) -> frozenset[int]:
    """Ids that a random model had better not draw: what it writes would be no text."""
    return frozenset(i for i in range(tokenizer.size) if not tokenizer.bytes_of([i]).isascii())


async def said(engine: Transformers, request: Request) -> Settled:
    async for _ in engine.extend(request):
        pass
    return request.cut.settle()


def prompts(n: int, engine: Any) -> list[list[int]]:
    """Prompts of very different lengths."""
    draw, most = random.Random(3), min(400, engine.tokenizer.size)
    return [[draw.randrange(10, most) for _ in range(draw.choice((1, 5, 30, 90)))] for _ in range(n)]


def mixed(engine: Any, n: int = 10) -> list[Request]:
    """Requests of all kinds: greedy and drawn, short and long, with bans and without."""
    return [
        request(
            engine, prompt, seed=i, sampling=(GREEDY, HOT, Sampling(0.6, 0.8))[i % 3], tokens=4 + 7 * (i % 4),
            banned=frozenset({11, 12, 13}) if i % 2 else frozenset(),
        )
        for i, prompt in enumerate(prompts(n, engine))
    ]  # fmt: skip


async def test_together_they_write_what_each_writes_alone(opens: Opens) -> None:
    alone, together = opens(batch=1), opens(batch=10)
    expected = [await said(alone, r) for r in mixed(alone)]
    assert [s.ids for s in await asyncio.gather(*(said(together, r) for r in mixed(together)))] == [
        s.ids for s in expected
    ]
    assert len({s.ids for s in expected}) > 5


@on_ours
async def test_together_they_write_what_each_writes_alone_by_models_that_ship(opens: Opens, loaded: Loaded) -> None:
    await test_together_they_write_what_each_writes_alone(opens)


async def test_calls_that_come_in_while_others_are_under_way_write_the_same(opens: Opens) -> None:
    """Twelve calls for four places: rows leave, columns are let go of, and new rows join the old ones."""
    alone, together = opens(batch=1), opens(batch=4)
    expected = [await said(alone, r) for r in mixed(alone, 12)]
    assert await asyncio.gather(*(said(together, r) for r in mixed(together, 12))) == expected


@on_ours
async def test_calls_that_come_in_while_others_are_under_way_write_the_same_by_models_that_ship(
    opens: Opens, loaded: Loaded
) -> None:
    await test_calls_that_come_in_while_others_are_under_way_write_the_same(opens)


async def test_a_model_that_forgets_what_is_far_back_writes_the_same_together(opens: Opens, loaded: Loaded) -> None:
    """A sliding window's memory is not plain: its rows leave at once, and new ones come when all have left."""
    config = transformers.MistralConfig(
        **{**loaded.model.config.to_dict(), "sliding_window": 16, "model_type": "mistral"}
    )
    torch.manual_seed(1)
    model = transformers.MistralForCausalLM(config).eval()
    assert not fits(model)
    alone, together = opens(batch=1, model=model), opens(batch=4, model=model)
    expected = [await said(alone, r) for r in mixed(alone)]
    assert await asyncio.gather(*(said(together, r) for r in mixed(together))) == expected


async def test_greedy_ids_are_those_of_generate(opens: Opens, loaded: Loaded) -> None:
    engine = opens()
    for prompt, ours in zip(
        prompts(4, engine),
        await asyncio.gather(*(said(engine, request(engine, p, sampling=GREEDY)) for p in prompts(4, engine))),
        strict=True,
    ):
        ids, size = torch.tensor([prompt]), engine.tokenizer.size
        theirs = loaded.model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=20, do_sample=False, pad_token_id=0,
            suppress_tokens=[*half_characters(engine.tokenizer), *range(size, loaded.model.config.vocab_size)],
        )[0, len(prompt) :].tolist()  # fmt: skip
        assert list(ours.ids) == theirs[: len(ours.ids)]
        assert ours.turn_ended or len(ours.ids) == 20


@on_ours
async def test_greedy_ids_are_those_of_generate_by_models_that_ship(opens: Opens, loaded: Loaded) -> None:
    await test_greedy_ids_are_those_of_generate(opens, loaded)


async def test_a_seed_gives_the_same_again_and_another_seed_something_else(opens: Opens) -> None:
    engine = opens()
    one, again, other = await asyncio.gather(*(said(engine, request(engine, [5, 6, 7], seed=s)) for s in (1, 1, 2)))
    assert one.ids == again.ids != other.ids


async def test_banned_ids_are_never_drawn(opens: Opens) -> None:
    engine = opens(batch=8)
    often = frozenset(range(0, engine.tokenizer.size, 2))
    for settled in await asyncio.gather(
        *(said(engine, request(engine, [9], seed=s, banned=often, sampling=(HOT, GREEDY)[s % 2])) for s in range(8))
    ):
        assert not often & set(settled.ids)


async def test_ids_that_the_tokenizer_lacks_are_never_drawn(opens: Opens) -> None:
    engine = opens(batch=32)
    calls = [request(engine, [9, s + 1], seed=s, sampling=Sampling(50.0, 1.0)) for s in range(32)]
    await asyncio.gather(*(said(engine, r) for r in calls))
    assert max(max(r.cut.ids) for r in calls) < engine.tokenizer.size


async def test_a_segment_ends_where_its_cut_says(opens: Opens) -> None:
    engine = opens()
    free = await said(engine, request(engine, [3, 4], tokens=60, sampling=Sampling(1.2, 1.0)))
    middle = free.text[len(free.text) // 2 :][:3]
    by_tokens, by_text = await asyncio.gather(
        said(engine, request(engine, [3, 4], tokens=7, sampling=Sampling(1.2, 1.0))),
        said(engine, request(engine, [3, 4], tokens=60, sampling=Sampling(1.2, 1.0), texts=(middle,))),
    )
    assert by_tokens.ids == free.ids[:7]
    assert by_tokens.stop == "tokens"
    assert by_text.stop == "text"
    assert by_text.text == free.text[: free.text.index(middle) + len(middle)]


async def test_the_end_of_a_turn_ends_it(opens: Opens, loaded: Loaded) -> None:
    engine = opens()
    all_but_the_end = frozenset(range(engine.tokenizer.size)) - engine.tokenizer.eos
    settled = await said(engine, request(engine, [3], banned=all_but_the_end))
    assert (settled.ids, settled.stop, settled.turn_ended) == ((), "turn", True)


async def test_deltas_carry_every_id_and_the_usage(opens: Opens) -> None:
    engine = opens()
    call = request(engine, [1, 2, 3, 4, 5], tokens=30)
    deltas: list[Delta] = [delta async for delta in engine.extend(call)]
    assert [i for delta in deltas for i in delta.ids] == call.cut.ids
    usage = deltas[-1].usage
    assert usage is not None
    assert (usage.computed, usage.cached, usage.decoded) == (5, 0, len(call.cut.ids))


async def test_log_probabilities_are_the_model_s_own(opens: Opens, loaded: Loaded) -> None:
    """Those of drawn ids, and those of given ones, against a pass of our own over the whole text."""
    engine = opens()
    prompt, call = [1, 2, 3, 4, 5], request(engine, [1, 2, 3, 4, 5], tokens=12)
    call = call._replace(banned=frozenset(), logprobs=True)
    drawn = [p async for delta in engine.extend(call) for p in delta.logprobs]
    ids = call.cut.ids
    with torch.inference_mode():
        whole = torch.tensor([[*prompt, *ids]], device=loaded.model.device)
        logits = loaded.model(whole).logits[0, :, : engine.tokenizer.size]
    own = logits.log_softmax(-1)[range(4, 4 + len(ids)), ids].tolist()
    assert drawn == pytest.approx(own, abs=1e-4)
    given = await engine.score(prompt, [ids, ids[:3], ids[1:]])
    assert given[0] == pytest.approx(own, abs=1e-4)
    assert given[1] == pytest.approx(own[:3], abs=1e-4)
    labels = await engine.score(prompt, [[i] for i in range(engine.tokenizer.size)])
    assert sum(math.exp(p) for (p,) in labels) == pytest.approx(1)
    assert labels[ids[0]][0] == pytest.approx(own[0], abs=1e-4)


async def test_how_unsure_it_is_of_the_first_token_is_the_model_s_own(opens: Opens, loaded: Loaded) -> None:
    """Among those allowed, against a pass of our own; with siblings beside it, and not said where nobody asks."""
    engine, banned = opens(), frozenset({3, 4, 5})
    asks = [request(engine, [1, 2, 3, k], tokens=4)._replace(banned=banned) for k in range(6, 12)]
    calls = [call._replace(entropy=k % 2 == 0) for k, call in enumerate(asks)]

    async def asked(call: Request) -> list[float | None]:
        return [delta.entropy async for delta in engine.extend(call)]

    found = await asyncio.gather(*map(asked, calls))
    for call, entropies in zip(calls, found, strict=True):
        with torch.inference_mode():
            logits = loaded.model(torch.tensor([call.prompt], device=loaded.model.device)).logits[0, -1].double()
        logits = logits[: engine.tokenizer.size].clone()
        logits[sorted(banned)] = -torch.inf
        p = logits.softmax(-1)
        own = -(p * p.clamp(min=1e-300).log()).sum().item()
        assert entropies[-1] == (pytest.approx(own, abs=1e-4) if call.entropy else None)


async def test_texts_are_scored_while_others_are_written(opens: Opens, loaded: Loaded) -> None:
    engine = opens(model=Slow(loaded.model))
    writing = asyncio.create_task(said(engine, request(engine, [1, 2], tokens=15, banned=engine.tokenizer.eos)))
    scores = await asyncio.gather(*(engine.score([1, 2, 3], [[4, k], [5]]) for k in (6, 7)))
    assert scores[0][1] == pytest.approx(scores[1][1])
    assert len((await writing).ids) == 15


async def test_what_cannot_be_scored_is_an_engine_s_error(opens: Opens) -> None:
    engine = opens()
    size = engine.tokenizer.size
    for prompt, continuation in (
        ([], [1]), ([1], []), ([1] * engine.context, [2]), ([10**6], [1]), ([1], [-1]), ([-1], [1]), ([1], [2, size]),
    ):  # fmt: skip
        with pytest.raises(EngineError, match="cannot score"):
            await engine.score(prompt, [continuation])
    assert await engine.score([1], []) == []
    await engine.aclose()
    with pytest.raises(EngineError, match="the engine was closed"):
        await engine.score([1], [[2]])


class Slow(torch.nn.Module):
    """The tiny model, slowed down; it notes how many rows each pass has, and fails when told to."""

    def __init__(self, model: Any, seconds: float = 0.02) -> None:
        super().__init__()
        self.inner, self.config, self.device = model, model.config, model.device
        self.seconds = seconds
        self.passes: list[tuple[int, int]] = []  # rows, columns
        self.fails: Exception | None = None
        self.forward = self._forward

    async def has_passed(self, times: int) -> None:
        """Wait for so many passes."""
        while len(self.passes) < times:  # noqa: ASYNC110  another thread counts them
            await asyncio.sleep(0.005)

    def _forward(self, *, input_ids: Any, **rest: Any) -> Any:
        time.sleep(self.seconds)
        self.passes.append(tuple(input_ids.shape))
        if self.fails is not None:
            error, self.fails = self.fails, None
            raise error
        return self.inner(input_ids=input_ids, **rest)


async def test_who_watches_sees_the_text_grow(opens: Opens, loaded: Loaded) -> None:
    engine = opens(model=Slow(loaded.model))
    call = request(engine, [1, 2, 3], tokens=20)
    seen = []
    async for delta in engine.extend(call):
        assert delta.ids
        seen.append(call.cut.text)
    assert 3 <= len(seen) <= 12, "about one delta for each 50 ms, not one a token"
    assert all(later.startswith(earlier) for earlier, later in pairwise(seen))


async def test_a_call_that_is_left_frees_its_row_and_the_others_go_on(opens: Opens, loaded: Loaded) -> None:
    model = Slow(loaded.model)
    engine = opens(model=model)
    leaving, staying = (
        request(engine, [1, 2, 3], tokens=400, banned=engine.tokenizer.eos),
        request(engine, [4, 5], tokens=25),
    )

    async def leave() -> int:
        async with aclosing(engine.extend(leaving)) as deltas:
            async for _ in deltas:
                break
        return len(leaving.cut.ids)

    decoded, settled = await asyncio.gather(leave(), said(engine, staying))
    assert len(leaving.cut.ids) == decoded < 25, "nothing was fed to its cut after it was left"
    assert settled.ids == (await said(opens(batch=1), request(engine, [4, 5], tokens=25))).ids
    assert (2, 1) in model.passes, "they were decoded together"
    assert model.passes[-1] == (1, 1)


async def test_a_cancelled_task_leaves_its_call(opens: Opens, loaded: Loaded) -> None:
    model = Slow(loaded.model)
    engine = opens(model=model)
    call = request(engine, [1, 2, 3], tokens=400, banned=engine.tokenizer.eos)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(said(engine, call), 0.1)
    await asyncio.sleep(0.1)
    passes = len(model.passes)
    await asyncio.sleep(0.1)
    assert len(model.passes) == passes


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (RuntimeError("no such kernel\nsecond line"), "RuntimeError: no such kernel$"),
        (
            torch.OutOfMemoryError("CUDA out of memory."),
            "out of memory with 3 calls at once: a smaller `batch:` may help",
        ),
    ],
)
async def test_a_failing_pass_fails_its_calls_with_their_purpose_and_the_next_ones_work(
    opens: Opens, loaded: Loaded, error: Exception, why: str
) -> None:
    model = Slow(loaded.model)
    engine = opens(model=model)
    calls = [
        asyncio.create_task(said(engine, request(engine, [1, 2], seed=s, banned=engine.tokenizer.eos)))
        for s in range(3)
    ]
    await model.has_passed(4)
    model.fails = error
    for call in calls:
        with pytest.raises(EngineError, match=rf"^think \(visit 1, problem 'sum', sample 0\): {why}"):
            await call
    assert (await said(engine, request(engine, [1, 2]))).ids


async def test_a_prompt_with_an_id_that_the_model_lacks_never_reaches_it(opens: Opens) -> None:
    """On CUDA it would end all calls, and all that come after."""
    engine = opens()
    for strange in (-1, engine.tokenizer.size):
        with pytest.raises(EngineError, match=f"a prompt with the id {strange}, which the model lacks"):
            await said(engine, request(engine, [1, strange, 2]))


async def test_prompts_that_cannot_be_read_fail_and_the_rows_under_way_go_on(opens: Opens, loaded: Loaded) -> None:
    class Picky(Slow):
        def _forward(self, *, input_ids: Any, **rest: Any) -> Any:
            if (input_ids == 399).any():
                raise IndexError("399")
            return super()._forward(input_ids=input_ids, **rest)

    model = Picky(loaded.model)
    engine = opens(model=model)
    first = asyncio.create_task(said(engine, request(engine, [1, 2, 3], tokens=25, banned=frozenset({399}))))
    await model.has_passed(3)
    with pytest.raises(EngineError, match="IndexError"):
        await said(engine, request(engine, [399, 5]))
    alone = request(engine, [1, 2, 3], tokens=25, banned=frozenset({399}))
    assert (await first).ids == (await said(opens(), alone)).ids


async def test_a_model_that_gives_no_numbers_fails_the_call(opens: Opens, loaded: Loaded) -> None:
    class Broken(Slow):
        def _forward(self, **inputs: Any) -> Any:
            out = super()._forward(**inputs)
            out.logits[0] = float("nan")
            return out

    engine = opens(model=Broken(loaded.model))
    bad, good = await asyncio.gather(
        said(engine, request(engine, [1, 2])), said(engine, request(engine, [3, 4], tokens=1)), return_exceptions=True
    )
    assert isinstance(bad, EngineError)
    assert "no numbers (nan)" in str(bad)
    assert isinstance(good, Settled)


async def test_long_prompts_are_not_all_read_at_once(
    opens: Opens, loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.engine.decoding.PROMPTS", 300)
    model = Slow(loaded.model, 0)
    engine = opens(model=model)
    await asyncio.gather(*(said(engine, request(engine, [7] * 100, tokens=3)) for _ in range(7)))
    assert max(rows * columns for rows, columns in model.passes) <= 300


async def test_a_prompt_that_fills_the_context_is_refused(opens: Opens) -> None:
    engine = opens()
    for prompt in ([], [5] * engine.context):
        why = rf"a prompt of {len(prompt)} tokens does not fit into a context of {engine.context}"
        with pytest.raises(EngineError, match=why):
            await said(engine, request(engine, prompt))


async def test_a_closed_engine_ends_its_calls_and_takes_no_more(opens: Opens, loaded: Loaded) -> None:
    engine = opens(batch=1, model=Slow(loaded.model))
    calls = [request(engine, [1], tokens=400, seed=s, banned=frozenset(engine.tokenizer.eos)) for s in range(2)]
    running = [asyncio.create_task(said(engine, call)) for call in calls]
    await asyncio.sleep(0.1)
    await engine.aclose()
    for call in (*running, said(engine, request(engine, [1]))):
        with pytest.raises(EngineError, match="the engine was closed"):
            await call


async def test_opening_says_what_was_loaded_and_deterministic_means_one_at_a_time(folder: Path) -> None:
    engine = await TransformersModel(model=str(folder), context=100).open(deterministic=True)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    try:
        facts = engine.facts
        assert {k: facts[k] for k in ("engine", "model", "dtype", "device")} == {
            "engine": "transformers", "model": str(folder), "dtype": "float32", "device": device,
        }  # fmt: skip
        assert facts["revision"] == resolve(str(folder)).revision
        assert facts["torch"] == torch.__version__
        assert int(facts["parameters"]) > 10_000
        assert engine.context == 100
        assert engine.template.render("Hello?").text.startswith("<|user|>\nHello?")
        assert engine.tokenizer.eos == {engine.tokenizer.special["<|end|>"]}
        assert engine._decoder._size == 1
    finally:
        await engine.aclose()


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"device": "cuda"}, "device: cuda: torch finds no CUDA device here (device: cpu)"),
        ({"gguf_file": "tiny.gguf"}, "holds no file 'tiny.gguf' (its .gguf files: none)"),
    ],
)
async def test_what_the_user_can_mend_is_one_line(folder: Path, fields: dict[str, Any], why: str) -> None:
    if "device" in fields and torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(UserError) as caught:
        await TransformersModel(model=str(folder), **fields).open()
    assert str(caught.value).endswith(why)
    assert "\n" not in str(caught.value)


@pytest.fixture
def unknown(folder: Path, tmp_path: Path) -> Path:
    """A model of an architecture that nobody knows."""
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "config.json").write_text('{"model_type": "no such thing"}')
    return tmp_path


async def test_a_folder_that_holds_no_model_is_told_in_one_line(unknown: Path) -> None:
    with pytest.raises(UserError, match=r"^model '.*': cannot be loaded: ValueError: .*no such thing[^\n]*$"):
        await TransformersModel(model=str(unknown)).open()


async def test_a_missing_extra_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.engine.loading.find_spec", lambda name: None)
    with pytest.raises(UserError) as caught:
        await TransformersModel(model=str(folder)).open()
    wanted = "engine transformers needs the extra [transformers]: pip install 'relay-cot[transformers]'"
    assert str(caught.value) == wanted


@pytest.fixture(scope="session")
def smollm2() -> Loaded:
    """SmolLM2-135M-Instruct from its GGUF file."""
    try:
        resolve("relay/smollm2")
    except UserError as missing:
        pytest.skip(str(missing))
    return load(TransformersModel(model="relay/smollm2"))


async def test_smollm2_answers_from_its_gguf_file(smollm2: Loaded) -> None:
    """The weights are right: greedy answers make sense, alone and together."""
    engine = Transformers(smollm2, batch=4)
    try:
        assert int(smollm2.facts["parameters"]) == KNOWN["relay/smollm2"].parameters
        assert smollm2.facts["dtype"] == "float32"
        assert engine.context == 8192
        heads = [engine.template.render(q) for q in ("What is 7 + 5?", "What is the capital of France?")]
        calls = [request(engine, list(head.ids), sampling=GREEDY, tokens=32) for head in heads]
        answers = await asyncio.gather(*(said(engine, call) for call in calls))
        assert ["12" in answers[0].text, "Paris" in answers[1].text] == [True, True]
        assert answers[0].turn_ended
        assert heads[0].text.endswith("<|im_start|>assistant\n")
    finally:
        await engine.aclose()
