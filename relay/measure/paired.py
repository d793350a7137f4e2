"""The difference of two cells on the same problems, paired by problem, with a 95 % interval."""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

from relay.measure.intervals import wilson

Counts = tuple[int, int]  # correct, graded


class Difference(NamedTuple):
    """How much more of one cell is correct than of the other, in shares: -1..1."""

    mean: float
    low: float
    high: float
    problems: int  # graded in both cells
    method: str


def difference(pairs: Sequence[tuple[Counts, Counts]]) -> Difference | None:
    """Of (a problem's counts in the one cell, those in the other); problems not graded in both are left out.

    Newcombe's hybrid score interval (1998, method 10) with one continuation a problem in either cell; else Student's t
    over the problems' differences. None where no interval can be said: no problem, or one with several continuations.
    """
    pairs = [pair for pair in pairs if pair[0][1] and pair[1][1]]
    if not pairs:
        return None
    if all(a[1] == b[1] == 1 for a, b in pairs):
        return _newcombe([(a[0], b[0]) for a, b in pairs])
    return _student([a[0] / a[1] - b[0] / b[1] for a, b in pairs])


def _newcombe(pairs: Sequence[tuple[int, int]]) -> Difference:
    n = len(pairs)
    both, first, second, none = (pairs.count(kind) for kind in ((1, 1), (1, 0), (0, 1), (0, 0)))
    p, q = (both + first) / n, (both + second) / n
    of_p, of_q = wilson(both + first, n), wilson(both + second, n)
    product = (both + first) * (second + none) * (both + second) * (first + none)
    joint: float = both * none - first * second
    if joint > 0:
        joint = max(0.0, joint - n / 2)
    phi = joint / sqrt(product) if product else 0.0

    def reach(a: float, b: float) -> float:
        return sqrt(max(0.0, a * a - 2 * phi * a * b + b * b))

    low = p - q - reach(p - of_p.low, of_q.high - q)
    high = p - q + reach(of_p.high - p, q - of_q.low)
    return Difference(p - q, max(-1.0, low), min(1.0, high), n, "Newcombe")


def _student(differences: Sequence[float]) -> Difference | None:
    n = len(differences)
    mean = sum(differences) / n
    variance = sum((d - mean) ** 2 for d in differences) / (n - 1) if n > 1 else 0.0
    if variance == 0:
        return None  # nothing tells how much they vary
    from scipy.special import stdtrit

    half = float(stdtrit(n - 1, 0.975)) * sqrt(variance / n)
    return Difference(mean, max(-1.0, mean - half), min(1.0, mean + half), n, "t by problem")
