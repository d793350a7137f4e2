"""The interval of a score: which one a cell gets is decided here, by how its rollouts were drawn.

| continuations of a problem | every distractor serves one problem | distractors serve several |
| --- | --- | --- |
| one | Wilson | Wilson, two-way |
| several | Korn-Graubard | Korn-Graubard, two-way |

Strata change the variance over problems, not the kind of interval.
"""

from collections.abc import Iterable, Sequence

from relay.measure.clusters import over_distractors, over_problems
from relay.measure.outcomes import Array, Layout, Outcomes, layout, outcomes
from relay.measure.proportions import Interval, Z, clopper_pearson_of, wilson, wilson_of

__all__ = ["Interval", "assumed", "bounds", "interval", "korn_graubard", "method", "of_problems", "t_of", "wilson"]
TWO_WAY, STRATA = "two-way", "in strata"  # as the names of methods say them


def bounds(correct: Array, layout: Layout) -> tuple[Array, Array]:
    """The 95 % interval for each study of correct (..., rollouts), by what the layout says of how they were drawn.

    One continuation a problem: Wilson's; several: Clopper and Pearson's (as Korn and Graubard 1998 do). Either counts
    as many trials as would stray as far, with the t quantile that pays for having estimated how far that is.
    """
    if not layout.once:
        return _korn_graubard(correct, layout)
    p = correct.mean(axis=-1)
    if layout.plain:
        return wilson_of(p, p * 0.0 + layout.n)
    return wilson_of(p, layout.n / design_effect(correct, p, layout) / (t_of(layout.df) / Z) ** 2)


def _korn_graubard(correct: Array, layout: Layout) -> tuple[Array, Array]:
    import numpy as np

    p = correct.mean(axis=-1)
    pays = (t_of(layout.df) / t_of(layout.n - 1)) ** 2
    effective = layout.n / design_effect(correct, p, layout) / pays
    return clopper_pearson_of(p, np.minimum(effective, layout.n / least(layout)))


def design_effect(correct: Array, p: Array, layout: Layout) -> Array:
    """How many times as much a share strays as one of independent trials: (...) for correct (..., rollouts).

    Where few outcomes are of the rarer kind, chance decides whether they fell on the same problems. So one more of
    them is counted as it would be if a problem's continuations were all alike: k times. With none at all nothing is
    known, and half alike is what is believed: (1 + k) / 2.
    """
    import numpy as np

    alone = np.where((p > 0) & (p < 1), p * (1 - p) * layout.n, 1.0)  # the variance of the sum of independent trials
    strays = correct - p[..., None]
    rare = np.minimum(p, 1 - p) * layout.n
    by_problem = over_problems(strays, layout) / alone
    if not layout.once:
        by_problem = np.where(rare > 0, (by_problem * rare + layout.k) / (rare + 1), (1 + layout.k) / 2)
    return np.maximum(least(layout), by_problem + over_distractors(strays, layout) / alone)


def least(layout: Layout) -> float:
    """The least design effect that is believed: strata may make a share stray less than independent trials do."""
    return 1.0 if layout.strata == 1 else 0.5


def t_of(df: int, point: float = 0.975) -> float:
    """Student's quantile."""
    from scipy.special import stdtrit  # scipy.stats takes a second to import

    return float(stdtrit(max(1, df), point))


def interval(cell: Outcomes) -> Interval | None:
    """Of the share that is correct; None when nothing was graded."""
    if not len(cell.problem):
        return None
    how = layout(cell)
    low, high = bounds(cell.correct, how)
    return Interval(float(low), float(high), method(how))


def method(layout: Layout) -> str:
    """What the interval of such a layout is called."""
    name = "Wilson" if layout.once else "Korn-Graubard"
    name = f"{name} {STRATA}" if layout.strata > 1 else name
    return name if layout.distractors is None else f"{TWO_WAY} {name}"


def assumed(methods: Iterable[str]) -> str:
    """What is random in intervals by these methods, and what they do not cover."""
    names = " ".join(methods)
    random = "problems and distractors" if TWO_WAY in names else "problems"
    inside = ", problems inside their solve rates" if STRATA in names else ""
    fixed = "" if TWO_WAY in names else "; guides, where there are any, are fixed"
    return f"over {random} drawn at random{inside}{fixed}; they do not cover how the problems were selected"


def korn_graubard(groups: Sequence[tuple[int, int]]) -> Interval:
    """Clopper-Pearson on the effective sample size, for (correct, n) of each problem (Korn and Graubard 1998).

    Continuations of one problem resemble one another, so that fewer count than were drawn: see `design_effect`.
    """
    cell = _of_groups(groups)
    low, high = _korn_graubard(cell.correct, layout(cell))
    return Interval(float(low), float(high), "Korn-Graubard")


def of_problems(groups: Sequence[tuple[int, int]]) -> Interval | None:
    """The interval that fits: (correct, n) of each problem; None when nothing was graded."""
    return interval(_of_groups(groups))


def _of_groups(groups: Sequence[tuple[int, int]]) -> Outcomes:
    return outcomes([(i, None, int(j < c)) for i, (c, n) in enumerate(groups) for j in range(n)])
