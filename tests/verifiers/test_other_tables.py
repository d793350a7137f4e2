"""The verifiers `choice`, `text` and `number` over their tables; and that all tables together are large enough."""

import asyncio

import pytest

from relay.problems import Problem
from relay.verifiers import Outcome, Question, Verdict, Verifier
from relay.verifiers.choice import ChoiceVerifier, options_of
from relay.verifiers.number import NumberVerifier
from relay.verifiers.text import TextVerifier
from tests.verifiers.table_others import CHOICE, EXACT, NUMBER, OPTIONS, RELATIVE, WORDS
from tests.verifiers.test_math_table import TABLE

PROBLEM = Problem("p", "Which?", "B", "choice", {"choices": OPTIONS})
TABLES: dict[str, tuple[Verifier, list[tuple[str, str, Outcome, str]]]] = {
    "choice": (ChoiceVerifier(), CHOICE),
    "text exact": (TextVerifier("exact"), EXACT),
    "text words": (TextVerifier("words"), WORDS),
    "number": (NumberVerifier(0.01), NUMBER),
    "number, relative": (NumberVerifier(0.01, relative=True), RELATIVE),
}
ROWS = [(name, *row) for name, (_, rows) in TABLES.items() for row in rows]


def verdict(verifier: Verifier, text: str, reference: str, finished: bool = True) -> Verdict:
    return asyncio.run(verifier.grade(Question(text, finished, reference, "choice", PROBLEM)))


@pytest.mark.parametrize(("name", "text", "reference", "outcome", "why"), ROWS, ids=[f"{r[0]}: {r[4]}" for r in ROWS])
def test_the_tables(name: str, text: str, reference: str, outcome: Outcome, why: str) -> None:
    found = verdict(TABLES[name][0], text, reference)
    assert found.outcome == outcome, (text, reference, why, found)
    assert found.why


def test_all_tables_hold_four_hundred_answers_and_half_are_near_misses() -> None:
    outcomes = [row[2] for row in TABLE] + [row[3] for row in ROWS]
    assert len(outcomes) >= 400
    assert sum(outcome != Outcome.CORRECT for outcome in outcomes) >= len(outcomes) / 2  # 676, and 346


@pytest.mark.parametrize("name", TABLES)
def test_an_unfinished_answer_is_wrong(name: str) -> None:
    found = verdict(TABLES[name][0], "B", "B", finished=False)
    assert (found.outcome, found.why, found.answer) == (Outcome.WRONG, "unfinished", "")


@pytest.mark.parametrize(
    "choices",
    [["24", "42"], {"A": "24", "B": "42"}, {"label": ["A", "B"], "text": ["24", "42"]}, '["24", "42"]'],
)
def test_options_are_read_from_a_problem_s_row_in_any_usual_shape(choices: object) -> None:
    problem = Problem("p", "Which?", "B", "choice", {"options": choices})
    assert options_of(Question("", True, "", "choice", problem)) == {"A": "24", "B": "42"}


@pytest.mark.parametrize("form", ["({}) {}", "{}) {}", "{}. {}", "**{}** {}", "{}: {}"])
def test_options_are_read_from_the_lines_of_a_question(form: str) -> None:
    lines = [form.format(letter, text) for letter, text in (("A", "24"), ("B", "42"))]
    problem = Problem("p", "\n".join(["Which?", *lines]), "B", "choice")
    assert options_of(Question("", True, "", "choice", problem)) == {"A": "24", "B": "42"}
    assert options_of(Question("", True, "", "choice", problem._replace(question="A. Einstein asks: B or C?"))) == {}


HOSTILE = [
    "(" * 50_000,
    "A" * 50_000,
    "A, " * 30_000,
    "(A) " * 30_000,
    "\\text{" * 9_000,
    "\ud800" * 9,
    "\x00B",
    "`" * 9_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("name", TABLES)
def test_no_text_takes_long_or_fails(name: str, text: str) -> None:
    for said in (text, rf"\boxed{{{text}}}", f"The answer is {text}"):
        found = verdict(TABLES[name][0], said, "7")
        assert found.seconds < 0.5
        found.answer.encode()
