"""Real GSM8K answers in twelve written forms: all are accepted, and no near miss in any of them is."""

import asyncio
import gzip
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from relay.verifiers import Outcome, Question
from relay.verifiers.math import MathVerifier

PROBLEMS = Path(__file__).parents[2].parent / "shared" / "problems" / "gsm8k-400.jsonl.gz"

pytestmark = pytest.mark.skipif(not PROBLEMS.is_file(), reason=f"the problems are not there: {PROBLEMS}")

FORMS: dict[str, Callable[[str], str]] = {
    "bare": lambda n: n,
    "thousands": lambda n: grouped(n),  # noqa: PLW0108  it is defined below
    "cents": lambda n: f"{grouped(n)}.00" if "." not in n else f"{n}00",
    "a box": lambda n: rf"So it is \boxed{{{n}}}.",
    "a formula": lambda n: f"${n}$",
    "a unit": lambda n: f"{n} dollars",
    "a sentence": lambda n: f"The answer is {n}, because that is what is left.",
    "bold": lambda n: f"**Answer:** {n}",
    "GSM8K's own": lambda n: f"2 + 2 = 4, and so on.\n#### {n}",
    "a box with thousands and text": lambda n: rf"\[\boxed{{{grouped(n).replace(',', '{,}')} \text{{ apples}}}}\]",
    "the end of a sum": lambda n: f"We had 3 boxes, and so the total is 3 + x = {n}.",
    "words around it": lambda n: f"After all 7 steps she has {n} left over.",
}


def grouped(number: str) -> str:
    whole, point, rest = number.partition(".")
    return f"{int(whole):,}{point}{rest}"


def written(value: Fraction) -> str:
    return str(int(value)) if value.denominator == 1 else f"{float(value):.4f}".rstrip("0")


def near_misses(answer: str) -> dict[str, str]:
    value = Fraction(answer)
    wrong = {"one more": value + 1, "one less": value - 1, "the other sign": -value, "ten times": 10 * value}
    return {name: written(other) for name, other in wrong.items() if other != value}


@pytest.fixture(scope="module")
def references() -> list[str]:
    with gzip.open(PROBLEMS, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["answer"].replace(",", "") for line in lines]


def graded(questions: list[tuple[str, str]]) -> list[Outcome]:
    async def grade() -> list[Outcome]:
        verifier = MathVerifier()
        try:
            verdicts = await asyncio.gather(*(verifier.grade(Question(t, True, r)) for t, r in questions))
            assert not verifier._quick._alive, "plain numbers need no worker"
            return [v.outcome for v in verdicts]
        finally:
            await verifier.aclose()

    return asyncio.run(grade())


@pytest.mark.parametrize("form", FORMS)
def test_every_answer_is_accepted_in_this_form(form: str, references: list[str]) -> None:
    asked = [(FORMS[form](answer), answer) for answer in references]
    assert len(asked) == 400
    refused = [pair for pair, outcome in zip(asked, graded(asked), strict=True) if outcome != Outcome.CORRECT]
    assert refused == []


@pytest.mark.parametrize("form", FORMS)
def test_every_near_miss_is_refused_in_this_form(form: str, references: list[str]) -> None:
    asked = [(FORMS[form](miss), answer) for answer in references for miss in near_misses(answer).values()]
    assert len(asked) > 1590
    accepted = [pair for pair, outcome in zip(asked, graded(asked), strict=True) if outcome != Outcome.WRONG]
    assert accepted == []
