"""What a worker process runs for `compute` where fractions do not suffice: roots, by sympy. A hanging one is killed."""

from collections.abc import Callable
from operator import add, mul, neg, sub, truediv
from typing import Any

WORK = "relay.node.algebra:calculator"


def calculator() -> Callable[[Any, bool], tuple[str, str]]:
    """What works an expression out: ("result", its text) or ("none", why); sympy is imported here and nowhere else."""
    import sympy  # type: ignore[import-untyped]  # it ships no types

    does = {"neg": neg, "+": add, "-": sub, "*": mul, "/": truediv, "^": pow, "root": sympy.real_root}

    def read(tree: Any) -> Any:
        if isinstance(tree, str):
            return sympy.Rational(tree)
        sign, *parts = tree
        return does[sign](*map(read, parts))

    def calculate(tree: Any, latex: bool) -> tuple[str, str]:
        found = sympy.radsimp(sympy.sqrtdenest(sympy.expand(read(tree))))
        if found.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
            return "none", "division by zero"
        if found.is_real is not True:
            return "none", "not a real number"
        return "result", sympy.latex(found) if latex else str(found).replace("**", "^")

    calculate(["+", ["root", "2", "2"], "1"], True)  # the first time is the slow one
    return calculate
