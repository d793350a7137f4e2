"""Null relays: a model that hands the pen to itself is right as often as alone. docs/evidence/null-relay.json

    python tests/proof/null_relay.py ENGINE [--seed N] [--problems N] [--run FILE]

It runs the scenario `null-relay` with relay/tiny in `transformers` or `vllm` (where that is installed) on brackets of
two operations, of which it solves seven in ten alone, four times each; `--run` reads a run of this that there is.
Equal: two one-sided tests at 5 %, by the 90 % interval of the difference paired by problem, with a margin of 3 points.
"""

import argparse
import json
import platform
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from relay.cli import main as relay
from relay.measure.gains import gains
from relay.measure.scores import scores
from relay.store.reader import Run

ROOT = Path(__file__).parents[2]
EVIDENCE = ROOT / "docs" / "evidence" / "null-relay.json"
PAGE = ROOT / "docs" / "gains.md"
BEGIN, END = "<!-- measured: tests/proof/null_relay.py -->\n", "<!-- end of null relays -->\n"


HANDOFFS = {
    "tokens=16 sentences=999": "16 tokens", "tokens=64 sentences=999": "64 tokens",
    "tokens=999 sentences=1": "a sentence",
}  # fmt: skip


def walked(engine: str, seed: int, problems: int, out: Path) -> None:
    """Run it."""
    sets = [
        f"seed={seed}", f"problems={{from: brackets, where: {{difficulty: 2}}, limit: {problems}}}",
        f"models.main={{engine: {engine}, model: relay/tiny, batch: {128 if engine == 'vllm' else 64}}}",
    ]  # fmt: skip
    with suppress(SystemExit):  # a command line ends
        relay(["run", "null-relay", "--out", str(out), *(word for each in sets for word in ("--set", each))])


def found(path: Path) -> dict[str, Any]:
    """What a run of it came to."""
    with Run(path) as run:
        rows = []
        for each in gains(run):
            inner = each.equal.difference
            assert inner is not None
            rows.append({
                "handoff": each.cell, "score": each.score, "alone": each.baseline, "problems": inner.problems,
                "difference": each.difference.mean, "95 %": [each.difference.low, each.difference.high],
                "90 %": [inner.low, inner.high], "p": each.test.p, "p, adjusted": each.adjusted,
                "verdict": each.equal.verdict, "answer": each.answer,
                "tokens of a right answer": each.times["tokens"] and each.times["tokens"]._asdict(),
            })  # fmt: skip
        graded = {score.cell: score.graded for score in scores(run)}
        handoffs = run.query("SELECT c.name, count(*) FROM step s JOIN rollout r ON r.id = s.rollout "
                             "JOIN cell c ON c.id = r.cell GROUP BY 1")  # fmt: skip
        models, made = run.meta["models"], run.meta["made"]
        seed = run.meta["scenario"].get("seed", 0)
        for row in rows:
            row["visits of a rollout"] = round(dict(handoffs)[row["handoff"]] / graded[row["handoff"]], 2)
    return {"seed": seed, "models": models, "made": made, "rollouts": graded, "cells": rows}


def table(there: Mapping[str, Any]) -> Iterator[str]:
    """The page's table."""
    yield "| engine | handing over | visits a rollout | score | alone | difference | 90 % interval | answer |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for name, told in there.items():
        for row in told["cells"]:
            low, high = (f"{100 * end:+.1f}" for end in row["90 %"])
            scores = f"{100 * row['score']:.1f} | {100 * row['alone']:.1f} | {100 * row['difference']:+.1f}"
            visits = f"{row['visits of a rollout']:.1f}"
            yield f"| {name} | {HANDOFFS[row['handoff']]} | {visits} | {scores} | {low} – {high} | {row['verdict']} |"


def write_page(there: Mapping[str, Any]) -> str:
    """The page with this table in it."""
    head, _, rest = PAGE.read_text().partition(BEGIN)
    return head + BEGIN + "\n" + "\n".join(table(there)) + "\n\n" + END + rest.partition(END)[2]


def main() -> None:
    """Measure it, and write it down beside what is there."""
    wanted = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wanted.add_argument("engine", choices=["transformers", "vllm"])
    wanted.add_argument("--seed", type=int, default=0)
    wanted.add_argument("--problems", type=int, default=1500)
    wanted.add_argument("--run", type=Path)
    options = wanted.parse_args()
    with TemporaryDirectory() as folder:
        path = options.run or Path(folder) / "null.relay"
        if options.run is None:
            walked(options.engine, options.seed, options.problems, path)
        told = found(path)
    git = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, check=False, cwd=ROOT, capture_output=True, text=True).stdout.strip()
    told |= {"commit": commit, "machine": f"{platform.machine()}, Python {platform.python_version()}"}
    there = json.loads(EVIDENCE.read_text()) if EVIDENCE.exists() else {}
    there[f"{options.engine}, seed {told['seed']}"] = told
    EVIDENCE.write_text(json.dumps(there, indent=1) + "\n")
    PAGE.write_text(write_page(there))
    for row in told["cells"]:
        print(row["handoff"], row["90 %"], row["verdict"])


if __name__ == "__main__":
    main()
