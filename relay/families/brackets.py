"""Expressions with brackets or products: "Compute (41 + 7) * 2 - 15." The difficulty is the number of operations."""

from random import Random

from relay.families.chains import ASKED
from relay.families.expressions import Expression, Operation, fits, worked_out, written
from relay.families.tasks import MOST, Task


def bracket(draw: Random, difficulty: int) -> Task:
    """An expression of so many operations, at least one of them a product or in brackets."""
    while True:
        expression = _grown(draw, difficulty, MOST)
        steps = tuple(worked_out(expression))
        text = written(expression)
        if fits(steps) and ("*" in text or "(" in text):
            question, goal = draw.choice(ASKED).format(text), f"the value of {text}"
            return Task("bracket", difficulty, text, question, goal, steps[-1].result, steps)


def _grown(draw: Random, operations: int, highest: int) -> Expression:
    """A random tree; the factors of a product are small."""
    if not operations:
        return draw.randint(2, highest)
    before = draw.randrange(operations)
    sign = draw.choice("+-*")
    most = 9 if sign == "*" else highest
    return Operation(_grown(draw, before, most), sign, _grown(draw, operations - 1 - before, most))
