"""Equations with one unknown: "Solve 3 * x + 7 = 28 for x." The difficulty is the number of steps, 1 to 3."""

from random import Random

from relay.families.tasks import HIGHEST, LEAST, MOST, Step, Task

ASKED = ("Solve {} for x.", "Find x in {}.", "What is x if {}?")


def equation(draw: Random, difficulty: int) -> Task:
    """An equation that takes so many steps."""
    while True:
        x = draw.randint(2, 30)
        text, steps = _nested(draw, x, difficulty)
        if all(0 <= step.left <= HIGHEST and 0 <= step.result <= HIGHEST for step in steps):
            question, goal = draw.choice(ASKED).format(text), f"x in {text}"
            return Task("equation", difficulty, text, question, goal, x, steps)


def _nested(draw: Random, x: int, depth: int) -> tuple[str, tuple[Step, ...]]:
    """x with so many operations around it, and the steps that take them off again, outermost first."""
    inside, value, adds = "x", x, False  # what stands there so far, what it is, whether it is a sum
    steps: list[Step] = []
    sign = draw.choice("+-*") if depth > 1 else draw.choice("+-+-*")
    for _ in range(depth):
        leaves = f"{inside} = {value}"
        if sign == "*":
            other = draw.randint(2, 9)
            inside = f"{other} * ({inside})" if adds else f"{other} * {inside}"
            steps.append(Step(value * other, "/", other, value, leaves))
            value *= other
        else:
            other = draw.randint(LEAST, MOST)
            inside = f"{inside} {sign} {other}"
            outer = value + other if sign == "+" else value - other
            steps.append(Step(outer, "-" if sign == "+" else "+", other, value, leaves))
            value = outer
        adds = sign != "*"
        sign = draw.choice("+-") if not adds else "*"  # products and sums take turns
    return f"{inside} = {value}", tuple(reversed(steps))
