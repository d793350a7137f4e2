"""Curves, contrasts and cost ratios: several cells on the same problems, which one draw of problems moves together.

Each rollout's share in the figure is added up by problem, over all cells at once, and by distractor where these are
shared. That gives the variance which resampling problems (inside their strata) and distractors for all cells at once
would give, without its noise.
"""

from collections.abc import Iterable, Sequence
from math import exp, log, sqrt
from typing import NamedTuple

from relay.measure.clusters import over_distractors, over_problems
from relay.measure.intervals import t_of, wilson
from relay.measure.outcomes import Array, Layout, Outcomes, layout

ALIKE = 1e-12  # a variance under it is none


class Joint(NamedTuple):
    """A figure of several cells, with all that its tests and intervals need; of many studies at once along the axes."""

    value: Array  # (...)
    variance: Array  # (...)
    layout: Layout  # of all its rollouts together
    problems: int


class Ratio(NamedTuple):
    """Tokens per right answer of one cell over those of another, or tokens per rollout, with its 95 % interval."""

    ratio: float
    low: float | None  # None of one problem, from which nothing follows
    high: float | None
    problems: int


def contrast(cells: Sequence[Outcomes], weights: Sequence[float]) -> Joint | None:
    """A weighted sum of cells' shares, each the mean over the problems graded in all of them; None without any.

    {1, -1}: a difference; all 1 / cells: the mean of a curve; `slope(values)`: its slope.
    """
    import numpy as np

    cells = common(cells)
    problems = len(np.unique(cells[0].problem))
    if not problems:
        return None
    value, parts = np.zeros(()), []
    for cell, weight in zip(cells, weights, strict=True):
        each = 1 / problems / np.bincount(cell.problem)[cell.problem]  # a problem counts as much as any other
        share = (each * cell.correct).sum(axis=-1)
        value = value + weight * share
        parts.append(weight * each * (cell.correct - share[..., None]))
    return _joint(value, np.concatenate(parts, axis=-1), cells, problems)


def cost_ratio(first: Outcomes, second: Outcomes) -> Ratio | None:
    """How many times as many tokens a right answer costs in the first cell as in the second, on the same problems.

    On the logarithm's scale, by the delta method, with Student's t. None where a cell has no right answer or no tokens.
    """
    import numpy as np

    value, parts, cells = 0.0, [], common([first, second])
    for cell, sign in zip(cells, (1, -1), strict=True):
        if cell.tokens is None or not cell.tokens.sum() or not cell.correct.sum():
            return None
        value += sign * log(cell.tokens.sum() / cell.correct.sum())
        parts.append(sign * (cell.tokens / cell.tokens.sum() - cell.correct / cell.correct.sum()))
    found = _joint(np.asarray(value), np.concatenate(parts), cells, len(np.unique(cells[0].problem)))
    return _ratio(value, found)


def mean_cost(cell: Outcomes) -> Ratio | None:
    """Tokens for each rollout, with the interval that `cost_ratio` would give; None without any."""
    import numpy as np

    if cell.tokens is None or not cell.tokens.sum():
        return None
    mean, n = float(cell.tokens.mean()), len(cell.tokens)
    found = _joint(np.asarray(log(mean)), (cell.tokens / mean - 1) / n, [cell], len(np.unique(cell.problem)))
    return _ratio(log(mean), found)


def _ratio(logarithm: float, found: Joint) -> Ratio:
    if found.problems < 2:
        return Ratio(exp(logarithm), None, None, found.problems)
    half = t_of(found.layout.df) * sqrt(float(found.variance))
    return Ratio(exp(logarithm), exp(logarithm - half), exp(logarithm + half), found.problems)


def slope(values: Sequence[float]) -> list[float]:
    """The weights with which `contrast` gives the least-squares slope over these values, such as each cell's m."""
    mean = sum(values) / len(values)
    square = sum((v - mean) ** 2 for v in values)
    return [(v - mean) / square for v in values]


def bounds(found: Joint, reach: float = 1.0, confidence: float = 0.95) -> tuple[float, float]:
    """Student's t interval, within -reach..reach.

    Where all problems are alike: at least so many of all problems are as these, and the others may be anything.
    """
    point = (1 + confidence) / 2
    value, variance = float(found.value), float(found.variance)
    if variance < ALIKE:
        alike = wilson(found.problems, found.problems, t_of(10**9, point)).low
        low, high = alike * value - (1 - alike) * reach, alike * value + (1 - alike) * reach
    else:
        half = t_of(found.layout.df, point) * sqrt(variance)
        low, high = value - half, value + half
    return max(-reach, low), min(reach, high)


def common(cells: Sequence[Outcomes]) -> list[Outcomes]:
    """The same cells, on the problems that are graded in all of them."""
    import numpy as np

    shared = cells[0].problem
    for cell in cells[1:]:
        shared = np.intersect1d(shared, cell.problem)
    return [_only(cell, np.isin(cell.problem, shared)) for cell in cells]


def together(cells: Sequence[Outcomes]) -> Outcomes:
    """All rollouts of several cells."""
    import numpy as np

    columns = zip(*cells, strict=True)
    return Outcomes(*(None if column[0] is None else np.concatenate(column, axis=-1) for column in columns))  # type: ignore[arg-type]


def only(cell: Outcomes, problems: Iterable[int]) -> Outcomes:
    """The rollouts of these problems."""
    import numpy as np

    return _only(cell, np.isin(cell.problem, list(problems)))


def _only(cell: Outcomes, kept: Array) -> Outcomes:
    return Outcomes(*(None if column is None else column[..., kept] for column in cell))  # type: ignore[arg-type]


def _joint(value: Array, parts: Array, cells: Sequence[Outcomes], problems: int) -> Joint:
    how = layout(together(cells))
    return Joint(value, over_problems(parts, how) + over_distractors(parts, how), how, problems)
