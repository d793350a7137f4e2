"""How many verdicts a second: plain numbers, and beside them bare math-verify in one process on the same answers.

    python tests/benchmarks/verdicts.py [--json]

The ratio says more than the rate where others use the machine: the two take turns, and each its best turn.
"""

import argparse
import asyncio
import sys
import time
from typing import Any

from bounds import told

from relay.verifiers import Outcome, Question
from relay.verifiers.math import MathVerifier

OURS, THEIRS, TURNS = 2000, 200, 5
FORMS = (
    r"So it is \boxed{{{}}}.",
    "The answer is {}.",
    r"\[\boxed{{{} \text{{ dollars}}}}\]",
    "#### {}",
    "In all {} apples.",
)


def answers(count: int) -> list[tuple[str, str]]:
    """Texts and references; every fourth is wrong."""
    return [(FORMS[n % len(FORMS)].format(f"{n * 37:,}"), str(n * 37 + (n % 4 == 3))) for n in range(1, count + 1)]


def bare() -> Any:
    """Bare math-verify: parse both, compare; as its README does."""
    from math_verify import parse, verify

    def grade(text: str, reference: str) -> bool:
        return bool(verify(parse(reference), parse(text)))

    grade("1", "1")
    return grade


async def ours(verifier: MathVerifier, asked: list[tuple[str, str]]) -> float:
    """Seconds that relay takes for these."""
    started = time.perf_counter()
    verdicts = await asyncio.gather(*(verifier.grade(Question(text, True, reference)) for text, reference in asked))
    took = time.perf_counter() - started
    assert [v.outcome == Outcome.CORRECT for v in verdicts] == [n % 4 != 3 for n in range(1, len(asked) + 1)]
    return took


async def measured() -> dict[str, float]:
    """The best turn of each."""
    theirs, verifier = bare(), MathVerifier()
    rates: dict[str, list[float]] = {"ours": [], "theirs": []}
    spent: dict[str, list[float]] = {"ours": [], "theirs": []}  # by the seconds that the processor gave
    for _ in range(TURNS):
        busy = time.process_time()
        rates["ours"].append(OURS / await ours(verifier, answers(OURS)))
        spent["ours"].append(OURS / (time.process_time() - busy))
        asked = answers(THEIRS)
        started, busy = time.perf_counter(), time.process_time()
        for text, reference in asked:
            theirs(text, reference)
        rates["theirs"].append(THEIRS / (time.perf_counter() - started))
        spent["theirs"].append(THEIRS / (time.process_time() - busy))
    await verifier.aclose()
    return {
        "verdicts a second, plain numbers (at least 300)": max(rates["ours"]),
        "verdicts a second, bare math-verify in one process": max(rates["theirs"]),
        "ratio": max(rates["ours"]) / max(rates["theirs"]),
        "verdicts a processor second": max(spent["ours"]),
        "verdicts a processor second, bare math-verify": max(spent["theirs"]),
        "ratio by processor seconds (at least 3)": max(spent["ours"]) / max(spent["theirs"]),
    }


def main() -> int:
    """Measure, print, compare with the bounds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    return told(asyncio.run(measured()), as_json=parser.parse_args().json)


if __name__ == "__main__":
    sys.exit(main())
