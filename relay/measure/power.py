"""The least difference that a planned study could see: 80 % of such studies find it at 5 %."""

from typing import TYPE_CHECKING

from relay.measure.intervals import t_of
from relay.measure.outcomes import NONE, Layout, Outcomes, layout

if TYPE_CHECKING:
    from relay.simulate.study import Study


def least_difference(study: "Study", power: float = 0.8) -> float | None:
    """How far the second cell's accuracy must lie from the first's, towards one half; None where no distance will do.

    `study.cells` are the two cells, the first as it is thought to be. By the test that `significance.differ` would
    take, from the true standard deviation of the difference.
    """
    from scipy.optimize import brentq

    from relay.simulate.truth import accuracy

    at = accuracy(study, study.cells[0])
    towards = 1 if at < 0.5 else -1
    most = max(at, 1 - at) - 1e-6

    def short(distance: float) -> float:
        return chance(study, at + towards * distance) - power

    return float(brentq(short, 1e-4, most, xtol=1e-5)) if short(most) > 0 else None


def chance(study: "Study", accuracy_: float) -> float:
    """The chance that a study finds a difference when its second cell's accuracy is this."""
    from relay.simulate.truth import accuracy, aimed, spread

    first, second = study.cells
    both = study.of(first, aimed(study, second, accuracy_))
    how = planned(study)
    if how.distractors is None and study.samples == 1:
        return _of_mcnemar(both)
    from scipy.stats import nct

    away = abs(accuracy_ - accuracy(both, first)) / spread(both, [-1, 1])
    if away > 10:  # scipy's noncentral t fails far out
        return 1.0
    least = t_of(how.df)
    return float(nct.sf(least, how.df, away) + nct.cdf(-least, how.df, away))


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
    differ = first + second
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
    return (differ + a - b) / 2, (differ - a + b) / 2
