"""Drawing the next token of every row: each by its own temperature, top-p and number, whatever the other rows are."""

from collections.abc import Sequence
from typing import Any

from relay.engine import Sampling

NO_NUMBERS = -1  # in place of an id: the model gave nothing that can be drawn from
_HEAD = 64  # so many of the most probable tokens are sorted first; where they do not hold the nucleus, 16 times as many


def draw(logits: Any, samplings: Sequence[Sampling], numbers: Sequence[float]) -> list[int]:
    """One id a row from float32 logits [rows, vocabulary]; `numbers` lie in [0, 1), one a row.

    The inverse of the distribution function over the tokens by their ids: a row's id depends on its own logits,
    sampling and number only, and not on which of two tokens that are all but equal comes first.
    """
    import torch

    best, ids = logits.max(dim=-1)
    ids = torch.where(best.isfinite(), ids, NO_NUMBERS)
    hot = [row for row, sampling in enumerate(samplings) if sampling.temperature > 0]
    if hot:
        rows = torch.tensor(hot, device=logits.device)
        temperatures, shares, targets = (
            torch.tensor(column, dtype=torch.float64, device=logits.device)[:, None]
            for column in (
                [samplings[row].temperature for row in hot],
                [samplings[row].top_p for row in hot],
                [numbers[row] for row in hot],
            )
        )
        cold = logits if len(hot) == len(samplings) else logits[rows]
        scaled = (cold - best[rows, None]) / temperatures.to(logits.dtype)  # so that the coldest do not overflow
        probabilities, whole = torch.softmax(scaled, dim=-1), (shares >= 1)[:, 0]
        drawn = torch.empty_like(rows)
        if whole.any():
            drawn[whole] = _at(probabilities[whole], targets[whole])
        if not whole.all():
            drawn[~whole] = _in_nucleus(probabilities[~whole], shares[~whole], targets[~whole], _HEAD)
        ids[rows] = torch.where(best[rows].isfinite(), drawn, NO_NUMBERS)
    chosen: list[int] = ids.tolist()
    return chosen


def _in_nucleus(probabilities: Any, shares: Any, targets: Any, most: int) -> Any:
    """The ids at these targets within the smallest head of the sorted tokens that holds these shares."""
    import torch

    size = probabilities.shape[-1]
    most = min(most, size)
    top, order = probabilities.topk(most, dim=-1)
    sums = top.double().cumsum(dim=-1)
    last = (sums < shares).sum(dim=-1, keepdim=True)
    nucleus = top.where(torch.arange(most, device=top.device) <= last, 0.0)
    order, by_id = order.sort(dim=-1)
    ids = order.gather(-1, _at(nucleus.gather(-1, by_id), targets)[:, None])[:, 0]
    beyond = (last >= most)[:, 0]
    if most < size and beyond.any():
        ids[beyond] = _in_nucleus(probabilities[beyond], shares[beyond], targets[beyond], 16 * most)
    return ids


def _at(weights: Any, targets: Any) -> Any:
    """The places where the sums of these weights, [rows, places], pass these shares of their total."""
    sums = weights.double().cumsum(dim=-1)
    total = sums[:, -1:]
    return (sums <= targets * total).sum(dim=-1).clamp(max=(sums < total).sum(dim=-1))
