"""How often a model solves the problems of a set: logit-normal and beta populations, and sums over them."""

from math import asinh
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from numpy import float64
    from numpy.random import Generator
    from numpy.typing import NDArray

    Floats = NDArray[float64]


class LogitNormal(NamedTuple):
    """Solve rates whose log-odds are normal."""

    mean: float  # of the log-odds
    sd: float  # of the log-odds, above 0


class Beta(NamedTuple):
    """Solve rates that are Beta(a, b): the mean is a / (a + b), the ICC 1 / (a + b + 1)."""

    a: float
    b: float


Rates = LogitNormal | Beta


class Grid(NamedTuple):
    """A quadrature over a population: log-odds of solve rates and their weights, which add up to 1."""

    log_odds: "Floats"
    weight: "Floats"


def beta(mean: float, icc: float) -> Beta:
    """The beta population with this mean solve rate and this intraclass correlation, each within 0..1."""
    both = (1 - icc) / icc
    return Beta(mean * both, (1 - mean) * both)


def logit_normal(mean: float, icc: float) -> LogitNormal:
    """The logit-normal population with this mean solve rate and this intraclass correlation, each within 0..1.

    ICC: the variance of the solve rates over mean * (1 - mean), the correlation of two continuations of one problem.
    """
    from scipy.optimize import brentq

    def centre(sd: float) -> float:
        reach = 10 + 9 * sd
        return float(brentq(lambda at: mean_of(LogitNormal(at, sd)) - mean, -reach, reach, xtol=1e-13))

    def excess(sd: float) -> float:
        return icc_of(LogitNormal(centre(sd), sd)) - icc

    sd = float(brentq(excess, 1e-3, 200.0, xtol=1e-10))
    return LogitNormal(centre(sd), sd)


def mean_of(rates: Rates) -> float:
    """The mean solve rate, by quadrature."""
    log_odds, weight = grid(rates)
    return float(weight @ logistic(log_odds))


def icc_of(rates: Rates) -> float:
    """The correlation of two continuations of one problem, by quadrature."""
    log_odds, weight = grid(rates)
    rate = logistic(log_odds)
    mean = float(weight @ rate)
    return float(weight @ (rate - mean) ** 2) / (mean * (1 - mean))


def logistic(log_odds: Any) -> "Floats":
    """The chance that belongs to these log-odds."""
    from scipy.special import expit

    return expit(log_odds)  # type: ignore[no-any-return]  # scipy has no types


def grid(rates: Rates) -> Grid:
    """The trapezoid rule, which is exact to rounding for what is analytic and dies away at both ends."""
    import numpy as np
    from scipy.special import betaln, log_expit

    match rates:
        case LogitNormal(mean, sd):
            step = min(sd / 4, 0.25)
            z = np.arange(-9 * sd, 9 * sd + step, step)
            density = np.exp(-0.5 * (z / sd) ** 2)
            return Grid(mean + z, density / density.sum())
        case Beta(a, b):
            end, step = asinh(60 / min(a, b)), 0.02  # log-odds are sinh of the nodes: the tails reach far
            v = np.arange(-end, end + step, step)
            odds = np.sinh(v)
            density = np.exp(a * log_expit(odds) + b * log_expit(-odds) - betaln(a, b)) * np.cosh(v)
            return Grid(odds, density / density.sum())


def log_odds_of(rates: Rates, n: int, random: "Generator") -> "Floats":
    """The log-odds of n problems' solve rates, drawn from the population."""
    import numpy as np

    match rates:
        case LogitNormal(mean, sd):
            return random.normal(mean, sd, n)
        case Beta(a, b):  # the odds are a ratio of two gamma variables, whose logarithms do not underflow
            return _log_gamma(a, n, random) - _log_gamma(b, n, random) + np.float64(0)


def _log_gamma(shape: float, n: int, random: "Generator") -> "Floats":
    """Logarithms of gamma variables, also where the shape is so small that these would be 0 (Marsaglia, Tsang 2000)."""
    import numpy as np

    lift: Floats = np.log(random.random(n)) / shape
    return np.log(random.standard_gamma(shape + 1, n)) + lift
