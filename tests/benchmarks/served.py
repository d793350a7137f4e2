"""What relay costs on top of vLLM: a recoverability grid through relay beside a bare loop over the same token prompts.

The prompts, seeds and numbers of tokens are those of a run of relay; the bare loop asks the same AsyncLLM for them, all
at once and without a stop, and does nothing with the answers. Both begin with an empty prefix cache, and take turns.

    wall     seconds through relay (reading, preparing, walking, grading, the run file) over those of the bare loop
    driver   CPU seconds of this process and of its graders, as a share of theirs and those of vLLM's processes

On a machine that others use, the wall ratio of a pair says little; the median of seven says more.

    python tests/benchmarks/served.py [--pairs 7] [--problems 8] [--json]   (in the environment of `make test-engines`)
"""

import argparse
import asyncio
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import psutil
from bounds import told
from prefix_cache import Silent
from smollm2 import folder as smollm2

from relay.engine import Request, vllm_log
from relay.engine.vllm import Vllm, VllmModel
from relay.language.reading import read
from relay.session import Options, start

WALL = "wall seconds through relay over a bare loop (at most 1.10)"
DRIVER = "driver's share of all CPU seconds, through relay, in % (at most 8)"
SCENARIO = """\
relay: 1
title: Recoverability, small
extends: relay/strict
models: {{main: {{engine: vllm, model: "{model}"}}}}
problems: {{from: chains, where: {{difficulty: [3, 4, 5]}}, limit: {problems}}}
pool: {{samples: 1, tokens: 96}}
graph:
  start: main
  answer: main
  nodes:
    main: {{write: main, opens_with: {{pool: main, take: "{{m}}", cut: nearest}}, until: [answered]}}
    steer: {{insert: {{pool: main, of: another problem}}, take: 0.2, stitch: "\\nWait. Let me think\\n"}}
  edges:
    main: [{{when: {{visits: main, equals: 1}}, to: steer}}, end]
    steer: main
sweep: {{over: {{m: [0, 0.2, 0.4, 0.6, 0.8]}}, also: [{{without: steer}}]}}
budget: {{tokens: 224}}
"""


class Cost(NamedTuple):
    """What one way took."""

    wall: float
    driver: float  # CPU seconds of this process and of those that it started and that have ended
    engine: float  # of vLLM's processes

    @property
    def share(self) -> float:
        """The driver's share of all CPU seconds, in %."""
        return 100 * self.driver / (self.driver + self.engine)


class Listening(Vllm):
    """An engine that keeps its requests, and how much came of each."""

    kept: list[tuple[Request, int]]

    @classmethod
    def of(cls, engine: Vllm) -> "Listening":
        """The same engine, listened to."""
        other = object.__new__(cls)
        other.__dict__.update(engine.__dict__, kept=[])
        return other

    async def extend(self, request: Request) -> Any:
        """As the engine does."""
        async for delta in super().extend(request):
            yield delta
        self.kept.append((request, len(request.cut.ids)))


async def timed(work: Callable[[], Coroutine[Any, Any, object]], vllm: list[psutil.Process]) -> Cost:
    """What this takes."""

    def used() -> tuple[float, float, float]:
        ours = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        theirs = [process.cpu_times() for process in vllm]
        return (
            time.perf_counter(),
            sum(u.ru_utime + u.ru_stime for u in ours),
            sum(t.user + t.system for t in theirs),
        )

    before = used()
    await work()
    return Cost(*(b - a for a, b in zip(before, used(), strict=True)))


def params(request: Request, tokens: int, *, streams: bool = False) -> Any:
    """What a bare loop asks for: the same draw of so many tokens."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(
        temperature=request.sampling.temperature, top_p=request.sampling.top_p, seed=request.seed, max_tokens=tokens,
        ignore_eos=True, detokenize=False,
        output_kind=RequestOutputKind.DELTA if streams else RequestOutputKind.FINAL_ONLY,
    )  # fmt: skip


async def bare(llm: Any, kept: list[tuple[Request, int]], *, streams: bool = False) -> None:
    """The same prompts without relay."""

    async def one(number: int, request: Request, tokens: int) -> None:
        prompt = {"prompt_token_ids": request.prompt}
        wrote = 0
        async for out in llm.generate(prompt, params(request, tokens, streams=streams), f"bare-{number}"):
            wrote += len(out.outputs[0].token_ids)
        assert wrote == tokens

    await asyncio.gather(*(one(i, request, tokens) for i, (request, tokens) in enumerate(kept)))


async def grid(
    model: str, folder: Path, problems: int, pairs: int
) -> tuple[dict[str, float], list[tuple[Request, int]]]:
    """Relay and the bare loop on one engine, in turns."""
    name = f"{folder.name}-{Path(model).name}"
    (folder / f"{name}.yaml").write_text(SCENARIO.format(model=model, problems=problems))
    reading = read(str(folder / f"{name}.yaml"), {})
    before = set(psutil.Process().children(recursive=True))
    opened = await VllmModel(model=model).open()
    assert isinstance(opened, Vllm)
    engine, number = Listening.of(opened), iter(range(1000))
    vllm = list(set(psutil.Process().children(recursive=True)) - before)
    llm = engine._llm
    cost: dict[str, list[Cost]] = {"relay": [], "bare": [], "delta": []}

    async def relay() -> None:
        out = folder / f"{name}-{next(number)}.relay"
        outcome = await start(reading, out, Options(pool=folder / f"{name}.pool"), Silent(), {"main": engine})
        assert outcome.failed == 0
        assert outcome.total == problems * 6

    try:
        await relay()  # fills the pool, too
        for _ in range(pairs):
            engine.kept.clear()
            await llm.reset_prefix_cache()
            cost["relay"].append(await timed(relay, vllm))
            kept = list(engine.kept)
            for way in ("bare", "delta"):
                await llm.reset_prefix_cache()
                cost[way].append(await timed(partial(bare, llm, kept, streams=way == "delta"), vllm))
    finally:
        await opened.aclose()
    tokens = sum(tokens for _, tokens in kept)
    ratio = median(a.wall / b.wall for a, b in zip(cost["relay"], cost["bare"], strict=True))
    figures = {
        "calls": float(len(kept)),
        "tokens decoded": float(tokens),
        "tokens a second, bare loop": tokens / median(c.wall for c in cost["bare"]),
        "wall, relay over bare": ratio,
        "driver's share, relay": median(c.share for c in cost["relay"]),
        "driver's share, bare loop": median(c.share for c in cost["bare"]),
        "driver's share, bare loop with DELTA": median(c.share for c in cost["delta"]),
        "driver's CPU ms a call, relay": 1000 * median(c.driver for c in cost["relay"]) / len(kept),
        "driver's CPU ms a call, bare loop": 1000 * median(c.driver for c in cost["bare"]) / len(kept),
    }
    return figures, kept


def whole(model: str, kept: list[tuple[Request, int]]) -> float:
    """Tokens a second of LLM.generate over the same prompts."""
    with vllm_log.hushed():
        from vllm import LLM

        llm = LLM(
            model, skip_tokenizer_init=True, dtype="float32", max_num_seqs=32, enforce_eager=True, block_size=32,
            enable_chunked_prefill=False, max_num_batched_tokens=8192, kv_cache_memory_bytes=1 << 30,
        )  # fmt: skip
    prompts: Any = [{"prompt_token_ids": request.prompt} for request, _ in kept]
    asked = [params(request, tokens) for request, tokens in kept]
    llm.generate(prompts[:4], asked[:4], use_tqdm=False)
    llm.reset_prefix_cache()
    began = time.perf_counter()
    llm.generate(prompts, asked, use_tqdm=False)
    return sum(tokens for _, tokens in kept) / (time.perf_counter() - began)


def main() -> None:
    """Measure and print."""
    wanted = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wanted.add_argument("--pairs", type=int, default=7)
    wanted.add_argument("--problems", type=int, default=8)
    wanted.add_argument("--json", action="store_true")
    options = wanted.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as there:
        for name, model in (("SmolLM2", str(smollm2())), ("relay/tiny", "relay/tiny")):
            found, kept = asyncio.run(grid(model, Path(there), options.problems, options.pairs))
            if name == "SmolLM2":
                figures[WALL], figures[DRIVER] = found["wall, relay over bare"], found["driver's share, relay"]
                found["tokens a second, LLM.generate"] = whole(model, kept)
            figures |= {f"{name}: {what}": value for what, value in found.items()}
    sys.exit(told(figures, as_json=options.json))


if __name__ == "__main__":
    main()
