"""Greedy tokens of the models that ship through the engine `transformers`, on CPU and on CUDA: how many prompts differ.

All prompts of a model are in flight together, so rows join, leave and share what was read, on either device. Where the
two part, the gap says how close the two best tokens were: natural log-probabilities on the CPU.

    python tests/proof/engine_on_cuda.py [relay/tiny ...]
"""

import asyncio
import json
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import torch
import transformers

from relay.engine import Purpose, Request, Sampling
from relay.engine.transformers import Transformers, TransformersModel
from relay.families.endless import brackets, chains, equations, stories
from relay.problems import Problem
from relay.seam.cuts import Cut
from relay.zoo import shipped

PROMPTS, TOKENS = 200, 200
OUT = Path(__file__).parents[2] / "docs" / "evidence" / "engine-on-cuda.json"


async def written(engine: Transformers, problems: list[Problem]) -> list[list[int]]:
    """What the model writes on each problem, all in flight together."""

    async def one(problem: Problem) -> list[int]:
        prompt = engine.template.render(problem.question).ids
        cut = Cut(engine.tokenizer, tokens=TOKENS)
        purpose = Purpose(problem, 0, "n", 1, "0")
        async for _ in engine.extend(Request(list(prompt), cut, Sampling(0.0, 1.0), 0, frozenset(), purpose)):
            pass
        return list(cut.ids)

    return list(await asyncio.gather(*map(one, problems)))


async def compared(name: str) -> dict[str, Any]:
    """Both devices on the same problems."""
    problems = [p for family in (chains, brackets, equations, stories) for p in islice(family(5), PROMPTS // 4)]
    found: dict[str, list[list[int]]] = {}
    parted = []
    for device in ("cuda", "cpu"):
        engine = await TransformersModel(model=name, device=device, dtype="float32", batch=64).open()
        found[device] = await written(engine, problems)
        if device == "cpu":
            for problem, a, b in zip(problems, found["cpu"], found["cuda"], strict=True):
                if a == b:
                    continue
                at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
                prompt = [*engine.template.render(problem.question).ids, *a[:at]]
                told = await engine.score(prompt, [[i] for i in {*a[at : at + 1], *b[at : at + 1]}])
                parted.append({"at": at, "gap": round(max(told)[0] - min(told)[0], 6)})
        await engine.aclose()
    return {"prompts": len(problems), "tokens": sum(map(len, found["cpu"])), "parted": parted}


def main() -> None:
    """Compare the named models, or all that ship, and keep what was found."""
    made = {"device": torch.cuda.get_device_name(0), "torch": torch.__version__}
    found: dict[str, Any] = {"made": made | {"transformers": transformers.__version__}}
    for name in sys.argv[1:] or list(shipped()):
        found[name] = asyncio.run(compared(name))
        print(name, found[name], flush=True)
    OUT.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
