"""Two hundred hostile answers: each gets a verdict within its deadline, and those of others are hardly later for it.

    python tests/benchmarks/hostile.py [--json]

Others are answers that need algebra, one every tenth of a second, first by themselves and then beside the hostile
ones, which all come at once. On a machine that does nothing else it takes some minutes.
"""

import argparse
import asyncio
import sys
import time

from bounds import told

from relay.verifiers import Outcome, Question, Verdict
from relay.verifiers.math import MathVerifier

SECONDS = 1.0  # the deadline of an answer
LATE = 1.0  # seconds beyond it that ending a worker may take
EVERY, EASY = 0.1, 150


def hostile() -> list[str]:
    """Ten answers of each of twenty families."""
    families = {
        "towers": [rf"{n}^{{{n}^{{{n}^{{{n}}}}}}}" for n in range(2, 12)],
        "towers of programs": [f"{n}^({n}^({n}^{n}))" for n in range(2, 12)],
        "factorials": [f"({10**n})!" for n in range(3, 13)],
        "double factorials": [f"({n}!)!" for n in range(5, 15)],
        "sums": [rf"\sum_{{k=1}}^{{10^{n}}} \frac{{1}}{{k^2+1}}" for n in range(2, 12)],
        "products": [rf"\prod_{{k=1}}^{{10^{n}}} (k+x)" for n in range(1, 11)],
        "binomials": [rf"\binom{{10^{n}}}{{5\cdot 10^{n - 1}}}" for n in range(2, 12)],
        "great powers": [rf"10^{{{10**n}}}" for n in range(2, 12)],
        "powers of sums": [rf"(x+y+z+1)^{{{n * 50}}}" for n in range(1, 11)],
        "nested radicals": [r"\sqrt{1+" * n + "1" + "}" * n for n in range(20, 220, 20)],
        "nested fractions": [r"\frac{1}{1+" * n + "1" + "}" * n for n in range(20, 220, 20)],
        "nested parentheses": ["(" * n + "1" + ")" * n for n in range(200, 2200, 200)],
        "nested powers": ["x^{" * n + "2" + "}" * n for n in range(100, 1100, 100)],
        "braces": ["{" * n for n in range(10_000, 110_000, 10_000)],
        "integrals": [rf"\int_0^1 e^{{e^{{x^{n}}}}} dx" for n in range(1, 11)],
        "limits": [rf"\lim_{{x \to 0}} \frac{{\sin(x^{{{n}}})}}{{x^{{{n + 1}}}}}" for n in range(1, 11)],
        "long numbers": ["9" * n for n in range(400, 4400, 400)],
        "not numbers": [
            "nan",
            "inf",
            "-inf",
            r"\frac{0}{0}",
            r"\infty-\infty",
            "1e999999999",
            "0^0",
            "1/0",
            "NaN",
            "∞",
        ],
        "control characters": [f"{chr(n)}\x1b[31m5\x00{chr(n)}\ud800" for n in range(10)],
        "matrices": [r"\begin{pmatrix}" + "&".join(["x^9"] * n) + r"\end{pmatrix}" for n in range(40, 440, 40)],
    }
    return [answer for family in families.values() for answer in family]


def boxed(answer: str) -> Question:
    return Question(rf"\boxed{{{answer}}}", True, r"\sqrt{7}+1")


async def easy(verifier: MathVerifier) -> list[float]:
    """How long each of some easy answers takes, one after another or together, as they come."""

    async def one(n: int) -> float:
        started = time.perf_counter()
        verdict = await verifier.grade(Question(rf"\boxed{{\sqrt{{{n * n * 7}}}}}", True, rf"{n}\sqrt{{7}}"))
        assert verdict.outcome == Outcome.CORRECT, verdict
        return time.perf_counter() - started

    tasks = []
    for n in range(2, EASY + 2):
        tasks.append(asyncio.create_task(one(n)))
        await asyncio.sleep(EVERY)
    return await asyncio.gather(*tasks)


async def measured() -> dict[str, float]:
    verifier = MathVerifier(workers=2, seconds=SECONDS)
    answers = hostile()
    assert len(answers) == 200
    try:
        await asyncio.gather(*(verifier.grade(Question(rf"\boxed{{\sqrt{{{k}}}}}", True, "x+1")) for k in (2, 3, 5)))
        alone = await easy(verifier)
        hanging = [asyncio.create_task(verifier.grade(boxed(answer))) for answer in answers]
        beside = await easy(verifier)
        verdicts: list[Verdict] = await asyncio.gather(*hanging)
    finally:
        await verifier.aclose()
    late = sum(v.seconds > SECONDS + LATE for v in verdicts)
    return {
        "hostile answers": len(verdicts),
        "verdicts (at least 200)": len(verdicts),
        "called correct (at most 0)": sum(v.outcome == Outcome.CORRECT for v in verdicts),
        "verdicts later than their deadline (at most 0)": late,
        "undecided, with a reason": sum(v.outcome == Outcome.UNDECIDED and bool(v.why) for v in verdicts),
        "slowest verdict, seconds": max(v.seconds for v in verdicts),
        "slowest easy answer alone, seconds": max(alone),
        "slowest easy answer beside them, seconds": max(beside),
        "slower by, seconds (at most 1)": max(0.0, max(beside) - max(alone)),
        "mean of easy answers slower by, seconds": sum(beside) / len(beside) - sum(alone) / len(alone),
    }


def main() -> int:
    """Measure, print, compare with the bounds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    return told(asyncio.run(measured()), as_json=parser.parse_args().json)


if __name__ == "__main__":
    sys.exit(main())
