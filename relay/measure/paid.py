"""The graded rollouts of each cell with what each of them cost: tokens, seconds, money, and tokens by model."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from relay.measure.graded import graded_by_number
from relay.measure.joint import Ratio, cost_ratio, mean_cost
from relay.measure.outcomes import Array, Outcomes
from relay.measure.price import Prices, payer_of, price_of, prices_of
from relay.store.reader import Run

SPENT = """
SELECT h.rollout, coalesce(model.text, ''), r.cell, h.node, coalesce(sum(h.computed), 0) + coalesce(sum(h.cached), 0),
       coalesce(sum(h.decoded), 0) + coalesce(sum(h.thrown), 0), coalesce(sum(h.ms), 0) / 1000.0
FROM step h JOIN rollout r ON r.id = h.rollout LEFT JOIN name model ON model.id = h.model
GROUP BY h.rollout, h.model, h.node
"""
Spent = tuple[float, float, float]  # prompt tokens, tokens decoded, seconds
KINDS = ("tokens", "seconds", "money")  # tokens: decoded, whatever became of them; seconds: of all calls, summed


class Paid(NamedTuple):
    """One cell; all columns are of one length and order."""

    outcomes: Outcomes
    costs: Mapping[str, Array]  # of KINDS; no money where tokens of one of its models have no price
    written: Mapping[str, Array]  # tokens decoded by each model
    numbers: tuple[int, ...]  # of the rollouts

    def by(self, kind: str) -> Outcomes:
        """The outcomes with this cost in the place of tokens."""
        return self.outcomes._replace(tokens=self.costs[kind])

    def mean(self, kind: str) -> Ratio | None:
        """Of this cost for each graded rollout, with its interval."""
        return mean_cost(self.by(kind)) if kind in self.costs else None


def paid(run: Run, verifier: str = "", prices: Prices | None = None) -> dict[int, Paid]:
    """By the number of the cell; by these prices, and where they say nothing by the scenario's."""
    import numpy as np

    sums, prices = _spent(run), prices_of(run, prices)
    models = list(dict.fromkeys(model for spent in sums.values() for model in spent if model))
    found = {}
    for cell, (numbers, outcomes) in graded_by_number(run, verifier).items():
        by_model = [sums[number] for number in numbers]
        costs = {
            "tokens": np.array([sum(s[1] for s in each.values()) for each in by_model], dtype=float),
            "seconds": np.array([sum(s[2] for s in each.values()) for each in by_model], dtype=float),
        }
        amounts = [money(each, prices) for each in by_model]
        if None not in amounts:
            costs["money"] = np.array(amounts)
        zero = (0.0, 0.0, 0.0)
        written = {m: np.array([each.get(m, zero)[1] for each in by_model], dtype=float) for m in models}
        found[cell] = Paid(outcomes, costs, written, tuple(numbers))
    return found


def _spent(run: Run) -> dict[int, dict[str, Spent]]:
    """By rollout and model."""
    rows = run.query(SPENT)
    payer = payer_of(((cell, node), model) for _, model, cell, node, *_ in rows)
    sums: dict[int, dict[str, Spent]] = defaultdict(dict)
    for rollout, named, cell, node, *spent in rows:
        model = payer((cell, node), named)
        read, written, seconds = sums[rollout].get(model, (0.0, 0.0, 0.0))
        sums[rollout][model] = (read + spent[0], written + spent[1], seconds + spent[2])
    return sums


def ratio(first: Paid, second: Paid, kind: str) -> Ratio | None:
    """How many times as much a right answer costs in the first cell as in the second, on the same problems."""
    if kind not in first.costs or kind not in second.costs:
        return None
    return cost_ratio(first.by(kind), second.by(kind))


def money(spent: Mapping[str, Spent], prices: Prices) -> float | None:
    """What the tokens of each model cost together; None where one has tokens, and these no price."""
    each = [price_of(prices, model).of(read, written) for model, (read, written, _) in spent.items() if read or written]
    return None if None in each else sum(amount or 0.0 for amount in each)
