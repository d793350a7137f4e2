"""Adaptive runs of simulated models beside fixed ones: `make proof` writes docs/evidence/adaptive-runs.json.

    python tests/proof/adaptive_runs.py [--studies 20] [--problems 200]

Each study is 3 of the paper's 15 models by 5 positions, with its shared scores as truths, through the whole runtime:
once with every problem, once adaptive with the widest cell of the first as target. What the adaptive run walked is held
against the pure allocator on the fixed run's outcomes, cell by cell.
"""

import argparse
import asyncio
import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from relay.batch import Tally
from relay.language.reading import read
from relay.measure.adaptive import Progress, allocate, order
from relay.measure.graded import graded
from relay.measure.intervals import Interval, interval
from relay.measure.joint import only
from relay.measure.outcomes import Outcomes
from relay.session import Options, start
from relay.store.reader import Run
from relay.twin.published import published

ROOT = Path(__file__).parents[2]
EVIDENCE = ROOT / "docs" / "evidence" / "adaptive-runs.json"
BATCH, MS, NAMES = 40, ("0.0", "0.2", "0.4", "0.6", "0.8"), ("best", "middle", "worst")

SCENARIO = """
relay: 1
models: {models}
problems: {{from: chains, limit: {problems}}}
pool: {{samples: 2}}
graph:
  start: main
  answer: main
  nodes:
    main: {{write: "{{who}}", opens_with: {{pool: "{{who}}", take: "{{m}}"}}, until: [answered]}}
    steer: {{insert: {{pool: best, of: another problem, among: 50}}, take: 0.2}}
  edges:
    main: [{{when: {{visits: main, equals: 1}}, to: steer}}, {{to: end}}]
    steer: main
sweep: {{over: {{who: [best, middle, worst], m: [0, 0.2, 0.4, 0.6, 0.8]}}}}
samples: {samples}
seed: {seed}
"""


class Quiet:
    """A watcher that says nothing."""

    def phase(self, name: str, tally: Tally) -> None:
        """Not told."""

    def note(self, text: str) -> None:
        """Not told."""


def truths() -> dict[str, dict[str, float]]:
    """The scores by m of the best, the middle and the worst of the paper's models, in 0..1."""
    rows = sorted(published()["recover_shared_by_m"].values(), key=lambda row: -float(sum(row[m] for m in MS)))
    kept = (rows[0], rows[len(rows) // 2], rows[-1])
    return {name: {m: row[m] / 100 for m in MS} for name, row in zip(NAMES, kept, strict=True)}


def run(folder: Path, samples: object, problems: int, seed: int) -> Path:
    """One run of the study with this seed."""
    models = {
        name: {
            "engine": "simulated", "seed": 10 * seed + i, "solves": {"mean": 0.8, "icc": 0.4},
            "recovers": {f"{float(m):g}": p for m, p in recovers.items()}, "distractors": {"sd": 0.5},
            "tokens": {"mean": 400, "sd": 0.1},
        }
        for i, (name, recovers) in enumerate(truths().items())
    }  # fmt: skip
    path = folder / "study.yaml"
    said = SCENARIO.format(models=json.dumps(models), problems=problems, samples=json.dumps(samples), seed=seed)
    path.write_text(said)
    out = folder / f"{'fixed' if samples == 1 else 'adaptive'}-{seed}.relay"
    outcome = asyncio.run(start(read(str(path)), out, Options(pool=folder / f"{seed}.sqlite"), Quiet()))
    assert outcome.failed == 0
    return outcome.path


def first(cell: Outcomes, problems: list[int], n: int) -> Interval:
    """The interval of the first n problems of this order."""
    found = interval(only(cell, problems[:n]))
    assert found is not None
    return found


def pure(cell: Outcomes, problems: list[int], target: float) -> int:
    """How many problems the allocator takes, given what each would come to."""
    n = min(BATCH, len(problems))
    while n < len(problems):
        now = first(cell, problems, n)
        more = allocate([Progress("", n, len(problems) - n, 1, now.high - now.low)], target, BATCH)
        if not more:
            break
        n += more[0].problems
    return n


def study(folder: Path, problems: int, seed: int) -> dict[str, Any]:
    """One study: what its adaptive run took, and what the allocator alone would have."""
    with Run(run(folder, 1, problems, seed)) as fixed:
        cells = graded(fixed)
    orders = order(problems, seed)
    target = max(i.high - i.low for i in (first(cell, orders, problems) for cell in cells.values()))
    with Run(run(folder, {"adaptive": target, "at_most": 1, "batch": BATCH}, problems, seed)) as adaptive:
        reach, outcomes = adaptive.meta["rounds"][-1], graded(adaptive)
        rounds = len(adaptive.meta["rounds"])
    intervals = [interval(outcomes[i]) for i in range(len(reach))]
    known = [p for model in truths().values() for p in model.values()]
    return {
        "rounds": rounds, "target": round(target, 4), "walked": sum(reach), "of": problems * len(reach),
        "as the allocator alone": sum(n == pure(cells[i], orders, target) for i, n in enumerate(reach)),
        "as narrow": sum(i is not None and i.high - i.low <= target for i in intervals),
        "hold the truth": sum(i is not None and i.low <= p <= i.high for i, p in zip(intervals, known, strict=True)),
        "cells": len(reach),
    }  # fmt: skip


def main() -> None:
    """Measure it, and write it down."""
    wanted = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wanted.add_argument("--studies", type=int, default=20)
    wanted.add_argument("--problems", type=int, default=200)
    wanted.add_argument("--out", type=Path, default=EVIDENCE)
    options = wanted.parse_args()
    began, found = perf_counter(), []
    with TemporaryDirectory() as folder:
        for seed in range(options.studies):
            found.append(study(Path(folder), options.problems, seed))
            print(found[-1], flush=True)
    sums = {key: sum(each[key] for each in found) for key in found[0] if key not in ("rounds", "target")}
    git = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, check=False, cwd=ROOT, capture_output=True, text=True).stdout.strip()
    made = {"commit": commit, "seconds": round(perf_counter() - began), "problems": options.problems, "batch": BATCH}
    told = {"used": round(sums["walked"] / sums["of"], 4), **sums, "studies": found, "made": made}
    options.out.write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(told["made"]), told["used"])


if __name__ == "__main__":
    main()
