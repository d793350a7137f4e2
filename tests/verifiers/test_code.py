"""The verifier `code` on real problems: it says what plain Python says, and why."""

import asyncio
import gzip
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from relay.problems import Problem
from relay.sets import table
from relay.verifiers import Outcome, Question, Verdict
from relay.verifiers.code import CodeVerifier
from relay.verifiers.code import tests_of as given_with
from relay.verifiers.kinds import Code
from relay.verifiers.sandbox import NONE, Sandbox
from tests.verifiers.mutants import mutants

SECONDS = 4.0
Grade = Callable[..., list[Verdict]]


def rows(shared: Path, name: str) -> list[dict[str, Any]]:
    with gzip.open(shared / "problems" / name, "rt") as lines:
        return [json.loads(line) for line in lines]


def problems(shared: Path, each: Any, name: str) -> list[Problem]:
    return [each.shape(row, row["id"], 0) for row in rows(shared, name)]


def fenced(program: str) -> str:
    return f"Here it is.\n```python\n{program}\n```\nIt runs in linear time."


def asked(problem: Problem, text: str) -> Question:
    return Question(text, True, problem.answer, "code", problem)


def function(tests: str, prompt: str = "") -> Problem:
    extra = {"form": "function", "entry_point": "f", "tests": tests, "prompt": prompt}
    return Problem("p", "?", "", "code", extra)


@pytest.fixture
def grade(walls: Sandbox) -> Grade:
    return grading(walls)


def grading(walls: Sandbox, seconds: float = SECONDS) -> Grade:
    def graded(*questions: Question) -> list[Verdict]:
        async def work() -> list[Verdict]:
            verifier = CodeVerifier(walls, seconds=seconds)
            try:
                return list(await asyncio.gather(*map(verifier.grade, questions)))
            finally:
                await verifier.aclose()

        return asyncio.run(work())

    return graded


def plain(programs: Sequence[str]) -> list[bool]:
    """Whether plain Python runs each without an error, in time."""

    def runs(program: str) -> bool:
        try:
            subprocess.run(
                [sys.executable, "-I", "-S", "-c", program], check=True, capture_output=True, timeout=SECONDS, input=b""
            )
            return True
        except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
            return False

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(runs, programs))


def test_every_reference_of_humaneval_passes(shared: Path, grade: Grade) -> None:
    found = problems(shared, table.humaneval, "humaneval-100.jsonl.gz")
    verdicts = grade(*(asked(p, fenced(p.answer)) for p in found))
    assert len(verdicts) == 100
    assert [v for v in verdicts if v.outcome != Outcome.CORRECT] == []


def test_mutants_fail_where_they_fail_in_plain_python_and_no_verdict_differs(shared: Path, grade: Grade) -> None:
    draw, made = random.Random(6), list[tuple[Problem, str, str]]()
    for problem in problems(shared, table.humaneval, "humaneval-100.jsonl.gz"):
        there = list(mutants(problem.answer, str(problem.extra["entry_point"])))
        made += [(problem, *mutant) for mutant in draw.sample(there, min(len(there), 4))]
    alone = plain([f"{program}\n{problem.extra['tests']}" for problem, _, program in made])
    verdicts = grade(*(asked(problem, fenced(program)) for problem, _, program in made))
    assert alone.count(False) >= 300
    differ = [
        (what, ok, verdict)
        for (_, what, _), ok, verdict in zip(made, alone, verdicts, strict=True)
        if verdict.outcome != (Outcome.CORRECT if ok else Outcome.WRONG)
    ]
    assert differ == []


@pytest.mark.parametrize("each", [table.cruxeval_output, table.cruxeval_input], ids=["output", "input"])
def test_every_prediction_of_cruxeval_is_right_and_others_are_not(shared: Path, each: Any, grade: Grade) -> None:
    found = problems(shared, each, "cruxeval-100.jsonl.gz")
    right = [asked(p, f"It gives that.\n\nThe answer is `{p.answer}`.") for p in found]
    others = [asked(p, f"`{q.answer}`") for p, q in zip(found, (*found[1:], found[0]), strict=True)]
    verdicts = grade(*right, *others)
    assert [v for v in verdicts[:100] if v.outcome != Outcome.CORRECT] == []
    agree = plain(
        [
            f"{p.extra['prompt']}\nassert "
            + (f"({p.extra['output']}) == ({q.answer})" if each.shape.form == "output"
               else f"f({q.answer}) == ({p.extra['output']})")
            for p, q in zip(found, (*found[1:], found[0]), strict=True)
        ]
    )  # fmt: skip
    assert [v.outcome == Outcome.CORRECT for v in verdicts[100:]] == agree
    assert agree.count(False) > 80


CRUX = "def f(a, b=1):\n    return [a] * b"


def predicting(form: str) -> Problem:
    extra = {"form": form, "entry_point": "f", "prompt": CRUX, "input": "2, 3", "output": "[2, 2, 2]"}
    return Problem("c", "?", "", "code", extra)


@pytest.mark.parametrize(
    ("form", "text", "outcome"),
    [
        ("output", "[2, 2, 2]", "correct"),
        ("output", "The answer is [2, 2, 2].", "correct"),
        ("output", "[ANSWER]f(2, 3) == [2, 2, 2][/ANSWER]", "correct"),
        ("output", "```python\nassert f(2, 3) == [2, 2, 2]\n```", "correct"),
        ("output", "**Answer:** `[2, 2, 2]`", "correct"),
        ("output", "\\boxed{[2, 2, 2]}", "correct"),
        ("output", "`[2] * 3`", "correct"),  # an expression
        ("output", "`[2] + [2] + [2, 2]`", "wrong"),
        ("output", "(2, 2, 2)", "wrong"),
        ("output", "f(2, 3)", "wrong"),  # it may not ask the function
        ("output", "`__import__('os')._exit(0)`", "wrong"),
        ("output", "`__import__('numpy').array([2, 2, 2])`", "wrong"),
        ("output", "0x" + "f" * 5000, "wrong"),
        ("output", "-" * 50_000 + "1", "wrong"),
        ("input", "0x" + "f" * 5000, "wrong"),
        ("input", "2" + "+ 2" * 5000, "wrong"),
        ("output", "[2, 2", "wrong"),
        ("output", "I do not know", "wrong"),
        ("input", "2, 3", "correct"),
        ("input", "f(2, 3)", "correct"),
        ("input", "f(2, b=3)", "correct"),
        ("input", "a = 2, b = 3", "correct"),
        ("input", "[ANSWER]f(2, 3) == [2, 2, 2][/ANSWER]", "correct"),
        ("input", "```python\nf(1 + 1, 3)\n```", "correct"),
        ("input", "f(2, 2)", "wrong"),
        ("input", "2", "wrong"),
        ("input", "f(*[2, 3])", "wrong"),
        ("input", "lambda: 2, 3", "wrong"),
        ("input", "2, 1e999", "wrong"),
        ("input", "f(2, 3); import os", "wrong"),
    ],
)
def test_predictions_in_many_forms(form: str, text: str, outcome: str, grade: Grade) -> None:
    [verdict] = grade(asked(predicting(form), text))
    assert verdict.outcome == outcome, verdict


def test_an_argument_cannot_lie_about_the_function(grade: Grade) -> None:
    """Arguments that are no literals are evaluated in one process, the function runs in another."""
    lie = "__import__('builtins').__dict__.__setitem__('list', lambda *x: [2, 2, 2]) or 5, 3"
    [verdict] = grade(asked(predicting("input"), f"```python\n{lie}\n```"))
    assert (verdict.outcome, verdict.why) == (Outcome.WRONG, "gives [5, 5, 5], not [2, 2, 2]")


@pytest.mark.parametrize(
    ("program", "tests", "outcome", "why"),
    [
        ("def f(x): return x + 1", "assert f(1) == 2\nassert f(2) == 3", "correct", "passes its tests: 2 calls"),
        ("def f(x): return x", "assert f(0) == 0\nassert f(1) == 2", "wrong", "fails `assert f(1) == 2`; f(1) gave 1"),
        (
            "def f(x):\n    print('hm', x)\n    return x", "def check(g):\n    assert g(1) == 2, 'no'\ncheck(f)", "wrong",
            "AssertionError: no in `assert g(1) == 2, 'no'`; f(1) gave 1; it printed 'hm 1'",
        ),
        ("def f(x):\n    return 1 / x", "assert f(0) == 0", "wrong",
         "ZeroDivisionError: division by zero (line 2 of the program) in `assert f(0) == 0`; f(0)"),
        ("def g(x): return x", "assert f(0) == 0", "wrong", "no program that defines 'f' was found in the answer"),
        ("f = None\ndel f", "assert f(0) == 0", "wrong", "the program defines no 'f'"),
        ("import nothing_like_it\ndef f(x): return x", "assert f(0) == 0", "wrong",
         "ModuleNotFoundError: No module named 'nothing_like_it' (line 1 of the program)"),
        ("def f(x): return x", "x = 1", "undecided", "the tests never call it"),
        ("def f(x): return x", "assert f(0) ==", "undecided", None),
        ("def f(x): return 'a' * 10000", "assert f(1) == 'a'", "wrong", "fails `assert f(1) == 'a'`; f(1) gave <str of 10,000>"),
    ],
)  # fmt: skip
def test_a_verdict_says_which_test_failed_and_on_what(
    program: str, tests: str, outcome: str, why: str | None, grade: Grade
) -> None:
    [verdict] = grade(asked(function(tests), fenced(program)))
    assert verdict.outcome == outcome, verdict
    assert why is None or verdict.why == why


VALUES = [
    "None", "True", "-7", "10**40", "-(1 << 70)", "0.1", "float('inf')", "1e-320", "'ä\\n\\x00\\ud800'", "b'\\xff'",
    "bytearray(b'a')", "1 + 2j", "[]", "[1, [2, (3,)]]", "()", "{}", "{1: 'a', (2, 3): [None]}", "{1, 2}",
    "frozenset({1})", "range(3, 9, 2)", "[True, 1, 1.0]", "__import__('collections').deque([1, 2])",
    "__import__('collections').Counter('aab')", "__import__('collections').OrderedDict(a=1)",
]  # fmt: skip


def test_values_come_back_as_they_are(grade: Grade) -> None:
    """Every kind of data, and no other kind that is equal to it by chance: 1 is not True in its text."""
    tests = "for source, value in VALUES:\n    got = f(source)\n    assert got == value and repr(got) == repr(value), source"
    program = "import collections\ndef f(source): return eval(source)"
    plain_values = [v for v in VALUES if "collections" not in v]
    made = f"VALUES = [(v, eval(v)) for v in {plain_values!r}]\n{tests}"
    like = (
        "assert f(\"__import__('collections').Counter('aab')\") == {'a': 2, 'b': 1}\n"
        "assert list(f(\"__import__('collections').deque([1, 2])\")) == [1, 2]\n"
        "assert list(f('map(str, [1, 2])')) == ['1', '2'] and f('iter([1])') != [1]\n"
        "assert f('__import__(\"fractions\").Fraction(1, 2)') == 0.5"
    )
    found = grade(asked(function(made), fenced(program)), asked(function(like), fenced(program)))
    assert [v.outcome for v in found] == ["correct", "correct"], found


def test_numpy_s_values_come_back_where_numpy_is(grade: Grade) -> None:
    pytest.importorskip("numpy")
    tests = "import numpy as np\nassert np.allclose(f(3), [0, 1, 2]) and f(3).dtype == np.int64\nassert f(1)[0] == 0"
    [verdict] = grade(asked(function(tests), fenced("import numpy as np\ndef f(n): return np.arange(n)")))
    assert verdict.outcome == "correct", verdict


def test_tests_may_build_the_program_s_own_objects_and_change_them(grade: Grade) -> None:
    program = "class Node:\n    def __init__(self, v): self.v, self.left = v, None\ndef f(n):\n    return n.v + (f(n.left) if n.left else 0)"
    tests = "root = Node(1)\nroot.left = Node(2)\nassert f(root) == 3 and root.v == 1"
    [verdict] = grade(asked(function(tests), fenced(program)))
    assert verdict.outcome == "correct", verdict


def test_a_function_that_returns_nothing_may_change_its_arguments(grade: Grade) -> None:
    honest = "def f(x, y):\n    x.sort()\n    y['a'] = 1"
    tests = "a, b = [2, 1], {}\nf(a, b)\nassert a == [1, 2] and b == {'a': 1}"
    sly = "def f(x, y):\n    x[:] = []\n    return []"
    trap = "a = [2, 1]\nassert f(a, {}) == a"
    found = grade(asked(function(tests), fenced(honest)), asked(function(trap), fenced(sly)))
    assert [v.outcome for v in found] == ["correct", "wrong"]


def test_names_that_tests_take_for_granted_are_not_the_program_s(grade: Grade) -> None:
    """`math` in tests that do not import it is Python's own, whatever the program calls so."""
    lie = "class math:\n    isclose = staticmethod(lambda *a: True)\ndef f(x): return 0"
    honest = "import math\ndef f(x): return math.pi"
    tests = "assert math.isclose(f(1), 3.141592653589793)"
    found = grade(asked(function(tests), fenced(lie)), asked(function(tests), fenced(honest)))
    assert [v.outcome for v in found] == ["wrong", "correct"]


def test_helpers_of_the_prompt_are_there_for_program_and_tests(grade: Grade) -> None:
    prompt = 'from typing import List\n\ndef twice(x): return 2 * x\n\ndef f(xs: List[int]) -> int:\n    """Sum."""\n'
    tests = "assert f([twice(1)]) == 2"
    found = grade(
        asked(function(tests, prompt), fenced("def f(xs: List[int]) -> int:\n    return sum(xs)")),
        asked(function(tests, prompt), "    return twice(sum(xs)) // 2\n"),  # a body for the prompt's head
    )
    assert [v.outcome for v in found] == ["correct", "correct"], found


def test_an_unfinished_answer_is_wrong_and_a_problem_without_tests_undecided(grade: Grade) -> None:
    problem = function("assert f(1) == 1")
    unfinished = asked(problem, fenced("def f(x): return x"))._replace(finished=False)
    found = grade(unfinished, Question("x", True, "x", "code", Problem("p", "?", "x", "code")), asked(problem, ""))
    assert [(v.outcome, v.why) for v in found] == [
        ("wrong", "unfinished"),
        ("undecided", "the problem comes with no tests"),
        ("wrong", "no program that defines 'f' was found in the answer"),
    ]


def test_a_slow_program_is_late_and_the_others_are_not(walls: Sandbox) -> None:
    slow = asked(function("f(1)"), fenced("def f(x):\n    while True: pass"))
    hung = asked(function("while True: f(1)"), fenced("def f(x): return x"))
    quick = asked(function("assert f(1) == 1"), fenced("def f(x): return x"))
    found = grading(walls, 0.5)(slow, hung, *[quick] * 20)
    assert [v.outcome for v in found] == ["wrong", "wrong"] + ["correct"] * 20
    assert [v.why.startswith("took longer than 0.5 s; f(1)") for v in found[:2]] == [True, True]


def test_without_walls_it_says_the_same_of_honest_programs(shared: Path) -> None:
    """`--sandbox none`: the same two processes, with nothing around them."""
    found = problems(shared, table.humaneval, "humaneval-100.jsonl.gz")[:6]
    right = [asked(p, fenced(p.answer)) for p in found]
    wrong = [asked(p, fenced(f"def {p.extra['entry_point']}(*a): return None")) for p in found]
    assert [v.outcome for v in grading(NONE)(*right, *wrong)] == ["correct"] * 6 + ["wrong"] * 6


def test_without_walls_what_a_program_started_is_ended_with_it(tmp_path: Path) -> None:
    """Those that stay in its group: `--sandbox none` promises no more."""
    told = tmp_path / "child"
    program = (
        "import os, time\ndef f(x):\n    child = os.fork()\n    if child == 0:\n        time.sleep(1000)\n"
        f"    open({str(told)!r}, 'w').write(str(child))\n    "
    )
    ends = ["while True: pass", "os._exit(0)", "return 1"]
    for end in ends:
        [verdict] = grading(NONE, 1.0)(asked(function("assert f(1) == 2"), fenced(program + end)))
        assert verdict.outcome == "wrong"
        child, until = int(told.read_text()), time.monotonic() + 5
        while runs(child) and time.monotonic() < until:
            time.sleep(0.02)
        assert not runs(child)


def runs(pid: int) -> bool:
    """Whether this process is there, and no zombie that its new parent has yet to reap."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_killed_tester_is_replaced(walls: Sandbox) -> None:
    async def work() -> list[Verdict]:
        verifier = CodeVerifier(walls, workers=1)
        ask = asked(function("assert f(1) == 1"), fenced("def f(x): return x"))
        first = await verifier.grade(ask)
        for tester in verifier._trials._testers:
            tester.popen.kill()
            tester.popen.wait()
        second = await verifier.grade(ask)
        for candidate in verifier._trials._waiting:
            candidate.popen.kill()
            candidate.popen.wait()
        third = await verifier.grade(ask)
        await verifier.aclose()
        return [first, second, third]

    assert [v.outcome for v in asyncio.run(work())] == ["correct"] * 3


def test_a_cancelled_question_leaves_the_next_alone(walls: Sandbox) -> None:
    async def work() -> Verdict:
        verifier = CodeVerifier(walls, workers=1)
        slow = asked(function("f(1)"), fenced("def f(x):\n    while True: pass"))
        task = asyncio.create_task(verifier.grade(slow))
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        found = await verifier.grade(asked(function("assert f(1) == 1"), fenced("def f(x): return x")))
        await verifier.aclose()
        return found

    assert asyncio.run(work()).outcome == "correct"


def test_its_name_holds_what_can_change_a_verdict() -> None:
    assert Code().name == "code within 10 s"
    assert Code(seconds=3, memory=256).name == "code within 3 s and 256 MiB"
    assert Code().unfit(Problem("p", "?", "1")) == (
        "they come with no tests",
        "another verifier, or the columns for tests",
    )
    assert Code().unfit(function("f(1)")) is None


def test_every_code_set_comes_with_tests(shared: Path) -> None:
    for problem in islice(problems(shared, table.humaneval, "humaneval-100.jsonl.gz"), 5):
        assert given_with(problem) is not None
    task = {"task_id": 1, "text": "Double.", "code": "def g(x): return 2 * x", "test_list": ["assert g(2) == 4"],
            "test_setup_code": ""}  # fmt: skip
    found = given_with(table.mbpp.shape(task, "1", 0))
    assert found is not None
    assert found.entry == "g"
