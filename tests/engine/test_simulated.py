"""The engine that is known: what it says, and what it finds in a prompt."""

from contextlib import aclosing
from typing import Any

import pytest

from relay.engine import Purpose, Request, Sampling
from relay.engine.simulated import SimulatedModel, stated
from relay.errors import EngineError
from relay.problems import Problem
from relay.seam.cuts import Cut
from relay.simulate.steps import Situation, Step, read, spelled, tag
from relay.verifiers import Question
from relay.verifiers.choice import ChoiceVerifier
from relay.verifiers.math import MathVerifier
from relay.verifiers.number import NumberVerifier
from relay.verifiers.text import TextVerifier


async def test_words_come_to_the_length_that_was_drawn() -> None:
    engine = await SimulatedModel.model_validate({"tokens": {"mean": 700, "sd": 0, "problem_sd": 0}}).open()
    problem = Problem("p", "What is 1 + 1?", "2")
    head = engine.template.render(problem.question)
    cut = Cut(engine.tokenizer, tokens=5000)
    request = Request(list(head.ids), cut, Sampling(), 3, frozenset(), Purpose(problem, 0, "main", 1, "0"))
    [delta] = [d async for d in engine.extend(request)]
    settled = cut.settle()
    assert settled.turn_ended
    assert settled.text[settled.closed :].startswith("\n\nThe answer is \\boxed{")
    thought = engine.tokenizer.encode(settled.text[: settled.closed - len("</think>")])
    assert len(thought) == pytest.approx(700, abs=10)
    assert delta.usage is not None


def test_a_reader_finds_whose_thought_it_is_in() -> None:
    me, other, here, there = tag("me"), tag("other"), tag("here"), tag("there")

    def said(problem: str, author: str, *numbers: int, right: bool = True) -> str:
        return "".join("".join(spelled(Step(problem, author, n, 10, right))) + " hm." for n in numbers)

    assert read("What?", here, me) == Situation()
    assert read(said(here, me, 1, 2, 3), here, me) == Situation(0.3, Step(here, me, 3, 10, True), True)
    strayed = said(here, me, 1, 2) + "\nWait." + said(there, me, 1, 2, 3, 4, right=False)
    assert read(strayed, here, me) == Situation(0.2, Step(there, me, 4, 10, False), False)
    guided = said(here, other, 1, 2, 3, 4, 5)
    assert read(guided, here, me) == Situation(0.0, Step(here, other, 5, 10, True), False)


@pytest.mark.parametrize(
    ("kind", "answer", "verifier"),
    [
        ("math", "42", MathVerifier()), ("math", "-7", MathVerifier()), ("math", "\\frac{1}{2}", MathVerifier()),
        ("math", "x^2+1", MathVerifier()), ("choice", "A", ChoiceVerifier()), ("choice", "C", ChoiceVerifier()),
        ("text", "Paris", TextVerifier()), ("text", "level", TextVerifier()), ("number", "12.5", NumberVerifier()),
    ],
)  # fmt: skip
async def test_verifiers_grade_what_it_states_as_it_was_meant(kind: str, answer: str, verifier: Any) -> None:
    problem = Problem("p", "?\nA) a\nB) b\nC) c", answer, kind)
    async with aclosing(verifier) as opened:
        for right in (True, False):
            text = f"\n\nThe answer is {stated(problem, right=right)}."
            verdict = await opened.grade(Question(text, True, answer, kind, problem, 0))
            assert str(verdict.outcome) == ("correct" if right else "wrong"), text


def test_it_writes_no_programs() -> None:
    with pytest.raises(EngineError, match="writes no programs"):
        stated(Problem("p", "?", "", "code"), right=True)
