"""Whether two cells differ on the same problems, and what many such questions at once make of their answers.

| continuations | distractors | test |
| --- | --- | --- |
| one a problem in either cell | each serves one problem | McNemar, mid-p (Fagerland, Lydersen and Laake 2013) |
| several | each serves one problem | sign-flip permutation of the problems' differences |
| any | shared, or problems in strata | Student's t, variance by problem and by distractor |
"""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

from relay.measure.joint import Joint, common, contrast
from relay.measure.outcomes import Array, Outcomes

FLIPS = 9999


class Tested(NamedTuple):
    """The p-value of "the two cells are equally good", two-sided."""

    p: float
    method: str


def differ(first: Outcomes, second: Outcomes, *, flips: int = FLIPS) -> Tested | None:
    """The test that fits; None where no problem is graded in both."""
    found = contrast([first, second], [1, -1])
    if found is None:
        return None
    if found.layout.distractors is not None or found.layout.strata > 1:
        return Tested(cluster_t(found), "t by problem and distractor" if found.layout.distractors else "t in strata")
    a, b = common([first, second])
    if len(a.problem) == len(b.problem) == found.problems:
        a_first, b_first = _ordered(a), _ordered(b)
        return Tested(mcnemar(int((a_first > b_first).sum()), int((a_first < b_first).sum())), "McNemar, mid-p")
    return Tested(sign_flip(_shares(a) - _shares(b), flips=flips), "sign flips by problem")


def mcnemar(first: int, second: int) -> float:
    """Of the problems that only the first cell solved and those that only the second did: the mid-p value."""
    from scipy.stats import binom
    from statsmodels.stats.contingency_tables import mcnemar as exact

    if first == second:
        return 1.0
    p = exact([[0, first], [second, 0]], exact=True).pvalue
    return float(p - binom.pmf(first, first + second, 0.5))


def sign_flip(differences: Array, *, flips: int = FLIPS) -> float:
    """How often a mean as far from zero comes about when each problem's difference may as well have the other sign.

    All ways to flip are tried where they are no more than `flips`, else so many drawn ones (with a fixed seed).
    """
    import numpy as np
    from scipy.stats import permutation_test

    given = differences[differences != 0]
    if not len(given):
        return 1.0
    if len(given) == 1:
        return 1.0
    found = permutation_test(
        (given,), np.sum, permutation_type="samples", vectorized=True, n_resamples=flips, rng=1, batch=1000
    )
    return float(found.pvalue)


def cluster_t(found: Joint) -> float:
    """Student's t of a joint figure against zero."""
    from scipy.special import stdtr

    if found.variance < 1e-12:
        return 1.0  # all problems alike: nothing tells how others would be
    return float(2 * stdtr(found.layout.df, -abs(found.value) / sqrt(found.variance)))


def holm(ps: Sequence[float]) -> list[float]:
    """P-values of a few named comparisons, so that the chance of any false one stays at 5 % (Holm 1979)."""
    return _adjusted(ps, "holm")


def benjamini_hochberg(ps: Sequence[float]) -> list[float]:
    """P-values of a grid, so that of those called different 5 % are false on average (Benjamini and Hochberg 1995)."""
    return _adjusted(ps, "fdr_bh")


def _adjusted(ps: Sequence[float], method: str) -> list[float]:
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(ps, method=method)[1]] if ps else []


def _ordered(cell: Outcomes) -> Array:
    return cell.correct[cell.problem.argsort()]


def _shares(cell: Outcomes) -> Array:
    """The share of each problem, in the order of their numbers."""
    import numpy as np

    counts = np.bincount(cell.problem)
    return np.asarray((np.bincount(cell.problem, cell.correct) / np.maximum(counts, 1))[counts > 0])
