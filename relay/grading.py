"""What of a trajectory is graded, only what follows the thinking, and the verifier that grades it."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from relay.registry import VERIFIERS, load
from relay.store.writer import Graded
from relay.trajectory import Trajectory
from relay.verifiers import Question, Verifier

if TYPE_CHECKING:
    from relay.batch import Grade, Job


class Answer(NamedTuple):
    """The text to grade, and whether the thinking before it was finished."""

    text: str
    finished: bool


def answer_of(trajectory: Trajectory, *, thinks: bool) -> Answer:
    """What follows the closing of the thinking or, for models without thinking, what follows the last steer.

    A thinking that was never closed leaves nothing to grade: unfinished.
    """
    after = ""
    for segment in trajectory.newest_first():
        if segment.closed >= 0:
            return Answer(segment.text[segment.closed :] + after, True)
        if not thinks and segment.stop == "steer":
            return Answer(after, True)
        after = segment.text + after
    return Answer("", False) if thinks else Answer(after, True)


@asynccontextmanager
async def grader(name: str) -> AsyncIterator["Grade | None"]:
    """The scenario's verifier, ready to grade; None for `verify: none`."""
    if name == "none":
        yield None
        return
    verifier: Verifier = load(VERIFIERS, name)()

    async def grade(job: "Job", answer: Answer) -> Graded:
        problem = job.stage.problem
        try:
            verdict = await verifier.grade(Question(answer.text, answer.finished, problem.answer, problem.kind))
        except Exception as error:  # a third party's verifier may raise anything; its fault is a verdict too
            return Graded(name, "undecided", "", f"the verifier failed: {type(error).__name__}: {error}", 0.0)
        return Graded(name, str(verdict.outcome), verdict.answer, verdict.why, verdict.seconds)

    async with aclosing(verifier):
        yield grade
