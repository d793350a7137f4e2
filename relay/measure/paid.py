"""The graded rollouts of each cell with what each of them cost: tokens, seconds, money, and tokens by model."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from relay.measure.graded import graded_by_number
from relay.measure.joint import Ratio, cost_ratio, mean_cost
from relay.measure.outcomes import Array, Outcomes
from relay.measure.price import Price
from relay.store.reader import Run

SPENT = """
SELECT h.rollout, coalesce(model.text, ''), coalesce(sum(h.computed), 0) + coalesce(sum(h.cached), 0),
       coalesce(sum(h.decoded), 0) + coalesce(sum(h.thrown), 0), coalesce(sum(h.ms), 0) / 1000.0
FROM step h LEFT JOIN name model ON model.id = h.model GROUP BY h.rollout, h.model
"""
KINDS = ("tokens", "seconds", "money")  # tokens: decoded, whatever became of them; seconds: of all calls, summed


class Paid(NamedTuple):
    """One cell; all columns are of one length and order."""

    outcomes: Outcomes
    costs: Mapping[str, Array]  # of KINDS; no money without prices
    written: Mapping[str, Array]  # tokens decoded by each model
    numbers: tuple[int, ...]  # of the rollouts

    def by(self, kind: str) -> Outcomes:
        """The outcomes with this cost in the place of tokens."""
        return self.outcomes._replace(tokens=self.costs[kind])

    def mean(self, kind: str) -> Ratio | None:
        """Of this cost for each graded rollout, with its interval."""
        return mean_cost(self.by(kind)) if kind in self.costs else None


def paid(run: Run, verifier: str = "", prices: Mapping[str, Price] | None = None) -> dict[int, Paid]:
    """By the number of the cell; `prices` by model, "" for all others; without any there is no money."""
    import numpy as np

    sums: dict[int, dict[str, tuple[float, float, float]]] = defaultdict(dict)
    for rollout, model, *spent in run.query(SPENT):
        sums[rollout][model] = (spent[0], spent[1], spent[2])
    models = list(dict.fromkeys(model for spent in sums.values() for model in spent if model))
    found = {}
    for cell, (numbers, outcomes) in graded_by_number(run, verifier).items():
        by_model = [sums[number] for number in numbers]
        costs = {
            "tokens": np.array([sum(s[1] for s in each.values()) for each in by_model], dtype=float),
            "seconds": np.array([sum(s[2] for s in each.values()) for each in by_model], dtype=float),
        }
        if prices:
            costs["money"] = np.array([money(each, prices) for each in by_model])
        zero = (0.0, 0.0, 0.0)
        written = {m: np.array([each.get(m, zero)[1] for each in by_model], dtype=float) for m in models}
        found[cell] = Paid(outcomes, costs, written, tuple(numbers))
    return found


def ratio(first: Paid, second: Paid, kind: str) -> Ratio | None:
    """How many times as much a right answer costs in the first cell as in the second, on the same problems."""
    if kind not in first.costs or kind not in second.costs:
        return None
    return cost_ratio(first.by(kind), second.by(kind))


def money(spent: Mapping[str, tuple[float, float, float]], prices: Mapping[str, Price]) -> float:
    """Of (prompt tokens, tokens decoded, seconds) of each model; a model without a price costs nothing."""
    total = 0.0
    for model, (read, written, _) in spent.items():
        price = prices.get(model, prices.get(""))
        if price is not None:
            total += (price.read * read + price.written * written) / 1e6
    return total
