"""What of a trajectory is an answer: only what follows the thinking."""

from typing import NamedTuple

from relay.node import Stage
from relay.trajectory import Trajectory


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


def thinks(trajectory: Trajectory, stage: Stage) -> bool:
    """Whether the model that wrote last thinks before it answers; before anybody wrote, whether any does."""
    for segment in trajectory.newest_first():
        if segment.model in stage.hands:
            return stage.hands[segment.model].head.thinking != "none"
    return any(hand.head.thinking != "none" for hand in stage.hands.values())
