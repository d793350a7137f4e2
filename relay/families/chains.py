"""Chains of additions and subtractions: "Compute 41 + 7 - 22 + 16." The difficulty is the number of operations."""

from random import Random

from relay.families.expressions import Expression, Operation, fits, worked_out, written
from relay.families.tasks import Task

ASKED = ("Compute {}.", "Find the value of {}.", "What is {}?")


def chain(draw: Random, difficulty: int) -> Task:
    """A chain of so many operations."""
    while True:
        expression: Expression = draw.randint(2, 99)
        for _ in range(difficulty):
            expression = Operation(expression, draw.choice("+-"), draw.randint(2, 99))
        steps = tuple(step._replace(leaves="") for step in worked_out(expression))
        if fits(steps):
            text = written(expression)
            question, goal = draw.choice(ASKED).format(text), f"the value of {text}"
            return Task("chain", difficulty, text, question, goal, steps[-1].result, steps)
