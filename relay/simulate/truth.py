"""The true values of a study's estimands, by numerical integration: nothing here is drawn.

Problems and distractors are random, as in relay's captions: a truth is the mean over all problems that the selection
would take and over all distractors there could be.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

from relay.simulate.rates import Grid, Rates, grid, logistic
from relay.simulate.study import Cell, Selection, Study

if TYPE_CHECKING:
    from relay.simulate.rates import Floats

NODES = 40  # of the Gauss-Hermite rule in one dimension
FEW = 16  # of it where up to three normal effects are integrated together


class Parts(NamedTuple):
    """The variance of one rollout's contribution to a contrast of cells."""

    all: float  # of its chance, over problems and distractors together
    problems: float  # of its mean over distractors: what two samples of a problem share that meet different ones
    distractors: float  # of its mean over problems: what two problems share that meet the same distractor
    within: float  # of the outcome given its chance


def accuracy(study: Study, cell: Cell) -> float:
    """The true accuracy of a cell, within 0..1."""
    log_odds, weight = selected(study.rates, study.selection)
    effect, share = _normal(_sd(study, cell), NODES)
    chance = logistic((log_odds + cell.shift)[:, None] + effect)
    return float(weight @ chance @ share)


def contrast(study: Study, weights: Mapping[int, float]) -> float:
    """The true value of a weighted sum of cells' accuracies, by the cells' places: {1: 1, 0: -1} is a difference."""
    return sum(w * accuracy(study, study.cells[i]) for i, w in weights.items())


def aimed(study: Study, cell: Cell, accuracy_: float) -> Cell:
    """The cell with the shift that gives it this true accuracy, within 0..1."""
    from scipy.optimize import brentq

    def miss(shift: float) -> float:
        return accuracy(study, cell._replace(shift=shift)) - accuracy_

    return cell._replace(shift=float(brentq(miss, -200.0, 200.0, xtol=1e-12)))


def icc(study: Study, cell: Cell) -> float:
    """The true correlation of two continuations of one problem that meet different distractors, or none."""
    mean = accuracy(study, cell)
    return parts(study.of(cell), {0: 1.0}).problems / (mean * (1 - mean))


def spread(study: Study, weights: Mapping[int, float] | Sequence[float]) -> float:
    """The true standard deviation, over repeated studies, of a weighted sum of the cells' observed shares.

    Weights by the cells' places, or one for each cell. An oracle's 95 % interval is 3.92 of these wide.
    """
    given = dict(weights) if isinstance(weights, Mapping) else dict(enumerate(weights))
    found = parts(study, {i: w for i, w in given.items() if w})
    n, k, d = study.problems, study.samples, study.distractors
    rollouts = n * k
    more, less = divmod(rollouts, d) if d else (0, 0)
    same = less * (more + 1) * more + (d - less) * more * (more - 1)  # ordered pairs that share a distractor
    twice = same * (k - 1) / (rollouts - 1) if rollouts > 1 else 0.0  # of these: of one problem, on average
    shared = (rollouts + twice) * found.all
    shared += (rollouts * (k - 1) - twice) * found.problems + (same - twice) * found.distractors
    return sqrt(shared / rollouts**2 + found.within / rollouts)


def parts(study: Study, weights: Mapping[int, float]) -> Parts:
    """Where the variance of a weighted sum of cells comes from, for one rollout in each of them."""
    import numpy as np

    log_odds, weight = selected(study.rates, study.selection)
    cells = [(study.cells[i], w) for i, w in weights.items()]
    slope, of_slope = _normal(study.slope_sd if any(c.slope for c, _ in cells) else 0.0, FEW)
    steers = any(c.steered for c, _ in cells)
    effect, of_effect = _normal(study.distractor_sd if steers else 0.0, FEW)
    own, of_own = _normal(study.interaction_sd if steers else 0.0, FEW)
    chance: Any = 0.0
    within = 0.0
    for cell, w in cells:  # (problems, slopes, distractors, interactions)
        at = (log_odds + cell.shift)[:, None, None, None] + cell.slope * slope[:, None, None]
        one = logistic(at + cell.steered * (effect[:, None] + own))
        chance = chance + w * one
        within += w * w * _mean(one * (1 - one), weight, of_slope, of_effect, of_own)
    mean = _mean(chance, weight, of_slope, of_effect, of_own)
    return Parts(
        _mean((chance - mean) ** 2, weight, of_slope, of_effect, of_own),
        float(np.einsum("ab,a,b->", (chance @ of_own @ of_effect - mean) ** 2, weight, of_slope)),
        float(of_effect @ (np.einsum("abcd,a,b,d->c", chance, weight, of_slope, of_own) - mean) ** 2),
        within,
    )


def selected(rates: Rates, selection: Selection | None) -> Grid:
    """A quadrature over the problems that a selection takes."""
    log_odds, weight = grid(rates)
    if selection is None:
        return Grid(log_odds, weight)
    kept = weight * _chance(selection, log_odds)
    return Grid(log_odds, kept / kept.sum())


def selected_share(rates: Rates, selection: Selection) -> float:
    """The share of all problems that a selection takes."""
    log_odds, weight = grid(rates)
    return float(weight @ _chance(selection, log_odds))


def _chance(selection: Selection, log_odds: "Floats") -> "Floats":
    """The chance that a problem with these log-odds is taken."""
    import numpy as np
    from scipy.special import comb, log_expit

    right, wrong = log_expit(log_odds), log_expit(-log_odds)
    counts = range(selection.at_least, selection.at_most + 1)
    chances = [comb(selection.of, s) * np.exp(s * right + (selection.of - s) * wrong) for s in counts]
    total: Floats = np.sum(chances, axis=0)
    return total


def _sd(study: Study, cell: Cell) -> float:
    """Of all normal effects on a problem's log-odds in this cell together."""
    steer = cell.steered**2 * (study.distractor_sd**2 + study.interaction_sd**2)
    return sqrt((cell.slope * study.slope_sd) ** 2 + steer)


def _normal(sd: float, nodes: int) -> "tuple[Floats, Floats]":
    """A quadrature over a normal effect with mean 0; one node where there is none."""
    import numpy as np

    if not sd:
        return np.zeros(1), np.ones(1)
    at, weight = np.polynomial.hermite_e.hermegauss(nodes)
    return sd * at, weight / weight.sum()


def _mean(values: Any, *weights: "Floats") -> float:
    """The mean of values over all their axes, by each axis's weights."""
    import numpy as np

    return float(np.einsum("abcd,a,b,c,d->", values, *weights))
