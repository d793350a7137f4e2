"""Real rows of GSM8K, HumanEval and CruxEval: what becomes of them can be graded."""

import subprocess
import sys
from pathlib import Path

import pytest

from relay.problems import Problem
from relay.sets import table
from relay.sets.hub import HubSet


def real(each: HubSet, shared: Path, name: str) -> list[Problem]:
    path = shared / "problems" / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    return [problem for _, problem in each.found(path).problems]


def program(problem: Problem, answer: str) -> str:
    """What a verifier runs: the answer and then the tests, or the function and then the question about it."""
    extra = problem.extra
    if problem.extra["form"] == "function":
        return f"{answer}\n{extra['tests']}"
    given, gives = (extra["input"], answer) if extra["form"] == "output" else (answer, extra["output"])
    return f"{extra['prompt']}\nassert f({given}) == ({gives})"


RUNS = """
import json, sys
outcomes = []
for text in json.load(sys.stdin):
    try:
        exec(compile(text, "answer", "exec"), {"__name__": "answer"})
        outcomes.append("right")
    except BaseException as error:
        outcomes.append(type(error).__name__)
print(json.dumps(outcomes))
"""


def outcomes(programs: list[str]) -> list[str]:
    import json

    given = json.dumps(programs)
    ran = subprocess.run([sys.executable, "-c", RUNS], input=given, capture_output=True, text=True, check=True)
    found: list[str] = json.loads(ran.stdout.splitlines()[-1])
    return found


def test_gsm8k_s_answers_are_numbers(shared: Path) -> None:
    problems = real(table.gsm8k, shared, "gsm8k-400.jsonl.gz")
    assert len({p.hash for p in problems}) == len({p.id for p in problems}) == 400
    assert all(p.answer.replace(",", "").lstrip("-").replace(".", "").isdigit() for p in problems)
    assert (problems[0].id, problems[0].answer, problems[0].kind) == ("gsm8k-0", "18", "math")


def test_humaneval_s_references_pass_their_tests_and_nothing_else_does(shared: Path) -> None:
    problems = real(table.humaneval, shared, "humaneval-100.jsonl.gz")
    assert [p.id for p in problems[:2]] == ["HumanEval/0", "HumanEval/1"]
    assert all(
        f"`{p.extra['entry_point']}`" in p.question and str(p.extra["prompt"]).strip() in p.question for p in problems
    )
    assert outcomes([program(p, p.answer) for p in problems]) == ["right"] * 100
    wrong = outcomes([program(p, f"def {p.extra['entry_point']}(*given): return 'no'") for p in problems])
    assert "right" not in wrong


@pytest.mark.parametrize("each", [table.cruxeval_output, table.cruxeval_input], ids=lambda each: each.name)
def test_cruxeval_s_references_hold_and_others_do_not(each: HubSet, shared: Path) -> None:
    problems = real(each, shared, "cruxeval-100.jsonl.gz")
    assert outcomes([program(p, p.answer) for p in problems]) == ["right"] * 100
    if each is table.cruxeval_output:
        assert "right" not in outcomes([program(p, "'no, not this'") for p in problems])
    asked = "output" if each is table.cruxeval_input else "input"
    assert all(str(p.extra[asked]) in p.question for p in problems)
    assert len({p.hash for p in problems}) == 100
