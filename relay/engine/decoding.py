"""The thread that owns a model: it admits calls, steps those under way, and tells the loops that wait for them."""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import Any

from relay.engine.batching import Batch, Passes, Row, Scoring
from relay.engine.drawing import NO_NUMBERS
from relay.engine.loading import first_line
from relay.engine.padded import Padded
from relay.engine.slots import Slots
from relay.errors import EngineError

NEWS = 0.05  # seconds between two looks of the loop at a call under way
SIBLINGS = 0.005  # seconds that an idle engine waits for calls to come with the first
PROMPTS = 8192  # prompt tokens, padding included, that are read at once
CLOSED = "the engine was closed"


class Decoder:
    """A running thread; calls reach it through `put`."""

    def __init__(self, model: Any, vocabulary: int, size: int, *, slots: bool, reuse: bool) -> None:
        self.feeding = Lock()  # held while cuts are fed: a call that was left keeps its cut as it is
        self._calls: SimpleQueue[Row | Scoring | None] = SimpleQueue()  # None: close
        self.put = self._calls.put
        self._size = size
        self._passes = Passes(model, vocabulary)
        self._batch: Batch = Slots(self._passes, size, reuse=reuse) if slots else Padded(self._passes)
        self._scorings: deque[Scoring] = deque()
        self._thread = Thread(target=self._decode, name="relay transformers", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """End the calls under way, and the thread."""
        self._calls.put(None)
        await asyncio.to_thread(self._thread.join)

    def _decode(self) -> None:
        """The thread that owns the model: admit, step, hand out, until the engine is closed."""
        import torch

        batch = self._batch
        waiting: deque[Row] = deque()
        told = monotonic()
        with torch.inference_mode():
            while self._collect(batch, waiting):
                while self._scorings:
                    self._score(self._scorings.popleft())
                group = self._group(batch, waiting)
                rows = group or list(batch.rows)
                if not rows:
                    continue
                self._advance(batch, group)
                late = monotonic() - told > NEWS
                told = monotonic() if late else told
                _tell(row for row in {*rows, *batch.rows} if row.over or (late and row.told < len(row.request.cut.ids)))
        for row in (*batch.rows, *waiting):
            row.fail(CLOSED)
        _tell([*batch.rows, *waiting])
        for scoring in self._scorings:
            scoring.tell(EngineError(CLOSED))

    def _score(self, scoring: Scoring) -> None:
        try:
            scoring.tell(scoring.read(self._passes))
        except Exception as error:  # whatever torch raises
            scoring.tell(EngineError(f"cannot score {len(scoring.continuations)} texts: {first_line(error)}"))

    def _advance(self, batch: Batch, group: Sequence[Row]) -> None:
        """Read the prompts of a new group, or decode one more id for all; let go of those that are over."""
        rows = group or batch.rows
        try:
            ids = batch.admit(group) if group else batch.step()
            if ids:
                with self.feeding:
                    _feed(rows, ids)
        except Exception as error:  # whatever torch raises: these calls fail, the next ones are served
            _fail(rows, error)
        try:
            batch.drop()
        except Exception as error:
            _fail(batch.rows, error)
            batch.clear()

    def _collect(self, batch: Batch, waiting: deque[Row]) -> bool:
        """Take what has arrived; wait for it when there is nothing to do. False: close."""
        patience: float | None = 0.0
        if not batch.rows and not waiting:
            patience = None
        while True:
            try:
                call = self._calls.get_nowait() if patience == 0.0 else self._calls.get(timeout=patience)
            except Empty:
                return True
            match call:
                case None:
                    return False
                case Scoring():
                    self._scorings.append(call)
                case Row():
                    waiting.append(call)
            patience = 0.0 if batch.rows or self._scorings or len(waiting) >= self._size else SIBLINGS

    def _group(self, batch: Batch, waiting: deque[Row]) -> list[Row]:
        """The calls to admit now, first come, first served: not one by one, and not more than can be read at once."""
        free = self._size - len(batch.rows)
        group: list[Row] = []
        if not batch.open or free * 8 < self._size:
            return group
        longest = 0
        while waiting and len(group) < free:
            if waiting[0].left:
                waiting.popleft()
                continue
            longest = max(longest, len(waiting[0].request.prompt))
            if group and longest * (len(group) + 1) > PROMPTS:
                break
            group.append(waiting.popleft())
        return group


def _feed(rows: Sequence[Row], ids: Sequence[int]) -> None:
    """Give each row its next id."""
    for row, new in zip(rows, ids, strict=True):
        if row.left:
            continue
        if new == NO_NUMBERS:
            row.fail("the model gave no numbers (nan): another `dtype:` may help")
            continue
        row.last = new
        try:
            row.done = row.request.cut.feed((new,))
        except Exception as error:  # a broken cut must not take the siblings along
            row.fail(first_line(error))


def _fail(rows: Sequence[Row], error: Exception) -> None:
    """End rows with what torch raised, and free what it held."""
    import torch

    why = first_line(error)
    if isinstance(error, torch.OutOfMemoryError):
        why = f"out of memory with {len(rows)} calls at once: a smaller `batch:` may help ({why})"
        torch.cuda.empty_cache()
    for row in rows:
        if not row.over:
            row.fail(why)


def _tell(rows: Iterable[Row]) -> None:
    """Wake those who wait for these rows: one call into each loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Row]] = {}
    for row in rows:
        row.told = len(row.request.cut.ids)
        if not row.left:
            by_loop.setdefault(row.loop, []).append(row)
    for loop, its in by_loop.items():
        try:
            loop.call_soon_threadsafe(_wake, its)
        except RuntimeError:  # the loop is closed: nobody waits
            for row in its:
                row.left = True


def _wake(rows: Sequence[Row]) -> None:
    for row in rows:
        row.news.set()
