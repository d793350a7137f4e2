"""Working an expression out in exact fractions, within bounds, and writing the result as people do."""

import math
import re
from collections.abc import Callable
from fractions import Fraction
from operator import neg

from relay.node.arithmetic import Found
from relay.node.expression import NoResultError, Op, Tree

BITS = 4096  # of a numerator or denominator on the way: nothing here takes longer than a millisecond
LONGEST = 60  # characters of a result


class NoFractionError(Exception):
    """The value is no fraction, as that of a square root of 2: it takes algebra."""


def value(tree: Tree) -> Fraction:
    """What this expression comes to. Raises NoResultError, and NoFractionError where it takes algebra."""
    if isinstance(tree, Fraction):
        return _bounded(tree)
    return _DOES[tree.sign](*map(value, tree.parts))


def _bounded(number: Fraction) -> Fraction:
    if _bits(number) > BITS:
        raise NoResultError("too large")
    return number


def _bits(number: Fraction) -> int:
    return max(number.numerator.bit_length(), number.denominator.bit_length())


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator > 1:
        return _power(_root(base, Fraction(exponent.denominator)), Fraction(exponent.numerator))
    if not base and exponent <= 0:
        raise NoResultError("division by zero" if exponent else "not defined")
    if abs(base) != 1 and base and abs(exponent) * (_bits(base) - 1) > BITS:
        raise NoResultError("too large")
    if abs(base) == 1 or not base:
        exponent = Fraction(exponent.numerator % 2 if base else 1)  # however large it is
    return Fraction(base**exponent.numerator)


def _root(below: Fraction, which: Fraction) -> Fraction:
    if which.denominator > 1 or not 2 <= which <= 99:
        raise NoResultError("not defined")
    if below < 0 and which % 2 == 0:
        raise NoResultError("not a real number")
    n = which.numerator
    above, under = _whole_root(abs(below.numerator), n), _whole_root(below.denominator, n)
    if above is None or under is None:
        raise NoFractionError
    return Fraction(above if below >= 0 else -above, under)


def _over(above: Fraction, under: Fraction) -> Fraction:
    if not under:
        raise NoResultError("division by zero")
    return _bounded(above / under)


_DOES: dict[str, Callable[..., Fraction]] = {
    "neg": neg,
    "+": lambda a, b: _bounded(a + b),
    "-": lambda a, b: _bounded(a - b),
    "*": lambda a, b: _bounded(a * b),
    "/": _over,
    "^": _power,
    "root": _root,
}


def _whole_root(number: int, n: int) -> int | None:
    """The whole number whose n-th power this is, if there is one."""
    if n == 2:
        root = math.isqrt(number)
        return root if root * root == number else None
    low, high = 0, 1 << (number.bit_length() // n + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**n <= number else (low, middle - 1)
    return low if low**n == number else None


_DECIMAL = re.compile(r"\d?\.\d")
_COMMAS = re.compile(r"\d(?:,|\{,\})\d{3}")


def is_latex(found: Found) -> bool:
    """Whether an expression is written in LaTeX."""
    return "\\" in found.text or "{" in found.text


def written(number: Fraction, found: Found) -> str:
    """A number as the expression writes its own: in decimals or fractions, with commas or without, plain or LaTeX."""
    above, under = abs(number.numerator), number.denominator
    if number.denominator > 1 and _DECIMAL.search(found.text) and (places := _places(under)) is not None:
        whole, rest = divmod(above * 10**places // under, 10**places)
        text = f"{_whole(whole, found)}.{rest:0{places}}"
    elif under == 1:
        text = _whole(above, found)
    elif is_latex(found):
        text = f"\\frac{{{above}}}{{{under}}}"
    else:
        text = f"{above}/{under}"
    return fitting(f"-{text}" if number < 0 else text, found)


def fitting(text: str, found: Found) -> str:
    """The result, unless it is too long to be read or no more than the expression itself."""
    if len(text) > LONGEST:
        raise NoResultError("too large")
    if re.sub(r"[\s$]", "", text) == re.sub(r"[\s$]|(?<=\\)[dt](?=frac)", "", found.text):
        raise NoResultError("nothing to compute")
    return text


def _whole(number: int, found: Found) -> str:
    if _COMMAS.search(found.text):
        return f"{number:,}".replace(",", "{,}" if "{,}" in found.text else ",")
    return str(number)


def _places(under: int) -> int | None:
    """How many decimals a fraction over this number has; None when they never end."""
    twos = fives = 0
    while under % 2 == 0:
        under, twos = under // 2, twos + 1
    while under % 5 == 0:
        under, fives = under // 5, fives + 1
    return max(twos, fives) if under == 1 else None


def plain(tree: Tree) -> object:
    """The tree as lists and texts, for another process."""
    return [tree.sign, *map(plain, tree.parts)] if isinstance(tree, Op) else str(tree)
