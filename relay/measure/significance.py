"""Whether two cells differ on the same problems, and what many such questions at once make of their answers.

| continuations | distractors | test |
| --- | --- | --- |
| one a problem in either cell | each serves one problem | McNemar, mid-p (Fagerland, Lydersen and Laake 2013) |
| several | each serves one problem | sign-flip permutation of the problems' differences |
| any | shared, or problems in strata | Student's t, variance by problem and by distractor |
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from relay.measure.clusters import sums
from relay.measure.joint import ALIKE, Joint, common, contrast
from relay.measure.outcomes import Array, Outcomes, clusters

FLIPS = 4999


class Tested(NamedTuple):
    """The p-value of "the two cells are equally good", two-sided."""

    p: float
    method: str


def differ(first: Outcomes, second: Outcomes) -> Tested | None:
    """The test that fits; None where no problem is graded in both."""
    found = p_values(first, second)
    return found and Tested(float(found[0]), found[1])


def p_values(first: Outcomes, second: Outcomes, *, flips: int = FLIPS) -> tuple[Array, str] | None:
    """The p-values of many studies at once (correct: (..., rollouts)), and the test's name."""
    found = contrast([first, second], [1, -1])
    if found is None:
        return None
    if found.layout.distractors is not None or found.layout.strata > 1:
        return cluster_t(found), "t by problem and distractor" if found.layout.distractors else "t in strata"
    a, b = (shares(cell) for cell in common([first, second]))
    if len(first.problem) == len(second.problem) == found.problems:
        return mcnemar((a > b).sum(axis=-1), (a < b).sum(axis=-1)), "McNemar, mid-p"
    import numpy as np

    return np.apply_along_axis(sign_flip, -1, a - b, flips=flips), "sign flips by problem"


def mcnemar(first: Array, second: Array) -> Array:
    """Of so many problems that only the first cell solved, so many that only the second did: the mid-p value.

    The exact p-value less the chance of what was seen, which is counted half.
    """
    import numpy as np
    from scipy.stats import binom

    less, both = np.minimum(first, second), first + second
    p = 2 * binom.cdf(less, both, 0.5) - binom.pmf(less, both, 0.5)
    return np.asarray(np.where(first == second, 1.0, p))


def sign_flip(differences: Array, *, flips: int = FLIPS) -> float:
    """How often a sum as far from zero comes about when each problem's difference may as well have the other sign.

    All ways to flip are tried where they are no more than `flips`, else so many drawn ones, always the same.
    """
    import numpy as np

    given = differences[differences != 0]
    if not len(given):
        return 1.0
    drawn = 2 ** len(given) > flips
    signs = _drawn(1 << (len(given) - 1).bit_length(), flips) if drawn else _all(len(given))
    far = np.abs(signs[:, : len(given)] @ given) >= abs(given.sum()) - 1e-9
    return float((far.sum() + drawn) / (len(signs) + drawn))  # the one that was seen is one of them


@lru_cache(maxsize=2)
def _drawn(width: int, flips: int) -> Array:
    import numpy as np

    return np.random.default_rng(1).integers(0, 2, (flips, width), dtype=np.int8).astype(np.float32) * 2 - 1


def _all(width: int) -> Array:
    import numpy as np

    return ((np.arange(2**width)[:, None] >> np.arange(width)) & 1) * 2.0 - 1


def cluster_t(found: Joint) -> Array:
    """Student's t of a joint figure against zero. Where all is alike: the sign test over the fewer clusters."""
    import numpy as np
    from scipy.special import stdtr

    alike = found.variance < ALIKE
    t = np.abs(found.value) / np.sqrt(np.where(alike, 1.0, found.variance))
    signs = np.where(np.abs(found.value) < 1e-9, 1.0, 0.5**found.layout.df)
    return np.asarray(np.where(alike, signs, 2 * stdtr(found.layout.df, -t)))


def holm(ps: Sequence[float]) -> list[float]:
    """P-values of a few named comparisons, so that the chance of any false one stays at 5 % (Holm 1979)."""
    return _adjusted(ps, "holm")


def benjamini_hochberg(ps: Sequence[float]) -> list[float]:
    """P-values of a grid, so that of those called different 5 % are false on average (Benjamini and Hochberg 1995)."""
    return _adjusted(ps, "fdr_bh")


def _adjusted(ps: Sequence[float], method: str) -> list[float]:
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(ps, method=method)[1]] if ps else []


def shares(cell: Outcomes) -> Array:
    """The share of each problem that is correct, in the order of their numbers: (..., problems)."""
    import numpy as np

    problems = clusters(cell.problem)
    counts = np.diff(problems.starts, append=len(problems.order))
    return np.asarray(sums(cell.correct, problems) / counts)
