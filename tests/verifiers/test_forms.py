"""Answers in many written forms: the verdict is that of a careful reader."""

import asyncio

import pytest

from relay.problems import Problem
from relay.verifiers import Outcome, Question, Verdict
from relay.verifiers.code import CodeVerifier
from relay.verifiers.sandbox import Sandbox
from tests.verifiers.forms import FORMS


def function(tests: str, prompt: str = "") -> Problem:
    extra = {"form": "function", "entry_point": "f", "tests": tests, "prompt": prompt}
    return Problem("p", "?", "", "code", extra)


def predicted(form: str, code: str, output: str) -> Problem:
    return Problem("p", "?", "", "code", {"form": form, "entry_point": "f", "prompt": code, "output": output})


REPEATS, ITSELF = "def f(a, b=1):\n    return [a] * b", "def f(a):\n    return a"
PROBLEMS = {
    "T": function("assert f(1) == 2\nassert f(5) == 6"),
    "ROOT": function("assert f(4) == 2"),
    "HP": function("assert f(4) == 2.0", 'import math\n\n\ndef f(x):\n    """Root."""\n'),
    "O": predicted("output", REPEATS, "[2, 2, 2]"),
    "I": predicted("input", REPEATS, "[2, 2, 2]"),
    "S": predicted("output", ITSELF, "'ab c'"),
    "IS": predicted("input", ITSELF, "'ab c'"),
    "N": predicted("output", ITSELF, "{'a': 1}"),
}


@pytest.fixture(scope="module")
def verdicts(walls: Sandbox) -> dict[str, Verdict]:
    async def work() -> list[Verdict]:
        verifier = CodeVerifier(walls, seconds=5)
        asked = [Question(text, True, "", "code", PROBLEMS[problem]) for _, problem, text, _ in FORMS]
        try:
            return list(await asyncio.gather(*map(verifier.grade, asked)))
        finally:
            await verifier.aclose()

    return dict(zip((name for name, *_ in FORMS), asyncio.run(work()), strict=True))


@pytest.mark.parametrize(("name", "problem", "text", "right"), FORMS, ids=[name for name, *_ in FORMS])
def test_the_verdict_is_a_careful_reader_s(
    name: str, problem: str, text: str, right: bool, verdicts: dict[str, Verdict]
) -> None:
    assert verdicts[name].outcome == (Outcome.CORRECT if right else Outcome.WRONG), verdicts[name]
