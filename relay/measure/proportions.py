"""Intervals of a proportion, of so many independent trials or of as many as an effective number."""

from math import sqrt
from typing import NamedTuple

from relay.measure.outcomes import Array

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
    low, high = max(0.0, middle - half) if correct else 0.0, min(1.0, middle + half) if correct < n else 1.0
    return Interval(low, high, "Wilson")


def wilson_of(p: Array, effective: Array, quantile: float = Z) -> tuple[Array, Array]:
    """Wilson's interval for shares p of an effective number of trials, mended near 0 and 1.

    Where at most a tenth of the outcomes is of the rarer kind Wilson's far end may lie too near: what is said to hold
    at 95 % held at 84 % for one of 30. It never lies nearer here than Poisson's limit of 5 % (as Brown, Cai and
    DasGupta 2001, section 4.1.1, have it for up to three; from eleven on Wilson's lies farther by itself).
    """
    import numpy as np
    from scipy.special import gammaincinv

    zz = quantile**2 / effective
    middle = (p + zz / 2) / (1 + zz)
    half = np.sqrt(zz * (p * (1 - p) + zz / 4)) / (1 + zz)

    def mended(wilson: Array, share: Array) -> Array:
        rare = (share > 0) & (share <= 0.1)
        poisson = gammaincinv(np.where(rare, share * effective, 1), 0.05) / effective
        return np.where(share <= 0, 0.0, np.where(rare, np.minimum(wilson, poisson), np.maximum(0.0, wilson)))

    return mended(middle - half, p), 1 - mended(1 - middle - half, 1 - p)


def clopper_pearson_of(p: Array, effective: Array) -> tuple[Array, Array]:
    """Clopper and Pearson's interval (1934) for shares p of an effective number of trials, which may be a fraction."""
    import numpy as np
    from scipy.special import betaincinv

    x = p * effective
    inner = (p > 0) & (p < 1)
    own, other = np.where(inner, x, 1), np.where(inner, effective - x, 1)
    low = np.where(inner, betaincinv(own, other + 1, 0.025), np.where(p >= 1, 0.025 ** (1 / effective), 0.0))
    high = np.where(inner, betaincinv(own + 1, other, 0.975), np.where(p <= 0, 1 - 0.025 ** (1 / effective), 1.0))
    return low, high
