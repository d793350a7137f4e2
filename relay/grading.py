"""What of a trajectory is graded, only what follows the thinking, and the verifier that grades it."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from relay.language.verifying import NONE, Given, Verify
from relay.problems import Problem
from relay.store.writer import Graded
from relay.trajectory import Trajectory
from relay.verifiers import Question, Verdict, Verifier

if TYPE_CHECKING:
    from relay.batch import Grade, Job


WRONG = "wrong"  # of `unfinished:`


class Answer(NamedTuple):
    """The text to grade, and whether the thinking before it was finished."""

    text: str
    finished: bool


def answer_of(trajectory: Trajectory, *, thinks: bool, unfinished: str = WRONG) -> Answer:
    """What follows the closing of the thinking or, for models without thinking, what follows the last steer.

    A thinking that was never closed leaves nothing to grade: unfinished. Where it is to be graded all the same, by
    `unfinished: graded`, what follows the last steer is.
    """
    after, since = "", None
    for segment in trajectory.newest_first():
        if segment.closed >= 0:
            return Answer(segment.text[segment.closed :] + after, True)
        if segment.stop == "steer":
            since = after if since is None else since
            if not thinks:
                return Answer(since, True)
        after = segment.text + after
    return Answer("", False) if thinks and unfinished == WRONG else Answer(after if since is None else since, True)


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


@asynccontextmanager
async def grader(verify: Verify, given: Given) -> AsyncIterator["Grade | None"]:
    """The scenario's verifier, ready to grade; None for `verify: none`."""
    if verify.name == NONE:
        yield None
        return

    async def grade(job: "Job", answer: Answer) -> Graded:
        question = question_of(job.stage.problem, job.stage.sample, answer)
        return await judged(verify.name, verifier, question._replace(cell=job.stage.cell))

    async with aclosing(verify.open(given)) as verifier:
        yield grade
