"""Whether the report says gain, no gain, or cannot tell as often as its power says: docs/evidence/gains.json

    python tests/proof/gains.py [--studies 500]

Simulated reasoners (relay.simulate, which knows nothing of the estimators) with a known gain: a relay and its baseline
on the same problems. Each study goes through the very function that the report uses. Beside what it said stands what
the true spread lets one expect: the power of the test, and that of the two one-sided tests.
"""

import argparse
import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

from relay.measure.gains import GAIN, LOSS, NONE, UNKNOWN, compared
from relay.measure.intervals import t_of
from relay.measure.outcomes import Outcomes
from relay.measure.power import chance, planned
from relay.measure.simulated import batches
from relay.simulate.rates import logit_normal
from relay.simulate.study import Cell, Study
from relay.simulate.truth import aimed, spread

ROOT = Path(__file__).parents[2]
EVIDENCE = ROOT / "docs" / "evidence" / "gains.json"
PROBLEMS, SAMPLES, SCORES, GAINS = (200, 1000), (1, 4), (0.5, 0.8), (-0.05, 0.0, 0.02, 0.05, 0.1)
ICC, MARGIN, SEED = 0.4, 0.03, 10**6
Row = dict[str, Any]


def settings() -> Iterator[tuple[Row, Study]]:
    """Each setting and its study: the baseline first, then the relay."""
    for n, k, score, gain in product(PROBLEMS, SAMPLES, SCORES, GAINS):
        study = Study(logit_normal(score, ICC), n, k)
        relay = aimed(study, Cell("relay"), score + gain)
        yield {"problems": n, "continuations": k, "baseline": score, "gain": gain}, study.of(Cell("alone"), relay)


def expected(row: Row, study: Study) -> Row:
    """The chance of each answer, from the true spread of the difference."""
    from scipy.special import ndtr

    alone = study.of(study.cells[0], study.cells[0])
    differs = float(chance(alone, row["baseline"] + row["gain"])) if row["gain"] else 0.05
    se = spread(study, [-1, 1])
    room = MARGIN - t_of(planned(study).df, 0.95) * se
    equal = 0.0 if room <= 0 else float(ndtr((room - row["gain"]) / se) - ndtr((-room - row["gain"]) / se))
    return {"differs": round(differs, 4), "equal": round(equal, 4)}


def said(study: Study, studies: int, seed: int = SEED) -> Counter[str]:
    """How often each answer is given; small gains count as gains, and beside that as equal."""
    found: Counter[str] = Counter()
    for first, second in batches(study, studies, seed):
        for i in range(len(first.correct)):
            base, cell = (Outcomes(c.problem, c.distractor, c.correct[i]) for c in (first, second))
            each = compared("relay", "alone", cell, base)
            assert each is not None
            found[each.answer.partition(",")[0]] += 1
            found["equal"] += each.equal.verdict == "equal"
    return found


def main() -> None:
    """Measure it, and write it down."""
    wanted = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wanted.add_argument("--studies", type=int, default=500)
    options = wanted.parse_args()
    began, rows = perf_counter(), []
    for row, study in settings():
        counts = said(study, options.studies)
        shares = {word: counts[word] / options.studies for word in (GAIN, LOSS, NONE, UNKNOWN, "equal")}
        rows.append({**row, "said": shares, "expected": expected(row, study)})
        print(rows[-1], flush=True)
    off = [abs(r["said"][GAIN] + r["said"][LOSS] - r["expected"]["differs"]) for r in rows]
    equal = [abs(r["said"]["equal"] - r["expected"]["equal"]) for r in rows]
    wrong = [r["said"][LOSS if r["gain"] > 0 else GAIN] for r in rows if r["gain"]]
    git = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, check=False, cwd=ROOT, capture_output=True, text=True).stdout.strip()
    told = {
        "studies": options.studies, "icc": ICC, "most off, of gain or loss": max(off), "most off, of equal": max(equal),
        "gain or loss where there is none, at most": max(
            r["said"][GAIN] + r["said"][LOSS] for r in rows if not r["gain"]
        ),
        "of the wrong sign, at most": max(wrong), "rows": rows,
        "made": {"commit": commit, "seconds": round(perf_counter() - began)},
    }  # fmt: skip
    EVIDENCE.write_text(json.dumps(told, indent=1) + "\n")
    print({key: value for key, value in told.items() if key != "rows"})


if __name__ == "__main__":
    main()
