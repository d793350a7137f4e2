"""How much of what it could read once vLLM reads twice, in a relay of six hops between two models.

Every question is longer than ten blocks. The least that can be computed: each token once a model, and full blocks only;
a prompt of L tokens finds at most floor((L - 1) / block) blocks, whoever wrote them, the model itself or another one.

    python tests/benchmarks/prefix_cache.py [--problems 24] [--json]        (in the environment of `make test-engines`)
"""

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import NamedTuple

from bounds import told

from relay.batch import Tally
from relay.engine import Delta, Engine, Request
from relay.engine.vllm import VllmModel
from relay.language.reading import read
from relay.session import Options, start

BLOCK, BLOCKS = 32, 10
NODES = ("a1", "b1", "a2", "b2", "a3", "b3")
BOUND = "computed prompt tokens over the least possible (at most 1.15)"


class Call(NamedTuple):
    """One call of a model."""

    prompt: list[int]
    wrote: list[int]
    computed: int
    cached: int


class Recording:
    """An engine around an engine, which keeps what each call read and wrote, in the order in which they began."""

    def __init__(self, inner: Engine) -> None:
        self.inner = inner
        self.tokenizer, self.template, self.context = inner.tokenizer, inner.template, inner.context
        self.rows, self.facts = inner.rows, inner.facts
        self.calls: list[Call] = []

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        """As the inner engine does."""
        place = len(self.calls)
        self.calls.append(Call(list(request.prompt), [], 0, 0))
        async for delta in self.inner.extend(request):
            usage = delta.usage
            assert usage is not None
            self.calls[place] = Call(list(request.prompt), list(request.cut.ids), usage.computed, usage.cached)
            yield delta

    async def aclose(self) -> None:
        """The inner engine is closed by whoever opened it."""


def least(calls: Sequence[Call], block: int = BLOCK) -> int:
    """Prompt tokens that one model must compute for these calls, in this order, where nothing is ever forgotten."""
    there: set[tuple[int, ...]] = set()
    computed = 0
    for call in calls:
        full = (len(call.prompt) - 1) // block
        found = next((k for k in range(full) if tuple(call.prompt[: (k + 1) * block]) not in there), full)
        computed += len(call.prompt) - found * block
        held = [*call.prompt, *call.wrote[:-1]]  # what it wrote last was never read
        there.update(tuple(held[: (k + 1) * block]) for k in range(len(held) // block))
    return computed


def scenario(folder: Path, problems: int) -> Path:
    """Six hops; each question is made of many words."""
    draw = random.Random(5)
    words = ["take", "the", "value", "of", "23", "and", "add", "7", "then", "find", "what", "is", "left"]
    with (folder / "long.jsonl").open("w") as out:
        for i in range(problems):
            question = f"{i}: " + " ".join(draw.choice(words) for _ in range(BLOCK * BLOCKS))
            out.write(json.dumps({"id": f"p{i}", "question": question, "answer": "1"}) + "\n")
    nodes = {name: {"write": name[0], "until": {"tokens": 24}} for name in NODES}
    edges = dict(zip(NODES, (*NODES[1:], "end"), strict=True))
    tree = {
        "relay": 1,
        "models": {
            "a": {"engine": "vllm", "model": "relay/tiny"},
            "b": {"engine": "vllm", "model": "relay/tiny-guide"},
        },
        "problems": {"from": "./long.jsonl"},
        "graph": {"start": NODES[0], "answer": list(NODES), "nodes": nodes, "edges": edges},
        "verify": "none",
    }
    (folder / "s.yaml").write_text(json.dumps(tree))
    return folder / "s.yaml"


class Silent:
    """Nobody watches."""

    def phase(self, name: str, tally: Tally) -> None:
        """A phase begins."""

    def note(self, text: str) -> None:
        """A note."""


async def measured(folder: Path, problems: int) -> dict[str, float]:
    """Run it, and count."""
    reading = read(str(scenario(folder, problems)), {})
    engines = {}
    models = {"a": VllmModel(model="relay/tiny"), "b": VllmModel(model="relay/tiny-guide")}
    for name, model in (await VllmModel.side_by_side(models)).items():
        engines[name] = Recording(await model.open())
    try:
        outcome = await start(reading, folder / "r.relay", Options(pool=folder / "pool"), Silent(), engines)
    finally:
        for engine in engines.values():
            await engine.inner.aclose()
    assert outcome.failed == 0
    shortest = min(len(call.prompt) for engine in engines.values() for call in engine.calls)
    computed = sum(call.computed for engine in engines.values() for call in engine.calls)
    possible = sum(least(engine.calls) for engine in engines.values())
    return {
        "calls": float(sum(len(engine.calls) for engine in engines.values())),
        "full blocks of the shortest prompt": float((shortest - 1) // BLOCK),
        "prompt tokens": float(sum(len(call.prompt) for engine in engines.values() for call in engine.calls)),
        "computed prompt tokens": float(computed),
        "the least possible": float(possible),
        BOUND: computed / possible,
    }


def main() -> None:
    """Measure and print."""
    wanted = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wanted.add_argument("--problems", type=int, default=24)
    wanted.add_argument("--json", action="store_true")
    options = wanted.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measured(Path(folder), options.problems))
    sys.exit(told(figures, as_json=options.json))


if __name__ == "__main__":
    main()
