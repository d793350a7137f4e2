"""Verdicts a second of the verifier `code` beside plain `subprocess`, which has no walls, alternating in one run.

Both run the same 200 programs of HumanEval's kind, as many at once as there are cores; a program of plain Python holds
the tests too, as in most evaluation scripts.

    python tests/benchmarks/programs.py [--pairs 3] [--json]
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from bounds import told

from relay.problems import Problem
from relay.verifiers import Outcome, Question
from relay.verifiers.code import CodeVerifier
from relay.verifiers.sandbox import here

NUMBER, CORES = 200, os.cpu_count() or 2
PROGRAM = """
from typing import List
import math

def f(numbers: List[int], k: int) -> List[int]:
    found = [n * k + {n} for n in sorted(numbers) if math.gcd(n, k) == 1]
    return found[::-1]
"""
TESTS = """
def check(candidate):
    assert candidate([], 3) == []
    assert candidate([1], 3) == [3 + {n}]
    assert candidate([1, 2], 3) == [6 + {n}, 3 + {n}]
    assert candidate([2, 1], 3) == [6 + {n}, 3 + {n}]
    assert candidate([3], 3) == []
    assert candidate([4, 5], 2) == [10 + {n}]
    assert candidate(list(range(50)), 7)[-1] == 7 + {n}

check(f)
"""


def programs() -> list[tuple[str, str]]:
    """Programs and their tests; no two are the same."""
    return [(PROGRAM.replace("{n}", str(n)), TESTS.replace("{n}", str(n))) for n in range(NUMBER)]


async def walled() -> float:
    """Verdicts a second, the start of the first processes not counted: a run starts them once."""
    asked = [Question(f"```python\n{program}\n```", True, "", "code", _problem(tests)) for program, tests in programs()]
    verifier = CodeVerifier(here())
    await verifier.grade(asked[0])
    began = time.perf_counter()
    verdicts = await asyncio.gather(*map(verifier.grade, asked))
    seconds = time.perf_counter() - began
    await verifier.aclose()
    assert {verdict.outcome for verdict in verdicts} == {Outcome.CORRECT}
    return NUMBER / seconds


def _problem(tests: str) -> Problem:
    return Problem("p", "?", "", "code", {"form": "function", "entry_point": "f", "tests": tests})


def plain() -> float:
    """Programs a second of plain `subprocess`."""

    def run(pair: tuple[str, str]) -> int:
        command = [sys.executable, "-c", "".join(pair)]
        return subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL).returncode

    began = time.perf_counter()
    with ThreadPoolExecutor(CORES) as pool:
        assert set(pool.map(run, programs())) == {0}
    return NUMBER / (time.perf_counter() - began)


def main() -> None:
    """Measure in alternating pairs and print the medians."""
    wanted = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wanted.add_argument("--pairs", type=int, default=3)
    wanted.add_argument("--json", action="store_true")
    options = wanted.parse_args()
    pairs = [(asyncio.run(walled()), plain()) for _ in range(options.pairs)]
    figures = {
        "verdicts a second, in the sandbox": median(a for a, _ in pairs),
        "programs a second, plain subprocess": median(b for _, b in pairs),
        "sandbox over plain subprocess (at least 0.5)": median(a / b for a, b in pairs),
    }
    sys.exit(told(figures, as_json=options.json))


if __name__ == "__main__":
    main()
