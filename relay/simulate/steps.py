"""The text of a simulated thought: sentences that each say about which problem, by whom, how far, and right or wrong.

A reader finds in them what a real model would understand: whose thought it is in, and how much of it there is.
"""

import re
from hashlib import blake2b
from typing import NamedTuple

STEP = re.compile(r"\[([0-9a-f]{6}) ([0-9a-f]{6}) (\d+)/(\d+) ([+-])\]")
FILLER = " hm"


class Step(NamedTuple):
    """One sentence, as it is read."""

    problem: str
    author: str
    number: int
    of: int
    right: bool  # whether its author is on the way to the right answer


class Situation(NamedTuple):
    """What a writer finds in the thought so far."""

    own: float = 0.0  # the share of its own thought on this problem that stands there
    last: Step | None = None  # the last sentence
    mine: bool = False  # the last sentence is the writer's own, on this problem


def tag(name: str) -> str:
    """Six hex digits that stand for a problem or an author."""
    return blake2b(name.encode(), digest_size=3).hexdigest()


def spelled(step: Step) -> tuple[str, str]:
    """A sentence without its filler and its full stop, in two pieces: the first is the same in a whole thought."""
    return f" [{step.problem} {step.author}", f" {step.number}/{step.of} {'+' if step.right else '-'}]"


def read(text: str, problem: str, author: str) -> Situation:
    """What this author finds in a thought on this problem."""
    own, last, mine = 0.0, None, False
    for found in STEP.finditer(text):
        step = Step(found[1], found[2], int(found[3]), int(found[4]), found[5] == "+")
        last, mine = step, (step.problem, step.author) == (problem, author)
        if mine:
            own = step.number / step.of
    return Situation(own, last, mine)
