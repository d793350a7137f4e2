"""Whether relay's intervals and tests hold what they say: `make proof` writes docs/evidence/coverage.json.

    python tests/proof/coverage.py [--studies 2000] [--only score tests] [--out FILE]

Simulated studies with known truths (relay.simulate, which knows nothing of the estimators): every combination of true
score, problems, continuations, ICC and distractors. The oracle's interval is 3.92 true standard deviations wide; beside
it stands the spread of the estimates, from the 2.5 % to the 97.5 % quantile.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from relay.measure.intervals import bounds, method
from relay.measure.outcomes import layout
from relay.measure.power import least_difference, rejected
from relay.measure.significance import p_values
from relay.measure.simulated import batches
from relay.simulate.rates import logit_normal
from relay.simulate.study import Cell, Study
from relay.simulate.truth import aimed, spread

ROOT = Path(__file__).parents[2]
EVIDENCE = ROOT / "docs" / "evidence" / "coverage.json"
SCORES, PROBLEMS, SAMPLES, ICCS = (0.02, 0.1, 0.5, 0.9, 0.984), (30, 200, 1507), (1, 8), (0.1, 0.4, 0.7)
DISTRACTORS = {"none": (0, 0.0), "50, sd 0": (50, 0.0), "50, sd 1": (50, 1.0)}
COVERS, WIDTH, NULL, POWER = 0.93, 1.3, 0.06, (0.75, 0.85)
OTHER = 10**6  # a seed other than that by which the least difference was found

Row = dict[str, Any]


def settings() -> Iterator[tuple[Row, Study]]:
    """Each setting and its study, of a first cell without and a second with distractors."""
    for (name, (count, sd)), n, k, icc, p in product(DISTRACTORS.items(), PROBLEMS, SAMPLES, ICCS, SCORES):
        study = Study(logit_normal(p, icc), n, k, distractors=count, distractor_sd=sd)
        steered = aimed(study, Cell("steered", steered=1.0 if count else 0.0), p)
        row = {"score": p, "problems": n, "continuations": k, "icc": icc, "distractors": name}
        yield row, study.of(Cell("alone"), steered)


def score(row: Row, study: Study, studies: int) -> Row:
    """Coverage of the score's interval, and its median width."""
    steered = study.of(study.cells[1])
    lows, highs, estimates, name = [], [], [], ""
    for (cell,) in batches(steered, studies):
        how = layout(cell)
        low, high = bounds(cell.correct, how)
        lows, highs, name = [*lows, *low], [*highs, *high], method(how)
        estimates += list(cell.correct.mean(axis=-1))
    low, high = np.array(lows), np.array(highs)
    width, reach = float(np.median(high - low)), float(np.subtract(*np.quantile(estimates, (0.975, 0.025))))
    return {
        **row, "interval": name, "coverage": round(float(((low <= row["score"]) & (row["score"] <= high)).mean()), 4),
        "width": round(width, 4), "to_oracle": round(width / (3.92 * spread(steered, [1.0])), 3),
        "to_spread": round(width / reach, 3) if reach else None,
    }  # fmt: skip


def tests(row: Row, study: Study, studies: int) -> Row:
    """How often the test finds a difference where there is none, and at the least difference that it could find."""
    least, p = least_difference(study), row["score"]
    _, name = p_values(*next(batches(study, 1))) or (None, "")
    found = {**row, "test": name, "null": rejected(study, p, studies, OTHER)}
    if least is None:
        return {**found, "least": None, "power": None}
    power = rejected(study, p + (least if p < 0.5 else -least), studies, OTHER)
    return {**found, "least": round(least, 4), "power": round(power, 4)}


def missed(found: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """The settings in which something is not as it should be."""
    scores, tested = found.get("score", []), found.get("tests", [])
    return {
        "coverage": [row for row in scores if row["coverage"] < COVERS],
        "width": [row for row in scores if row["to_oracle"] > WIDTH],
        "null": [row for row in tested if row["null"] > NULL],
        "power": [row for row in tested if row["power"] is None or not POWER[0] <= row["power"] <= POWER[1]],
    }


def summary(found: dict[str, list[Row]]) -> Row:
    """The worst figures."""
    scores, tested = found.get("score", []), found.get("tests", [])
    powers = [row["power"] for row in tested if row["power"] is not None]
    return {
        "settings": len(scores),
        "least coverage": min((row["coverage"] for row in scores), default=None),
        "widest to oracle": max((row["to_oracle"] for row in scores), default=None),
        "median to oracle": round(float(np.median([row["to_oracle"] for row in scores])), 3) if scores else None,
        "tested": len(tested),
        "most rejected under the null": max((row["null"] for row in tested), default=None),
        "power": [min(powers, default=None), max(powers, default=None)],
        "missed": {name: len(rows) for name, rows in missed(found).items()},
    }


def main() -> None:
    """Measure what is asked for, and write it down."""
    wanted = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wanted.add_argument("--studies", type=int, default=2000)
    wanted.add_argument("--only", nargs="+", default=["score", "tests"])
    wanted.add_argument("--out", type=Path, default=EVIDENCE)
    options = wanted.parse_args()
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], check=False, cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    found: Row = json.loads(options.out.read_text()) if options.out.exists() else {}
    for part, measure in (("score", score), ("tests", tests)):
        if part in options.only:
            rows = []
            for row, study in settings():
                rows.append(measure(row, study, options.studies))
                print(rows[-1], file=sys.stderr, flush=True)
            found[part] = rows
            made = {"commit": commit, "studies": options.studies, "seeds": [0, OTHER]}
            found.setdefault("made", {})[part] = made
    found["summary"], found["missed"] = summary(found), missed(found)
    options.out.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found["summary"], indent=1))


if __name__ == "__main__":
    main()
