"""Grading: what the scenario's verifier says of an answer, as the run file keeps it."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

from relay.language.verifying import NONE, Given, Verify
from relay.node.answered import Answer
from relay.problems import Problem
from relay.store.gathered import Graded
from relay.verifiers import Question, Verdict, Verifier

if TYPE_CHECKING:
    from relay.batch import Job


def graded(name: str, verdict: Verdict) -> Graded:
    """A verdict as the run file keeps it, with those that led to it."""
    parts = tuple(graded(*part) for part in verdict.parts)
    return Graded(name, str(verdict.outcome), verdict.answer, verdict.why, verdict.seconds, verdict.reply, parts)


async def judged(name: str, verifier: Verifier, question: Question) -> Graded:
    """The verdict on this answer. A third party's verifier may raise anything; its fault is a verdict too."""
    try:
        return graded(name, await verifier.grade(question))
    except Exception as error:
        return Graded(name, "undecided", "", f"the verifier failed: {type(error).__name__}: {error}", 0.0)


def question_of(problem: Problem, sample: int, answer: Answer) -> Question:
    """What a verifier is asked about this answer to this problem."""
    return Question(answer.text, answer.finished, problem.answer, problem.kind, problem, sample)


class Grader:
    """The scenario's verifier, bound to its name."""

    def __init__(self, name: str, verifier: Verifier) -> None:
        self.verifier = verifier
        self._name = name

    async def __call__(self, job: "Job", answer: Answer) -> Graded:
        """The verdict on this answer."""
        question = question_of(job.stage.problem, job.stage.sample, answer)
        return await judged(self._name, self.verifier, question._replace(cell=job.stage.cell))


@asynccontextmanager
async def grader(verify: Verify, given: Given) -> AsyncIterator[Grader | None]:
    """The scenario's verifier, ready to grade; None for `verify: none`."""
    if verify.name == NONE:
        yield None
        return
    async with aclosing(verify.open(given)) as verifier:
        yield Grader(verify.name, verifier)
