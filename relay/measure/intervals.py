"""Intervals for a score: Wilson for one continuation a problem, Korn-Graubard for several."""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

Z = 1.959963984540054  # 97.5 % point of the normal distribution


class Interval(NamedTuple):
    """A 95 % interval of a proportion, both ends in 0..1."""

    low: float
    high: float
    method: str


def wilson(correct: int, n: int, z: float = Z) -> Interval:
    """Wilson's score interval for independent trials (Wilson 1927), at 95 % or another z. n must be at least 1."""
    p, zz = correct / n, z * z
    middle = (p + zz / (2 * n)) / (1 + zz / n)
    half = z / (1 + zz / n) * sqrt(p * (1 - p) / n + zz / (4 * n * n))
    return Interval(max(0.0, middle - half), min(1.0, middle + half), "Wilson")


def korn_graubard(groups: Sequence[tuple[int, int]]) -> Interval:
    """Clopper-Pearson on the effective sample size, for (correct, n) of each problem (Korn and Graubard 1998).

    Continuations of one problem resemble one another, so that fewer count than were drawn. The variance
    between problems gives the effective number, t quantiles pay for estimating it.
    """
    from scipy.special import betaincinv, stdtrit  # scipy.stats takes a second to import

    n, correct, problems = sum(g[1] for g in groups), sum(g[0] for g in groups), len(groups)
    p = correct / n
    effective = float(n)
    if 0 < correct < n and problems > 1:
        between = sum((c - p * k) ** 2 for c, k in groups) * problems / (problems - 1) / (n * n)
        if between > 0:
            ratio = float(stdtrit(n - 1, 0.975) / stdtrit(problems - 1, 0.975))
            effective = min(float(n), p * (1 - p) / between * ratio**2)
    elif problems:
        effective = float(problems)  # all alike: nothing tells how alike one problem's continuations are
    x = p * effective
    low = 0.0 if correct == 0 else float(betaincinv(x, effective - x + 1, 0.025))
    high = 1.0 if correct == n else float(betaincinv(x + 1, effective - x, 0.975))
    return Interval(low, high, "Korn-Graubard")


def of_problems(groups: Sequence[tuple[int, int]]) -> Interval | None:
    """The interval that fits: (correct, n) of each problem; None when nothing was graded."""
    groups = [g for g in groups if g[1]]
    if not groups:
        return None
    if all(n == 1 for _, n in groups):
        return wilson(sum(c for c, _ in groups), len(groups))
    return korn_graubard(groups)
