"""The difference of two cells on the same problems, paired by problem: with its interval, and whether it is none."""

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

from relay.measure.intervals import wilson
from relay.measure.joint import Joint, bounds, contrast
from relay.measure.outcomes import Outcomes

Counts = tuple[int, int]  # correct, graded


class Difference(NamedTuple):
    """How much more of one cell is correct than of the other, in shares: -1..1."""

    mean: float
    low: float
    high: float
    problems: int  # graded in both cells
    method: str


def difference(pairs: Sequence[tuple[Counts, Counts]], *, confidence: float = 0.95) -> Difference | None:
    """Of (a problem's counts in the one cell, those in the other); problems not graded in both are left out.

    Newcombe's hybrid score interval (1998, method 10) with one continuation a problem in either cell; else Student's t
    over the problems' differences or, where these are all alike, what Wilson's interval leaves to other problems. None
    where no problem is graded in both.
    """
    pairs = [pair for pair in pairs if pair[0][1] and pair[1][1]]
    if not pairs:
        return None
    if all(a[1] == b[1] == 1 for a, b in pairs):
        return _newcombe([(a[0], b[0]) for a, b in pairs], confidence)
    return _student([a[0] / a[1] - b[0] / b[1] for a, b in pairs], confidence)


def mean_of(values: Outcomes, reach: float = 1.0) -> Difference | None:
    """The mean of these (in the place of `correct`), each problem counting once, at 95 %; None where there are none.

    Student's t, over distractors too where they are shared. No value is farther from zero than `reach`, nor is an end
    of the interval.
    """
    import numpy as np

    found = contrast([values], [1])
    if found is None:
        return None
    if found.layout.distractors is None and found.layout.strata == 1:
        sums, counts = np.bincount(values.problem, values.correct), np.bincount(values.problem)
        return _student((sums[counts > 0] / counts[counts > 0]).tolist(), 0.95, reach)
    return _of(found, reach, 0.95)


def between(first: Outcomes, second: Outcomes, *, confidence: float = 0.95) -> Difference | None:
    """As `difference`, of cells whose distractors may be shared and whose problems may be drawn in strata.

    Then Student's t, with the variance that problems (inside their strata) and distractors bring together.
    """
    found = contrast([first, second], [1, -1])
    if found is None:
        return None
    if found.layout.distractors is None and found.layout.strata == 1:
        return difference(paired(first, second), confidence=confidence)
    return _of(found, 1.0, confidence)


def shift(first: tuple[Outcomes, Outcomes], second: tuple[Outcomes, Outcomes]) -> Difference | None:
    """How far the first two cells' difference lies above that of the second two, in shares: -2..2, at 95 %.

    None where no problem is graded in all four.
    """
    found = contrast([*first, *second], [1, -1, -1, 1])
    return None if found is None else _of(found, 2.0, 0.95)


def _of(found: Joint, reach: float, confidence: float) -> Difference:
    low, high = bounds(found, reach, confidence)
    name = "t by problem" if found.layout.distractors is None else "t by problem and distractor"
    name = f"{name}, in strata" if found.layout.strata > 1 else name
    return Difference(float(found.value), low, high, found.problems, name)


def paired(first: Outcomes, second: Outcomes) -> list[tuple[Counts, Counts]]:
    """The counts of each problem that is graded in both cells."""
    a, b = (counts(cell) for cell in (first, second))
    return [(a[problem], b[problem]) for problem in a if problem in b]


def counts(cell: Outcomes) -> dict[int, Counts]:
    """(Correct, graded) of each problem."""
    import numpy as np

    graded, correct = np.bincount(cell.problem), np.bincount(cell.problem, cell.correct)
    return {int(p): (int(correct[p]), int(graded[p])) for p in np.flatnonzero(graded)}


class Equality(NamedTuple):
    """Whether two cells are as good as each other, by two one-sided tests (Schuirmann 1987)."""

    difference: Difference | None  # with the interval that both tests together look at, at 90 %
    margin: float
    verdict: str  # "equal": the difference is less than the margin; "different": it is not zero; "cannot tell"


def equality(pairs: Sequence[tuple[Counts, Counts]], margin: float = 0.03, *, among: int = 1) -> Equality:
    """Both tests at 5 %. "different" is said where the interval at 95 % excludes zero and the cells are not equal.

    With `among` so many comparisons, of which any that is different counts, they share these 5 % (Bonferroni).
    """
    return _judged(difference(pairs, confidence=0.9), difference(pairs, confidence=1 - 0.05 / among), margin)


def equal(first: Outcomes, second: Outcomes, margin: float = 0.03) -> Equality:
    """As `equality`, of cells whose distractors may be shared and whose problems may be drawn in strata."""
    return _judged(between(first, second, confidence=0.9), between(first, second), margin)


def _judged(inner: Difference | None, outer: Difference | None, margin: float) -> Equality:
    if inner is None or outer is None:
        return Equality(None, margin, "cannot tell")
    if -margin < inner.low and inner.high < margin:
        return Equality(inner, margin, "equal")
    return Equality(inner, margin, "different" if outer.low > 0 or outer.high < 0 else "cannot tell")


def _newcombe(pairs: Sequence[tuple[int, int]], confidence: float) -> Difference:
    n, z = len(pairs), NormalDist().inv_cdf((1 + confidence) / 2)
    both, first, second, none = (pairs.count(kind) for kind in ((1, 1), (1, 0), (0, 1), (0, 0)))
    p, q = (both + first) / n, (both + second) / n
    of_p, of_q = wilson(both + first, n, z), wilson(both + second, n, z)
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


def _student(differences: Sequence[float], confidence: float, reach: float = 1.0) -> Difference:
    n = len(differences)
    mean = sum(differences) / n
    variance = sum((d - mean) ** 2 for d in differences) / (n - 1) if n > 1 else 0.0
    if variance < 1e-12:  # all alike: at least so many problems are as these, and the others may be anything
        alike = wilson(n, n, NormalDist().inv_cdf((1 + confidence) / 2)).low
        low, high = alike * mean - (1 - alike) * reach, alike * mean + (1 - alike) * reach
        return Difference(mean, max(-reach, low), min(reach, high), n, "Wilson of problems alike")
    from scipy.special import stdtrit

    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * sqrt(variance / n)
    return Difference(mean, max(-reach, mean - half), min(reach, mean + half), n, "t by problem")
