"""When a relay pays: at which price of its other models, and at which share of accepted drafts.

Costs are tokens decoded or, where both cells have it, money. What a right answer costs is the cost of all rollouts over
the right ones, on the problems graded in both cells.
"""

from collections.abc import Callable
from typing import NamedTuple

from relay.measure.joint import Ratio, cost_ratio
from relay.measure.outcomes import Array, Outcomes
from relay.measure.paid import Paid, money
from relay.measure.price import Prices, prices_of
from relay.store.reader import Run

JUDGED = """
SELECT h.rollout, node.text, count(*), count(e.drops) FROM step h LEFT JOIN extra e ON e.id = h.id
JOIN name node ON node.id = h.node
WHERE h.node IN (SELECT s.node FROM step s JOIN extra x ON x.id = s.id WHERE x.drops IS NOT NULL)
GROUP BY h.rollout, h.node
"""
REWRITTEN = """
SELECT h.rollout, node.text, coalesce(model.text, ''), coalesce(sum(r.computed), 0) + coalesce(sum(r.cached), 0),
       coalesce(sum(r.decoded), 0) + coalesce(sum(r.thrown), 0)
FROM step h JOIN extra e ON e.id = h.id AND e.drops IS NOT NULL
JOIN step r ON r.rollout = h.rollout AND r.pen = h.pen AND r.n = h.n + 1
JOIN name node ON node.id = h.node LEFT JOIN name model ON model.id = r.model
GROUP BY h.rollout, h.node, r.model
"""
LEAST, MOST = 1e-4, 1e4  # price ratios between which a break-even is looked for
STEPS = 9  # points of its line, from 1 / 100 to 1
RESAMPLES = 2000


class Line(NamedTuple):
    """What a right answer costs over the baseline's, by the price of the other models' tokens over the baseline's."""

    model: str  # the baseline's
    others: tuple[str, ...]
    pays: float | None  # it pays where their price is lower than this times the baseline's; None: nowhere, or anywhere
    low: float | None  # 95 %; None: no end was found between LEAST and MOST
    high: float | None
    never: bool  # it costs more even where the others are free
    points: tuple[tuple[float, Ratio], ...]  # (price ratio, cost ratio)


class Accepted(NamedTuple):
    """Drafts that a judge let stand, and how many it would have to, all else as it was."""

    judge: str  # the node
    share: float  # 0..1
    pays: float  # from this share on; under 0: anywhere; over 1: nowhere
    low: float | None  # 95 %, percentiles of 2,000 joint resamples of problems; None: no end
    high: float | None


def price_line(cell: Paid, base: Paid) -> Line | None:
    """None where the baseline has several models, the cell no others, or either no right answer."""
    (model, *more) = [name for name, tokens in base.written.items() if tokens.sum()] or [""]
    others = tuple(name for name, tokens in cell.written.items() if tokens.sum() and name != model)
    if more or not model or not others:
        return None
    own, theirs = cell.written[model], sum(cell.written[name] for name in others)

    def at(price: float) -> Ratio | None:
        return cost_ratio(cell.outcomes._replace(tokens=own + price * theirs), base.by("tokens"))

    if at(1.0) is None:
        return None
    pays, high, low = (_root(at, end) for end in ("ratio", "low", "high"))
    points = [(price, at(price)) for price in (10 ** (-2 + 2 * i / (STEPS - 1)) for i in range(STEPS))]
    free = at(LEAST)
    never = pays is None and free is not None and free.ratio > 1
    return Line(model, others, pays, low, high, never, tuple((p, r) for p, r in points if r is not None))


def _root(at: Callable[[float], Ratio | None], end: str) -> float | None:
    """The price at which this end of the cost ratio is one; it grows with the price."""
    from math import log

    from scipy.optimize import brentq

    def over(exponent: float) -> float:
        found = getattr(at(10**exponent), end)
        return log(max(found, 1e-300)) if found is not None else 0.0  # whether there is one hangs not on the price

    low, high = -4.0, 4.0
    if over(low) >= 0 or over(high) <= 0:
        return None
    return float(10 ** brentq(over, low, high, xtol=1e-9))


def accepted(run: Run, cell: Paid, base: Paid, prices: Prices | None = None) -> list[Accepted]:
    """For each judge of the cell whose edge drops a draft."""
    import numpy as np

    kind, prices = "money" if {"money"} <= cell.costs.keys() & base.costs.keys() else "tokens", prices_of(run, prices)
    judged = {(rollout, node): (n, drops) for rollout, node, n, drops in run.query(JUDGED)}
    again: dict[tuple[int, str], float] = {}
    for rollout, node, model, read, written in run.query(REWRITTEN):
        cost = money({model: (read, written, 0.0)}, prices) if kind == "money" else written
        again[rollout, node] = again.get((rollout, node), 0.0) + (cost or 0.0)
    found = []
    for judge in dict.fromkeys(node for _, node in judged):
        mine = [(number, judge) for number in cell.numbers]
        visits, drops = (np.array([judged.get(key, (0, 0))[i] for key in mine], dtype=float) for i in (0, 1))
        rewritten = np.array([again.get(key, 0.0) for key in mine])
        if drops.sum() and rewritten.sum() and cell.outcomes.correct.sum() and base.outcomes.correct.sum():
            columns = (cell.costs[kind], cell.outcomes.correct, visits, drops, rewritten)
            found.append(_accepted(judge, cell.outcomes, columns, base.by(kind)))
    return found


def _accepted(judge: str, cell: Outcomes, columns: tuple[Array, ...], base: Outcomes) -> Accepted:
    import numpy as np

    size = int(max(cell.problem.max(), base.problem.max())) + 1
    own = np.array([np.bincount(cell.problem, column, size) for column in columns])
    theirs = np.array([np.bincount(base.problem, column, size) for column in (base.tokens, base.correct)])
    both = np.intersect1d(cell.problem, base.problem)
    sums = np.concatenate([own, theirs])[:, both]
    random = np.random.default_rng(1)
    drawn = random.multinomial(len(both), np.full(len(both), 1 / len(both)), RESAMPLES)
    with np.errstate(divide="ignore", invalid="ignore"):
        many = _needed(drawn @ sums.T)
    ends = np.percentile(many[~np.isnan(many)], [2.5, 97.5], method="inverted_cdf")  # one of them: some are endless
    low, high = (float(end) if np.isfinite(end) else None for end in ends)
    whole = sums.sum(axis=1)
    return Accepted(judge, float(1 - whole[3] / whole[2]), float(_needed(whole[None])[0]), low, high)


def _needed(sums: Array) -> Array:
    """The share of accepted drafts at which a right answer costs as much in both cells, for each row of sums."""
    cost, right, visits, drops, rewritten, alone, right_alone = sums.T
    allowed = alone * right / right_alone  # what these right answers cost in the baseline
    found: Array = 1 - (allowed - (cost - rewritten)) / (visits * rewritten / drops)
    return found
