"""Tokens a second of the engine `transformers` beside `model.generate`, alternating in one run.

On CPU a Llama of 1.1 million random parameters, one thread, CPU seconds; on CUDA one of 1.2 thousand million, bfloat16,
seconds of the clock:

    mixed     400 requests, prompts of 30 to 120 tokens, outputs of 20 to 120, 64 rows, greedy; `generate` is given
              as many tokens in full batches of equal lengths (at least 0.8 of its tokens a second)
    shared    25 prompts behind one beginning of 300 tokens, 8 samples each; `generate` is given the same, padded
              (at least 2 times)
    sampling  the mixed requests with a temperature, top-p and a seed each, over greedy (at least 0.75)

    python tests/benchmarks/engine.py [--pairs 3] [--device cuda] [--json]
"""

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
import transformers
from bounds import told

from relay.engine import Purpose, Request, Sampling
from relay.engine.loading import Loaded
from relay.engine.scripted import TEMPLATE, shipped
from relay.engine.slots import fits
from relay.engine.transformers import Transformers
from relay.problems import Problem
from relay.seam.cuts import Cut
from relay.seam.templates import Template

ROWS, GREEDY, HOT = 64, Sampling(0.0, 1.0), Sampling(0.6, 0.95)
TOKENIZER = shipped()
PURPOSE = Purpose(Problem("p", "?", "1"), 0, "n", 1, "0")
Asked = tuple[list[int], int]  # a prompt, and tokens to write


SMALL = {"hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": 4, "num_attention_heads": 4}
LARGE = {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 18, "num_attention_heads": 16,
         "num_key_value_heads": 8}  # fmt: skip


def random_model(device: str) -> Any:
    """The model of both."""
    config = transformers.LlamaConfig(
        vocab_size=TOKENIZER.size, max_position_embeddings=1024, bos_token_id=None, eos_token_id=None, pad_token_id=0,
        initializer_range=0.2 if device == "cpu" else 0.05,  # about as sure of its next token as a trained model
        **(SMALL if device == "cpu" else LARGE),
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(config).eval()
    return model if device == "cpu" else model.to(device, torch.bfloat16)


def clock(model: Any) -> float:
    """Seconds: of the processor, or of the clock where another device does the work."""
    if model.device.type == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def mixed() -> list[Asked]:
    """Requests of all lengths."""
    draw = random.Random(1)
    return [
        ([draw.randrange(5, TOKENIZER.size) for _ in range(draw.randint(30, 120))], draw.randint(20, 120))
        for _ in range(400)
    ]


def shared() -> list[Asked]:
    """Samples of prompts that begin alike."""
    draw = random.Random(2)
    begin = [draw.randrange(5, TOKENIZER.size) for _ in range(300)]
    prompts = [begin + [draw.randrange(5, TOKENIZER.size) for _ in range(20)] for _ in range(25)]
    return [(prompt, 40) for prompt in prompts for _ in range(8)]


async def ours(model: Any, asked: Sequence[Asked], sampling: Sampling) -> float:
    """Tokens a second, the engine's thread and the loop's included."""
    loaded = Loaded(model, TOKENIZER, Template(TOKENIZER, TEMPLATE), 1024, {}, fits(model))
    engine = Transformers(loaded, batch=ROWS)

    async def one(number: int, prompt: list[int], tokens: int) -> int:
        cut = Cut(TOKENIZER, tokens=tokens)
        async for _ in engine.extend(Request(prompt, cut, sampling, number, TOKENIZER.eos, PURPOSE)):
            pass
        return len(cut.ids)

    began = clock(model)
    wrote = await asyncio.gather(*(one(i, prompt, tokens) for i, (prompt, tokens) in enumerate(asked)))
    seconds = clock(model) - began
    await engine.aclose()
    assert wrote == [tokens for _, tokens in asked]
    return sum(wrote) / seconds


def theirs(model: Any, batches: Sequence[Sequence[Asked]]) -> float:
    """Tokens a second of `generate`, batch by batch; only tokens that were asked for count."""
    began, wrote = clock(model), 0
    for batch in batches:
        longest, most = max(len(p) for p, _ in batch), max(tokens for _, tokens in batch)
        ids = torch.tensor([[0] * (longest - len(p)) + p for p, _ in batch], device=model.device)
        mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p, _ in batch], device=model.device)
        with torch.inference_mode():
            out = model.generate(ids, attention_mask=mask, max_new_tokens=most, do_sample=False, pad_token_id=0)
        assert out.shape[1] == longest + most
        wrote += sum(tokens for _, tokens in batch)
    return wrote / (clock(model) - began)


def full(asked: Sequence[Asked]) -> list[list[Asked]]:
    """As many prompt tokens and as many tokens to write, in full batches of rows of equal lengths."""
    prompt = round(sum(len(p) for p, _ in asked) / len(asked))
    tokens = round(sum(tokens for _, tokens in asked) / len(asked))
    draw = random.Random(4)
    rows = [([draw.randrange(5, TOKENIZER.size) for _ in range(prompt)], tokens) for _ in range(len(asked))]
    return [rows[i : i + ROWS] for i in range(0, len(rows) - len(rows) % ROWS, ROWS)]


def main() -> None:
    """Measure in alternating pairs and print the medians of their ratios."""
    wanted = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wanted.add_argument("--pairs", type=int, default=3)
    wanted.add_argument("--device", default="cpu")
    wanted.add_argument("--json", action="store_true")
    options = wanted.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    model, alike, same = random_model(options.device), mixed(), shared()
    groups = [same[i : i + ROWS] for i in range(0, len(same), ROWS)]
    asyncio.run(ours(model, alike[:64], GREEDY))  # the first passes of a process are slow
    theirs(model, full(alike)[:1])
    found: dict[str, list[float]] = {}
    for _ in range(options.pairs):
        greedy, generate = asyncio.run(ours(model, alike, GREEDY)), theirs(model, full(alike))
        hot = asyncio.run(ours(model, alike, HOT))
        together, padded = asyncio.run(ours(model, same, GREEDY)), theirs(model, groups)
        for name, value in {
            "tokens a second, mixed": greedy,
            "tokens a second, generate on full equal batches": generate,
            "mixed over generate on full equal batches (at least 0.8)": greedy / generate,
            "a shared beginning over generate (at least 2)": together / padded,
            "sampling over greedy (at least 0.75)": hot / greedy,
        }.items():
            found.setdefault(name, []).append(value)
    figures = {name: median(values) for name, values in found.items()}
    sys.exit(told(figures, as_json=options.json))


if __name__ == "__main__":
    main()
