"""What a batch is made of: the calls under way, a row each, and the passes through the model."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

from relay.engine import Request
from relay.engine.drawing import draw
from relay.errors import EngineError

NUMBERS = 256  # of a row, that are drawn at once


class Row:
    """One call under way, shared by the loop that waits for it and the thread that decodes it."""

    __slots__ = (
        "_generator", "_numbers", "banned", "cached", "done", "entropy", "error", "last", "left", "logprobs", "loop",
        "news", "request", "told",
    )  # fmt: skip

    def __init__(self, request: Request) -> None:
        self.request = request
        self.banned = sorted(request.banned)
        self.last = -1  # its newest id, which the model has not read yet
        self.logprobs: list[float] = []  # of its ids, where they are asked for
        self.entropy: float | None = None  # of what its first id was drawn from, where that is asked for
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
        """Read the prompts of new rows, which join the others; their first ids, or none: then the next step has them.

        An error leaves the others alone.
        """
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

    def logprobs(self, rows: Sequence[list[int]], columns: int) -> Any:
        """What may follow each of the last columns of these rows, [rows, columns, vocabulary], natural."""
        longest = max(map(len, rows))
        padding = [longest - len(row) for row in rows]
        ids = self.tensor([[0] * pad + row for row, pad in zip(rows, padding, strict=True)])
        mask = self.tensor([[0] * pad + [1] * (longest - pad) for pad in padding])
        keep = {"logits_to_keep": columns} if self._last_only else {}
        positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
        out = self.model(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False, **keep)
        return out.logits[:, -columns:, : self._vocabulary].float().log_softmax(dim=-1)


def drawn(logits: Any, rows: Sequence[Row]) -> list[int]:
    """The next id of each row."""
    banned = [(i, token) for i, row in enumerate(rows) for token in row.banned]
    if banned:
        where, tokens = zip(*banned, strict=True)
        logits[list(where), list(tokens)] = -float("inf")
    hot = [row.number() if row.request.sampling.temperature > 0 else 0.0 for row in rows]
    ids = draw(logits, [row.request.sampling for row in rows], hot)
    asked = [i for i, row in enumerate(rows) if row.request.logprobs]
    if asked:
        chosen = logits[asked].log_softmax(dim=-1)[list(range(len(asked))), [ids[i] for i in asked]].tolist()
        for i, value in zip(asked, chosen, strict=True):
            rows[i].logprobs.append(value)
    unsure = [i for i, row in enumerate(rows) if row.request.entropy and row.entropy is None]
    if unsure:
        from torch.special import entr

        for i, value in zip(unsure, entr(logits[unsure].softmax(dim=-1)).sum(dim=-1).tolist(), strict=True):
            rows[i].entropy = value
    return ids


class Scoring:
    """Continuations whose probabilities are asked for, shared by the loop that waits and the thread that reads them."""

    def __init__(self, prompt: Sequence[int], continuations: Sequence[Sequence[int]]) -> None:
        self.prompt = list(prompt)
        self.continuations = [list(c) for c in continuations]
        self.loop = asyncio.get_running_loop()
        self.found: asyncio.Future[list[tuple[float, ...]]] = self.loop.create_future()

    def tell(self, found: list[tuple[float, ...]] | Exception) -> None:
        """What came of it, from the thread to the loop."""
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            self.loop.call_soon_threadsafe(self._take, found)

    def _take(self, found: list[tuple[float, ...]] | Exception) -> None:
        if self.found.done():
            return
        if isinstance(found, Exception):
            self.found.set_exception(found)
        else:
            self.found.set_result(found)

    def read(self, passes: Passes) -> list[tuple[float, ...]]:
        """One pass over the prompt with each continuation; where all are of one id, over the prompt alone."""
        if all(len(c) == 1 for c in self.continuations):
            (logprobs,) = passes.logprobs([self.prompt], 1).tolist()
            return [(logprobs[0][c[0]],) for c in self.continuations]
        longest = max(map(len, self.continuations))
        rows = [[*self.prompt, *c[:-1]] for c in self.continuations]
        found = passes.logprobs(rows, longest)
        told = []
        for c, row in zip(self.continuations, found, strict=True):
            told.append(tuple(row[longest - len(c) + k, i].item() for k, i in enumerate(c)))
        return told
