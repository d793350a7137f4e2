"""What of a trajectory is an answer: only what follows the thinking."""

from typing import NamedTuple

from relay.node import WRONG, Stage
from relay.trajectory import Trajectory, put_in


class Answer(NamedTuple):
    """The text to grade, and whether the thinking before it was finished."""

    text: str
    finished: bool


def answer_of(trajectory: Trajectory, *, thinks: bool, unfinished: str = WRONG) -> Answer:
    """What follows the closing of the thinking or, for models without thinking, what follows the last text put in.

    A thinking that was never closed leaves nothing to grade: unfinished. Where it is to be graded all the same, by
    `unfinished: graded`, what follows the last text put in is.
    """
    after, since = "", None
    for segment in trajectory.newest_first():
        if segment.closed >= 0:
            return Answer(segment.text[segment.closed :] + after, True)
        if put_in(segment):
            since = after if since is None else since
            if not thinks:
                return Answer(since, True)
        after = segment.text + after
    return Answer("", False) if thinks and unfinished == WRONG else Answer(after if since is None else since, True)


def answer_in(trajectory: Trajectory, stage: Stage) -> Answer:
    """What of a rollout's trajectory is its answer, as its scenario has it."""
    return answer_of(trajectory, thinks=thinks(trajectory, stage), unfinished=stage.unfinished)


def thinks(trajectory: Trajectory, stage: Stage) -> bool:
    """Whether the model that wrote last thinks before it answers; before anybody wrote, whether any does."""
    for segment in trajectory.newest_first():
        if segment.model in stage.hands:
            return stage.hands[segment.model].head.thinking != "none"
    return any(hand.head.thinking != "none" for hand in stage.hands.values())
