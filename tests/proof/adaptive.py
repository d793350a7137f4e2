"""What adaptive sampling saves on studies shaped like the paper's: `make proof` writes docs/evidence/adaptive.json.

    python tests/proof/adaptive.py [--studies 100]

15 models by 5 positions, with the paper's shared scores as truths, ICC .4, 200 problems, 50 distractors that differ by
.5 in log-odds. The fixed design tries all problems in every cell; the adaptive one begins with 40 and adds at most 20
at a time until the cell's interval is as narrow as the fixed design's widest in the same study.
"""

import argparse
import json
import subprocess
from pathlib import Path
from typing import Any

from relay.measure.adaptive import Progress, allocate
from relay.measure.intervals import interval
from relay.measure.outcomes import Outcomes
from relay.measure.proportions import Interval
from relay.measure.simulated import batches
from relay.simulate.rates import logit_normal
from relay.simulate.study import Cell, Study
from relay.simulate.truth import aimed
from relay.twin.published import published

ROOT = Path(__file__).parents[2]
EVIDENCE = ROOT / "docs" / "evidence" / "adaptive.json"
FIRST, BATCH, MOST = 40, 20, 200
MS = ("0.0", "0.2", "0.4", "0.6", "0.8")


def of_first(cell: Outcomes, row: int, n: int) -> Interval:
    """The interval of one study's first n problems."""
    found = interval(Outcomes(cell.problem[:n], cell.distractor[:n], cell.correct[row, :n]))
    assert found is not None
    return found


def stopped(cell: Outcomes, row: int, target: float) -> int:
    """After how many problems its interval is narrow enough; all of them where it never is."""
    n = FIRST
    while n < MOST:
        now = of_first(cell, row, n)
        more = allocate([Progress("", n, MOST - n, 1, now.high - now.low)], target, BATCH)
        if not more:
            break
        n += more[0].problems
    return n


def paperlike(studies: int) -> dict[str, Any]:
    """The share of the fixed design's continuations that was used, how many cells are as narrow, and their coverage."""
    truths = [row[m] / 100 for row in published()["recover_shared_by_m"].values() for m in MS]
    drawn = []
    for i, p in enumerate(truths):
        study = Study(logit_normal(p, 0.4), MOST, distractors=50, distractor_sd=0.5)
        one = batches(study.of(aimed(study, Cell("steered", steered=1.0), p)), studies, seed=i)
        drawn.append(next(one)[0])  # at most 100 studies are one batch
    used = narrow = held = 0
    for row in range(studies):
        target = max(i.high - i.low for i in (of_first(cell, row, MOST) for cell in drawn))
        for cell, p in zip(drawn, truths, strict=True):
            found = of_first(cell, row, n := stopped(cell, row, target))
            used, narrow, held = (
                used + n,
                narrow + (found.high - found.low <= target),
                held + (found.low <= p <= found.high),
            )
    cells = studies * len(truths)
    return {
        "studies": studies, "cells": cells, "used": round(used / (cells * MOST), 4),
        "as narrow": round(narrow / cells, 4), "coverage": round(held / cells, 4),
    }  # fmt: skip


def main() -> None:
    """Measure it, and write it down."""
    wanted = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wanted.add_argument("--studies", type=int, default=100)
    wanted.add_argument("--out", type=Path, default=EVIDENCE)
    options = wanted.parse_args()
    git = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, check=False, cwd=ROOT, capture_output=True, text=True).stdout.strip()
    found = {**paperlike(options.studies), "made": {"commit": commit, "seeds": "0 to 74, one a cell"}}
    options.out.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
