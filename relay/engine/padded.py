"""Rows padded on the left, so that the last column is the newest token of all: for any kind of memory.

A row that has ended leaves at once; others may come in between two steps, where the memory is plain keys and values.
"""

from collections.abc import Sequence
from typing import Any

from relay.engine.batching import Passes, Row, drawn


class Padded:
    """The rows under way, with the model's memory of them."""

    def __init__(self, passes: Passes) -> None:
        self._passes = passes
        self.clear()

    def clear(self) -> None:
        """Forget all rows."""
        self.rows: list[Row] = []
        self._memory: Any = None
        self._mask: Any = None  # [rows, columns]: 1 where a token is, 0 where padding is

    @property
    def open(self) -> bool:
        """Whether rows can come in now."""
        return not self.rows or is_plain(self._memory)

    def admit(self, rows: Sequence[Row]) -> list[int]:
        """Read the prompts of new rows, which join the others; their first ids. An error leaves the others alone."""
        from transformers import DynamicCache

        longest = max(len(row.request.prompt) for row in rows)
        padding = [longest - len(row.request.prompt) for row in rows]
        ids = self._passes.tensor([[0] * pad + row.request.prompt for row, pad in zip(rows, padding, strict=True)])
        mask = self._passes.tensor([[0] * pad + [1] * (longest - pad) for pad in padding])
        memory = DynamicCache(config=self._passes.config)
        logits = self._forward(ids, mask, memory)
        if self.rows:
            memory, mask = _joined(self._memory, memory), _stacked(self._mask, mask)
        firsts = drawn(logits, rows)
        self.rows, self._memory, self._mask = [*self.rows, *rows], memory, mask
        return firsts

    def step(self) -> list[int]:
        """One more id for each row."""
        import torch

        ids = self._passes.tensor([[row.last] for row in self.rows])
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(self.rows), 1)], dim=1)
        return drawn(self._forward(ids, self._mask, self._memory), self.rows)

    def drop(self) -> None:
        """Let go of the rows that are over, and of the columns that only they needed."""
        kept = [i for i, row in enumerate(self.rows) if not row.over]
        if not kept:
            self.clear()
        elif len(kept) < len(self.rows):
            self.rows = [self.rows[i] for i in kept]
            indices = self._passes.tensor(kept)
            self._mask = self._mask[indices]
            first = int(self._mask.any(dim=0).int().argmax()) if is_plain(self._memory) else 0
            self._mask = self._mask[:, first:]
            if not first:
                self._memory.reorder_cache(indices)
                return
            for layer in self._memory.layers:
                layer.keys = layer.keys[indices, :, first:]
                layer.values = layer.values[indices, :, first:]

    def _forward(self, ids: Any, mask: Any, memory: Any) -> Any:
        positions = (mask.cumsum(dim=1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        return self._passes.forward(ids, mask, positions, memory)


def is_plain(memory: Any) -> bool:
    """Whether every layer remembers the keys and values of all columns, and nothing else."""
    from transformers.cache_utils import DynamicLayer

    return all(type(layer) is DynamicLayer for layer in memory.layers)


def _joined(these: Any, those: Any) -> Any:
    """Two plain memories as one, padded on the left."""
    from transformers import DynamicCache

    return DynamicCache(
        [
            (_stacked(a.keys, b.keys), _stacked(a.values, b.values))
            for a, b in zip(these.layers, those.layers, strict=True)
        ]
    )


def _stacked(a: Any, b: Any) -> Any:
    """Two tensors on top of each other, the shorter padded with zeros on the left of its columns.

    Columns are dimension 1 of a mask and dimension 2 of keys and values.
    """
    import torch

    dim = 1 if a.dim() == 2 else 2
    columns = max(a.shape[dim], b.shape[dim])

    def padded(t: Any) -> Any:
        missing = columns - t.shape[dim]
        behind = (0, 0) * (t.dim() - 1 - dim)
        return torch.nn.functional.pad(t, (*behind, missing, 0)) if missing else t

    return torch.cat([padded(a), padded(b)])
