"""What becomes of a row: the answer is found, options are shuffled, and what cannot be used is refused."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from relay.errors import UserError
from relay.problems import Problem
from relay.registry import PROBLEMS, load
from tests.sets.conftest import put, rows
from tests.sets.test_real_rows import outcomes, program


def problems(name: str, path: Path, given: list[dict[str, Any]], seed: int = 0) -> list[Problem]:
    put(path / "some.jsonl", given)
    return [problem for _, problem in load(PROBLEMS, name).found(path / "some.jsonl", seed=seed).problems]


def test_a_worked_solution_s_answer_is_what_follows_its_last_hashes(tmp_path: Path) -> None:
    given = [{"question": "?", "answer": "3 + 4 = <<3+4=7>>7\n#### 1,007"}, {"question": "!", "answer": "12"}]
    assert [p.answer for p in problems("gsm8k", tmp_path, given)] == ["1,007", "12"]


def test_several_answers_are_one_reference(tmp_path: Path) -> None:
    assert [p.answer for p in problems("olympiadbench", tmp_path, rows("olympiadbench", 2))] == [
        "$0$, $0$",
        "$1$, $-1$",
    ]


def test_columns_can_be_asked_for(tmp_path: Path) -> None:
    problem = problems("math500", tmp_path, rows("math500", 3))[2]
    assert (problem.id, problem.extra["level"], problem.extra["subject"]) == ("test/algebra/2.json", 3, "Algebra")


def test_options_are_shuffled_by_the_problem_and_the_seed_alone(tmp_path: Path) -> None:
    given = rows("gpqa-diamond", 200)
    first = problems("gpqa-diamond", tmp_path, given)
    assert (first[0].id, first[0].kind, first[0].extra["Subdomain"]) == ("rec0", "choice", "Genetics")
    for n, problem in enumerate(first):
        options = problem.extra["options"]
        assert isinstance(options, list)
        assert sorted(options) == sorted([f"it {n}", "a", "b", "c"])
        assert options["ABCD".index(problem.answer)] == f"it {n}"
        assert f"{problem.answer}) it {n}\n" in problem.question
    assert all(30 < count < 70 for count in Counter(p.answer for p in first).values())
    assert problems("gpqa-diamond", tmp_path, given[::-1])[::-1] == first
    assert problems("gpqa-diamond", tmp_path, given, seed=1) != first


@pytest.mark.parametrize("name", ["mbpp", "mbpp+", "humaneval", "humaneval+"])
def test_a_reference_passes_its_tests_and_another_program_does_not(name: str, tmp_path: Path) -> None:
    found = problems(name, tmp_path, rows(name, 5)[1:])
    assert outcomes([program(p, p.answer) for p in found]) == ["right"] * 4
    assert (
        outcomes([program(p, f"def {p.extra['entry_point']}(x): return -7") for p in found]) == ["AssertionError"] * 4
    )


def test_mbpp_shows_its_tests_and_names_its_function(tmp_path: Path) -> None:
    given = [
        {
            **rows("mbpp", 1)[0],
            "test_list": ["assert set(similar((3, 4), (5, 4))) == set((4,))", "assert similar(1, 2)"],
        }
    ]
    (problem,) = problems("mbpp", tmp_path, given)
    assert problem.extra["entry_point"] == "similar"
    assert all(test in problem.question for test in given[0]["test_list"])


def test_what_must_run_before_the_tests_runs_before_them(tmp_path: Path) -> None:
    (plus,) = problems("mbpp+", tmp_path, rows("mbpp+", 1))
    assert str(plus.extra["tests"]).startswith("import math\nfor x")
    (plain,) = problems("mbpp", tmp_path, [{**rows("mbpp", 1)[0], "test_setup_code": "root = 3"}])
    assert str(plain.extra["tests"]).startswith("root = 3\nassert g0")


BROKEN: dict[str, tuple[str, dict[str, Any], str]] = {
    "no answer": ("gsm8k", {"answer": None}, "'answer' is empty"),
    "an empty answer": ("gsm8k", {"answer": "  "}, "'answer' is empty"),
    "a solution without an answer": ("gsm8k", {"answer": "3 + 4\n#### "}, "'answer' holds no answer"),
    "no number": ("gsm8k", {"answer": float("nan")}, "'answer' is empty"),
    "no question": ("math500", {"problem": ""}, "'problem' is empty"),
    "an empty list": ("olympiadbench", {"answer": []}, "'answer' holds no answer"),
    "no tests": ("mbpp", {"test_list": []}, "'test_list' holds no test"),
    "tests that call nothing": ("mbpp", {"test_list": ["assert True"]}, "its tests call no function by its name"),
    "tests that are no Python": ("mbpp", {"test_list": ["assert ("]}, "its tests call no function by its name"),
    "no solution": ("humaneval", {"canonical_solution": ""}, "'canonical_solution' is empty"),
    "no output": ("cruxeval-output", {"output": ""}, "'output' is empty"),
    "two right options": ("gpqa", {"Incorrect Answer 2": "it 1 "}, "its right answer stands among the wrong ones too"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_row_without_a_usable_answer_is_refused_with_its_row(kind: str, tmp_path: Path) -> None:
    name, change, what = BROKEN[kind]
    given = rows(name, 3)
    given[1] |= change
    with pytest.raises(UserError) as told:
        problems(name, tmp_path, given)
    assert [str(m) for m in told.value.mistakes] == [
        f"{tmp_path}/some.jsonl row 2: {what} (mend the line, or leave it out)"
    ]
