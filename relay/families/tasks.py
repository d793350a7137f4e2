"""A task: a question of a family with its answer and the steps that lead there."""

import hashlib
from random import Random
from typing import NamedTuple

HIGHEST = 99  # no result is higher, and none is below 0


LEAST, MOST = 2, 19  # that is added or taken away


class Step(NamedTuple):
    """One step of the reasoning: an operation on two numbers, and what is left to do after it."""

    left: int
    sign: str  # + - * /
    right: int
    result: int
    leaves: str = ""  # what is to be worked out now, "48 * 2 - 15" or "3 * x = 21"; empty: the result says it all

    @property
    def claim(self) -> str:
        """ "41 + 7 = 48"."""
        return f"{self.left} {self.sign} {self.right} = {self.result}"

    @property
    def proof(self) -> str:
        """The operation that undoes it, "48 - 7 = 41"; for a product with nothing the claim itself."""
        if self.sign == "*" and not self.right:
            return self.claim
        undo = {"+": "-", "-": "+", "*": "/", "/": "*"}[self.sign]
        return f"{self.result} {undo} {self.right} = {self.left}"


class Task(NamedTuple):
    """A question with its answer and the steps to it."""

    family: str
    difficulty: int
    content: str  # what is asked, whatever the words around it: "41 + 7 - 22"
    question: str
    goal: str  # what a thought calls the thing to find: "the value of 41 + 7 - 22"
    answer: int
    steps: tuple[Step, ...]


def held_out(content: str) -> bool:
    """Whether this is kept for tests: a tenth of all that can be asked, by its hash; no model trains on it."""
    return hashlib.blake2b(content.encode(), digest_size=8).digest()[0] < 26


def changed(draw: Random, number: int) -> tuple[str, int]:
    """A sign, + or -, and what to add or take away so that the result fits."""
    signs = ("+",) * (number + LEAST <= HIGHEST) + ("-",) * (number >= LEAST)
    sign = draw.choice(signs)
    return sign, draw.randint(LEAST, min(MOST, HIGHEST - number if sign == "+" else number))
