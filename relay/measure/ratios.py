"""How many times as long: the mean ratio of two lengths, paired by problem."""

from collections.abc import Iterable, Sequence
from math import exp, log, sqrt
from statistics import fmean, variance
from typing import NamedTuple


class Ratio(NamedTuple):
    """A geometric mean of ratios: 2 is twice as long."""

    mean: float
    low: float | None  # 95 %; None with fewer than two problems
    high: float | None
    problems: int
    method: str = "t of logarithms by problem"


def ratio(pairs: Iterable[Sequence[tuple[float, float]]]) -> Ratio | None:
    """Of the pairs (length, what it is compared with) of each problem, all above 0; None without any.

    Each problem counts once, by the mean of its logarithms; Student's t over problems.
    """
    logs = [fmean(log(one / other) for one, other in of_problem) for of_problem in pairs if of_problem]
    if not logs:
        return None
    mean = fmean(logs)
    if len(logs) < 2:
        return Ratio(exp(mean), None, None, len(logs))
    from scipy.special import stdtrit

    half = float(stdtrit(len(logs) - 1, 0.975)) * sqrt(variance(logs) / len(logs))
    return Ratio(exp(mean), exp(mean - half), exp(mean + half), len(logs))
