"""The least difference that a study could see: 80 % of such studies find it at 5 %. Of a planned one, or one done."""

from functools import lru_cache
from math import sqrt
from typing import TYPE_CHECKING

from relay.measure.intervals import t_of
from relay.measure.joint import ALIKE, contrast
from relay.measure.outcomes import NONE, Layout, Outcomes, layout
from relay.measure.significance import p_values

if TYPE_CHECKING:
    from relay.simulate.study import Study


FEW = 500  # problems; with more of them sums are normal enough, but for those over shared distractors
SEEN = 0.841621  # the normal quantile of 80 %
MOST = 6_000_000  # rollouts of a cell that are simulated for one distance


def least_difference(study: "Study", power: float = 0.8, studies: int = 1000) -> float | None:
    """How far the second cell's accuracy must lie from the first's, towards one half; None where no distance will do.

    `study.cells` are the two cells, the first as it is thought to be. By the test that `significance.differ` would
    take: McNemar's exactly; else from the true standard deviation of the difference and, where sums are not normal
    enough near 0 and 1 (few problems, or shared distractors), from at most so many simulated studies (0: none).
    """
    from scipy.optimize import brentq

    from relay.simulate.truth import accuracy

    at = accuracy(study, study.cells[0])
    towards = 1 if at < 0.5 else -1
    most = max(at, 1 - at) - 0.005

    def short(distance: float) -> float:
        return chance(study, at + towards * distance) - power

    if short(most) <= 0:
        return None
    found = float(brentq(short, 1e-4, most, xtol=1e-5))
    normal = _by_mcnemar(study) or (study.problems > FEW and planned(study).distractors is None)
    if normal or not studies:
        return found
    return _refined(study, at, towards * found, power, min(studies, MOST // (study.problems * study.samples)))


def least_seen(first: Outcomes, second: Outcomes) -> float | None:
    """The true difference that a comparison strewn as this one finds in 80 of 100, at 5 %.

    None: all are alike, or not even a difference of 1 would be found.
    """
    found = contrast([second, first], [1, -1])
    if found is None or float(found.variance) < ALIKE:
        return None
    t = t_of(found.layout.df)
    least = sqrt(float(found.variance)) * (t + SEEN * sqrt(1 + t**2 / (2 * found.layout.df)))
    return least if least <= 1 else None


def _refined(study: "Study", at: float, guess: float, power: float, studies: int) -> float:
    """The distance at which simulated studies, always the same ones, find it so often."""
    low, high = 0.4 * guess, min(2 * abs(guess), max(at, 1 - at) - 0.005) * (1 if guess > 0 else -1)
    for _ in range(8):
        middle = (low + high) / 2
        low, high = (low, middle) if rejected(study, at + middle, studies) > power else (middle, high)
    return abs(low + high) / 2


def rejected(study: "Study", accuracy_: float, studies: int, seed: int = 0, flips: int = 999) -> float:
    """The share of simulated studies that find a difference when their second cell's accuracy is this."""
    from relay.measure.simulated import batches

    found = 0
    for first, second in batches(_aimed(study, accuracy_), studies, seed):
        p, _ = p_values(first, second, flips=flips) or (None, "")
        found += 0 if p is None else int((p < 0.05).sum())
    return found / studies


@lru_cache(maxsize=64)
def _aimed(study: "Study", accuracy_: float) -> "Study":
    from relay.simulate.truth import aimed

    first, second = study.cells
    return study.of(first, aimed(study, second, accuracy_))


def chance(study: "Study", accuracy_: float) -> float:
    """The chance that a study finds a difference when its second cell's accuracy is this, were sums normal."""
    from scipy.special import ndtr

    from relay.simulate.truth import accuracy, spread

    both = _aimed(study, accuracy_)
    if _by_mcnemar(study):
        return _of_mcnemar(both)
    df = planned(study).df
    away, least = abs(accuracy_ - accuracy(both, both.cells[0])) / spread(both, [-1, 1]), t_of(df)
    return float(ndtr((away - least) / sqrt(1 + least**2 / (2 * df))))  # the noncentral t, nearly


def _by_mcnemar(study: "Study") -> bool:
    return study.samples == 1 and planned(study).distractors is None


def planned(study: "Study") -> Layout:
    """How the two cells' rollouts will share problems and distractors."""
    import numpy as np

    n = study.problems * study.samples
    problem = np.repeat(np.arange(study.problems), study.samples)
    steers = study.distractors and any(cell.steered for cell in study.cells)
    distractor = np.arange(n) % study.distractors if steers else np.full(n, NONE)
    return layout(Outcomes(problem, distractor, problem))


def _of_mcnemar(both: "Study") -> float:
    """The chance that McNemar's test with mid-p finds a difference, summed over all its tables."""
    import numpy as np
    from scipy.stats import binom

    first, second = _only_one(both)
    differ = min(1.0, first + second)
    found, n = 0.0, both.problems
    counts = np.arange(int(binom.ppf(1e-9, n, differ)), int(binom.ppf(1 - 1e-9, n, differ)) + 1)
    for count, share in zip(counts, binom.pmf(counts, n, differ), strict=True):
        few = np.arange(count + 1)
        p = 2 * binom.cdf(few, count, 0.5) - binom.pmf(few, count, 0.5)
        reject = int((p < 0.05).sum())  # so many counts at either end
        if reject:
            ends = binom.cdf(reject - 1, count, first / differ) + binom.sf(count - reject, count, first / differ)
            found += float(share * ends)
    return found


def _only_one(both: "Study") -> tuple[float, float]:
    """The chances that only the first cell, and only the second, solves a problem."""
    from relay.simulate.truth import accuracy, spread

    a, b = (accuracy(both, cell) for cell in both.cells)
    variance = spread(both, [-1, 1]) ** 2 * both.problems  # of the difference on one problem: P(differ) - (a - b)^2
    differ = variance + (a - b) ** 2
    return max(0.0, (differ + a - b) / 2), max(0.0, (differ - a + b) / 2)
