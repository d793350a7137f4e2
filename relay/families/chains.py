"""Chains of additions and subtractions: "Compute 41 + 7 - 22 + 16." The difficulty is the number of operations."""

from random import Random

from relay.families.expressions import Expression, Operation, worked_out, written
from relay.families.tasks import HIGHEST, LEAST, Task, changed

ASKED = ("Compute {}.", "Find the value of {}.", "What is {}?")


def chain(draw: Random, difficulty: int) -> Task:
    """A chain of so many operations."""
    value = draw.randint(LEAST, HIGHEST)
    expression: Expression = value
    for _ in range(difficulty):
        sign, other = changed(draw, value)
        expression = Operation(expression, sign, other)
        value += other if sign == "+" else -other
    steps = tuple(step._replace(leaves="") for step in worked_out(expression))
    text = written(expression)
    question, goal = draw.choice(ASKED).format(text), f"the value of {text}"
    return Task("chain", difficulty, text, question, goal, value, steps)
