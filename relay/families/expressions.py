"""Expressions of whole numbers: how they are written, and how they are worked out step by step."""

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from relay.families.tasks import HIGHEST, Step

Expression: TypeAlias = "int | Operation"


class Operation(NamedTuple):
    """Two expressions and the sign between them."""

    left: Expression
    sign: str  # + - *
    right: Expression


def written(expression: Expression) -> str:
    """With brackets wherever it is not worked out from left to right, products first."""
    if isinstance(expression, int):
        return str(expression)
    left, sign, right = expression
    first, second = written(left), written(right)
    if sign == "*" and _adds(left):
        first = f"({first})"
    if _adds(right) or (sign == "*" and isinstance(right, Operation)):
        second = f"({second})"
    return f"{first} {sign} {second}"


def worked_out(expression: Expression) -> Iterator[Step]:
    """The steps to its value, each on the leftmost operation whose two sides are numbers."""
    while isinstance(expression, Operation):
        step, expression = _reduced(expression)
        yield step._replace(leaves=written(expression) if isinstance(expression, Operation) else "")


def fits(steps: tuple[Step, ...]) -> bool:
    """Whether no number is too high or too low."""
    return all(0 <= step.result <= HIGHEST for step in steps)


def _adds(expression: Expression) -> bool:
    return isinstance(expression, Operation) and expression.sign in "+-"


def _reduced(expression: Operation) -> tuple[Step, Expression]:
    left, sign, right = expression
    if isinstance(left, Operation):
        step, rest = _reduced(left)
        return step, Operation(rest, sign, right)
    if isinstance(right, Operation):
        step, rest = _reduced(right)
        return step, Operation(left, sign, rest)
    result = {"+": left + right, "-": left - right, "*": left * right}[sign]
    return Step(left, sign, right, result), result
