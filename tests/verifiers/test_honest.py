"""A false reject is as grave as a false accept: programs that pass in plain Python pass here, whatever they return."""

import asyncio
import warnings

import pytest

from relay.problems import Problem
from relay.verifiers import Outcome, Question, Verdict
from relay.verifiers.code import CodeVerifier
from relay.verifiers.sandbox import Sandbox
from tests.verifiers.honest import HONEST

NUMPY = [name for name, parts in HONEST.items() if "numpy" in "".join(parts) or "sympy" in "".join(parts)]


def graded(walls: Sandbox, *cases: tuple[str, str], prompt: str = "", seconds: float = 10.0) -> list[Verdict]:
    async def work() -> list[Verdict]:
        verifier = CodeVerifier(walls, seconds=seconds)
        asked = []
        for program, tests in cases:
            extra = {"form": "function", "entry_point": "f", "tests": tests, "prompt": prompt}
            problem = Problem("p", "?", "", "code", extra)
            asked.append(Question(f"```python\n{program}\n```", True, "", "code", problem))
        try:
            return list(await asyncio.gather(*map(verifier.grade, asked)))
        finally:
            await verifier.aclose()

    return asyncio.run(work())


def test_every_honest_program_passes(walls: Sandbox) -> None:
    names = [name for name in HONEST if name not in NUMPY]
    found = graded(walls, *(HONEST[name] for name in names))
    assert [each for each in zip(names, found, strict=True) if each[1].outcome != Outcome.CORRECT] == []
    assert len(names) > 60


def test_every_honest_program_with_numpy_passes(walls: Sandbox) -> None:
    pytest.importorskip("numpy")
    pytest.importorskip("sympy")
    found = graded(walls, *map(HONEST.__getitem__, NUMPY))
    assert [each for each in zip(NUMPY, found, strict=True) if each[1].outcome != Outcome.CORRECT] == []
    assert len(NUMPY) > 8


SLY = {
    "an exception that ends the loops of the tests": (
        "def f(x): raise StopIteration", "assert all(map(lambda x: f(x) == 2 * x, [1, 2]))",
    ),
    "one of its own kind of these": (
        "class E(StopIteration): pass\ndef f(x): raise E", "assert list(map(f, [1])) == []",
    ),
    "an end that the tests take for an exception": (
        "import os\ndef f(x): os._exit(0)", "try:\n    f(-1)\nexcept Exception:\n    pass\nelse:\n    assert False",
    ),
    "an end that the tests take for anything": (
        "import os\ndef f(x): os._exit(0)", "try:\n    f(-1)\nexcept:\n    pass",
    ),
    "an exit": ("import sys\ndef f(x): sys.exit(0)", "assert f(1) == 2"),
    "an exit that tests catch": ("import sys\ndef f(x): sys.exit(0)", "try:\n    f(1)\nexcept SystemExit:\n    raise"),
    "lateness that tests catch": (
        "import time\ndef f(x): time.sleep(99)", "try:\n    f(-1)\nexcept BaseException:\n    pass",
    ),
    "names that are not imported": ("def f(x: List[int]): return x", "assert f(1) == 1"),
    "an iterator without an end": (
        "import itertools\ndef f(x): return itertools.repeat(x)", "assert list(f(1)) == [1]",
    ),
    "an iterator of nothing without an end": (
        "import sys\nsys.modules['inside.telling'].CHUNK = 0\ndef f(x): return iter([])",
        "assert list(f(1)) == [1]",
    ),
    "a thing asked what it contains": (
        "class A:\n    def __contains__(s, x): return True\n    def __iter__(s): return iter([])\ndef f(x): return A()",
        "assert 5 in f(1)",
    ),
    "a thing that counts as near": (
        "class A:\n    def __sub__(s, o): return 0\n    __rsub__ = __sub__\n    def __abs__(s): return 0\n"
        "    def __float__(s): return 0.0\ndef f(x): return A()", "assert abs(f(1) - 5) < 1e-6",
    ),
    "a thing that counts as less": (
        "class A:\n    def __lt__(s, o): return True\n    __le__ = __gt__ = __ge__ = __lt__\ndef f(x): return A()",
        "assert f(1) < 5",
    ),
    "a record that is equal to all": (
        "from typing import NamedTuple\nclass A(NamedTuple):\n    x: int\n    def __eq__(s, o): return True\n"
        "def f(x): return A(1)", "assert f(1) == (2,)",
    ),
    "a fraction that is equal to all": (
        "from fractions import Fraction\nclass Fraction(Fraction):\n    def __eq__(s, o): return True\n"
        "Fraction.__module__ = 'fractions'\ndef f(x): return Fraction(1, 2)", "assert f(1) == 0.25",
    ),
    "a number that cannot be read": (
        "from decimal import Decimal\nclass Decimal(Decimal):\n    def __str__(s): return '1e' + '9' * 50\n"
        "Decimal.__module__ = 'decimal'\ndef f(x): return Decimal(1)", "assert f(1) == 2",
    ),
}  # fmt: skip


def test_no_sly_program_does(walls: Sandbox) -> None:
    found = graded(walls, *SLY.values(), seconds=2.0)
    assert [each for each in zip(SLY, found, strict=True) if each[1].outcome != Outcome.WRONG] == []


def test_an_empty_array_is_close_to_nothing(walls: Sandbox) -> None:
    """EvalPlus compares numbers so; numpy says that an empty array is close to any of them."""
    pytest.importorskip("numpy")
    tests = "import numpy as np\nassert np.allclose(f(1), 5.0, rtol=1e-07, atol=1e-6)"
    programs = ["def f(x): return []", "import numpy as np\ndef f(x): return np.array([])", "def f(x): return 5.0"]
    assert [v.outcome for v in graded(walls, *((p, tests) for p in programs))] == ["wrong", "wrong", "correct"]


def test_the_program_is_read_without_what_this_side_imports_from_the_future(walls: Sandbox) -> None:
    prompt = "from typing import List\ndef f(x: List[int]):\n    pass\n"
    program = "from __future__ import annotations\ndef f(x: List[Nothing]): return x"
    [verdict] = graded(walls, (program, "assert f(1) == 1"), prompt=prompt)
    assert verdict.outcome == Outcome.CORRECT, verdict


def test_honest_programs_are_honest() -> None:
    """They pass in plain Python: the table is no wish list."""
    for name, (program, tests) in HONEST.items():
        if name in NUMPY or "recursion" in name or "unittest" in name or "input" in name or "prints" in name:
            continue  # they change this process, or need what it may lack
        names: dict[str, object] = {"__name__": "candidate"}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if "dataclass" in name or "doctest" in name or "reconfigure" in name or "future" in name:
                continue
            exec(compile(f"{program}\n{tests}", name, "exec", dont_inherit=True), names)
