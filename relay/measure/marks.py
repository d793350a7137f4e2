"""What a sentence is about, as far as its words and numbers tell: marks, computations, and whose they are."""

import re
from collections import Counter
from collections.abc import Iterable
from math import log
from typing import NamedTuple

NUMBER = r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?"
_MARK = re.compile(rf"(?P<number>{NUMBER})|(?P<word>[a-z]+)", re.IGNORECASE)
_SIGN = r"\+|-|−|–|\*|×|·|/|÷|\\times|\\cdot|\\div|x|times|plus|minus"
_COMPUTATION = re.compile(rf"({NUMBER})\s*({_SIGN})\s*\$?({NUMBER})\s*(?:=|is|equals)\s*\$?({NUMBER})")
_SAME = {"−": "-", "–": "-", "×": "*", "·": "*", "÷": "/", "\\times": "*", "\\cdot": "*", "\\div": "/"}
_SAME |= {"x": "*", "times": "*", "plus": "+", "minus": "-"}

# Words of any reasoning: they tell nothing of what it is about.
_COMMON = (
    "a about actually add adding after again all alright also alternatively an and another answer any anything "
    "approach are as ask asked asks at back be because been before being both but by calculate can case check "
    "checking clear come comes compute correct could did different do does done double each else equal equals "
    "equation exactly express expression far figure final find finding first following for from get gets give given "
    "gives go goes going good got had has have having here hmm hold how however i if in instead into is it its just "
    "know last left let like ll look looking looks made make makes maybe me means mind minus more multiply my need "
    "needed needs next no not now number numbers of off ok okay on one only or other our out over part plus point "
    "problem put question re really recall remember result right s same say see seems set should simply since so "
    "solution solve solving some something start starting step steps still straightforward subtract such sum sure t "
    "take than that the their them then there therefore these they thing things think thinking this those thought "
    "through thus times to together trying two up us use using value ve verify wait want wants was way we well were "
    "what when where whether which while will with word works would write yeah yes yet you "
)
COMMON = frozenset(_COMMON.split())


class Computation(NamedTuple):
    """One operation on two numbers, as it is written: 41 + 7 = 48."""

    left: str
    sign: str  # + - * /
    right: str
    result: str


def numbers(text: str) -> list[str]:
    """The numbers of a text, in order, without the commas of thousands."""
    return [found.group().replace(",", "") for found in re.finditer(NUMBER, text)]


def words(text: str) -> list[str]:
    """The words that tell what a text is about, in order, in small letters."""
    found = (mark["word"] for mark in _MARK.finditer(text))
    return [word for word in (each.lower() for each in found if each) if word not in COMMON]


def computations(text: str) -> list[Computation]:
    """The operations on two plain numbers whose result is said."""
    found = []
    for left, sign, right, result in _COMPUTATION.findall(text):
        plain = [each.replace(",", "") for each in (left, right, result)]
        found.append(Computation(plain[0], _SAME.get(sign, sign), plain[1], plain[2]))
    return found


class Odds:
    """How much a mark speaks for the one of two texts: the logarithm of its odds, from how often each has it."""

    def __init__(self, one: Iterable[str], other: Iterable[str]) -> None:
        self._one, self._other = Counter(one), Counter(other)
        self._sizes = max(1, self._one.total()), max(1, self._other.total())

    def __call__(self, mark: str) -> float:
        """Above 0: for the one; 0 where neither has it."""
        a, b = self._one[mark], self._other[mark]
        if not a and not b:
            return 0.0
        size = min(self._sizes)  # the longer text does not outweigh the other for being long
        return log((a * size / self._sizes[0] + 0.5) / (b * size / self._sizes[1] + 0.5))


def between(least: float, value: float, most: float) -> float:
    """The value, kept within bounds."""
    return max(least, min(value, most))
