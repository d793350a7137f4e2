"""What a batch is made of: the calls under way, a row each, and the passes through the model."""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from relay.engine import Request
from relay.engine.drawing import draw
from relay.errors import EngineError

NUMBERS = 256  # of a row, that are drawn at once


class Row:
    """One call under way, shared by the loop that waits for it and the thread that decodes it."""

    __slots__ = (
        "_generator", "_numbers", "banned", "cached", "done", "error", "last", "left", "loop", "news", "request", "told"
    )  # fmt: skip

    def __init__(self, request: Request) -> None:
        self.request = request
        self.banned = sorted(request.banned)
        self.last = -1  # its newest id, which the model has not read yet
        self.cached = 0  # ids of its prompt that were not read again
        self.told = 0  # so many of its ids are known to the loop
        self.left = False  # nobody waits for it any more
        self.done = False  # its cut has ended it
        self.error: EngineError | None = None
        self.news = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self._generator: Any = None
        self._numbers: list[float] = []

    def number(self) -> float:
        """The number in [0, 1) of its next token: the k-th hangs on the seed and k alone."""
        if not self._numbers:
            if self._generator is None:
                from numpy.random import Generator, Philox

                self._generator = Generator(Philox(key=self.request.seed))
            self._numbers = self._generator.random(NUMBERS).tolist()[::-1]
        return self._numbers.pop()

    @property
    def over(self) -> bool:
        """Whether nothing more is decoded for it."""
        return self.done or self.left or self.error is not None

    def fail(self, why: str) -> None:
        """End it with an error that says what the call was for."""
        problem, sample, node, visit, _ = self.request.purpose
        self.error = EngineError(f"{node} (visit {visit}, problem {problem.id!r}, sample {sample}): {why}")


class Batch(Protocol):
    """Rows that are decoded together: each pass gives each of them its next token."""

    rows: list[Row]

    @property
    def open(self) -> bool:
        """Whether rows can come in now."""
        ...

    def admit(self, rows: Sequence[Row]) -> list[int]:
        """Read the prompts of new rows, which join the others; their first ids. An error leaves the others alone."""
        ...

    def step(self) -> list[int]:
        """One more id for each row."""
        ...

    def drop(self) -> None:
        """Let go of the rows that are over."""
        ...

    def clear(self) -> None:
        """Forget all rows."""
        ...


class Passes:
    """A model, passed through column by column."""

    def __init__(self, model: Any, vocabulary: int) -> None:
        """Of the model's logits only the first `vocabulary` are ids; the rest pads its matrix."""
        from inspect import signature

        self.model = model
        self.config = model.config
        self._vocabulary = vocabulary
        narrow = "logits_to_keep" in signature(model.forward).parameters
        self._last_only = {"logits_to_keep": 1} if narrow else {}

    def tensor(self, values: Sequence[Any]) -> Any:
        """Whole numbers, on the model's device."""
        import torch

        return torch.tensor(values, dtype=torch.long, device=self.model.device)

    def forward(self, ids: Any, mask: Any, positions: Any, memory: Any) -> Any:
        """The logits after the last column, [rows, vocabulary] in float32."""
        out = self.model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=memory,
            use_cache=True,
            **self._last_only,
        )
        return out.logits[:, -1, : self._vocabulary].float()


def drawn(logits: Any, rows: Sequence[Row]) -> list[int]:
    """The next id of each row."""
    banned = [(i, token) for i, row in enumerate(rows) for token in row.banned]
    if banned:
        where, tokens = zip(*banned, strict=True)
        logits[list(where), list(tokens)] = -float("inf")
    hot = [row.number() if row.request.sampling.temperature > 0 else 0.0 for row in rows]
    return draw(logits, [row.request.sampling for row in rows], hot)
