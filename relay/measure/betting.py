"""Confidence sequences: intervals of a mean that hold at every look at once, however often one looks.

The hedged capital process of Waudby-Smith and Ramdas ("Estimating means of bounded random variables by betting", JRSS B
2023, theorem 3): for every mean m two gamblers bet on independent values in 0..1, one that the mean is larger, one that
it is smaller. If m is the truth neither bet can be expected to win, so that (Ville 1939) the capital ever reaches 1 /
alpha with a chance of at most alpha. The sequence at t are the means against which nobody got so rich.
"""

from math import log

from relay.measure.outcomes import Array

MOST = 0.5  # the share of its capital that a gambler stakes at most: the paper's c
STEPS = 50  # halvings, down to 1e-15


def stakes(values: Array, alpha: float) -> Array:
    """How much is bet on each value (..., t), by those before it alone: the paper's predictable plug-in."""
    import numpy as np

    t = np.arange(1, values.shape[-1] + 1)
    mean = (0.5 + np.cumsum(values, axis=-1)) / (t + 1)
    variance = (0.25 + np.cumsum((values - mean) ** 2, axis=-1)) / (t + 1)
    before = np.concatenate([np.full((*values.shape[:-1], 1), 0.25), variance[..., :-1]], axis=-1)
    return np.asarray(np.sqrt(2 * log(2 / alpha) / (before * t * np.log(t + 1))))


def capital(values: Array, bets: Array, mean: Array) -> Array:
    """Log of what a gambler has after each of the values (..., t) who bets that the mean is larger than this (...)."""
    import numpy as np

    at = np.asarray(mean)[..., None]
    staked = np.minimum(bets, MOST / np.maximum(at, 1e-300))
    return np.asarray(np.cumsum(np.log1p(staked * (values - at)), axis=-1))


def lower(values: Array, alpha: float) -> float:
    """The lower end after all values (t): what a gambler has falls in the mean, so that it is found by halving."""
    import numpy as np

    bets, enough = stakes(values, alpha), log(2 / alpha)  # half of the capital is this gambler's
    low, high = 0.0, float(np.mean(values))
    if not high or capital(values, bets, np.asarray(low))[-1] < enough:
        return 0.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if capital(values, bets, np.asarray(middle))[-1] >= enough else (low, middle)
    return low


def sequence(values: Array, alpha: float = 0.05) -> tuple[float, float]:
    """The interval after these values (t) in 0..1, in the order in which they came, at level 1 - alpha."""
    return lower(values, alpha), 1 - lower(1 - values, alpha)
