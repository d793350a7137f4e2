"""The engine `transformers`: real models on this machine, on CPU or CUDA, several calls decoded together.

One thread owns the model. Calls reach it through a queue; it wakes the event loop when a call ends, and every
NEWS seconds for those under way. torch uses as many threads as it finds cores: OMP_NUM_THREADS says otherwise.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field

from relay.engine import Delta, Request
from relay.engine.batching import Batch, Passes, Row
from relay.engine.drawing import NO_NUMBERS
from relay.engine.loading import Loaded, first_line, load
from relay.engine.padded import Padded
from relay.engine.slots import Slots
from relay.language.scenario import Model
from relay.language.shapes import Count, Says
from relay.trajectory import Usage

T = TypeVar("T")

NEWS = 0.05  # seconds between two looks of the loop at a call under way
SIBLINGS = 0.005  # seconds that an idle engine waits for calls to come with the first
PROMPTS = 8192  # prompt tokens, padding included, that are read at once
CLOSED = "the engine was closed"

Device = Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:[0-9]{1,3})?)$"), Says("auto, cpu, cuda or cuda:0")]


class TransformersModel(Model):
    """A model that runs in this process, through torch and transformers."""

    engine: Literal["transformers"] = "transformers"
    model: str  # a hub id, a folder, a .gguf file, or a name that relay knows: relay/smollm2
    revision: str | None = None  # of a hub model: a branch, a tag or a commit
    gguf_file: str | None = None  # the file of a folder or hub model that holds the weights as GGUF
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"  # auto: float32 on CPU, else the model's own
    device: Device = "auto"  # auto: CUDA where there is one
    batch: Count = 16  # calls decoded together

    async def open(self, *, deterministic: bool = False) -> "Transformers":
        """The engine, loaded. Deterministic: one call at a time, so that none depends on what else runs."""
        loaded = await _in_thread(partial(load, self))
        return Transformers(loaded, batch=1, reuse=False) if deterministic else Transformers(loaded, batch=self.batch)


class Transformers:
    """An engine that holds a model of transformers."""

    def __init__(self, loaded: Loaded, *, batch: int = 16, reuse: bool = True) -> None:
        """With `reuse` a prompt's beginning that was read before is not read again, where the model's memory allows."""
        self.tokenizer = loaded.tokenizer
        self.template = loaded.template
        self.context = loaded.context
        self.facts: Mapping[str, str] = loaded.facts
        self.rows = 2 * batch  # calls that keep it busy: one batch under way, one waiting
        self._size = batch
        self._reuse = reuse
        self._slots = loaded.slots
        self._calls: SimpleQueue[Row | None] = SimpleQueue()  # None: close
        self._feeding = Lock()  # held while cuts are fed: a call that was left keeps its cut as it is
        self._closed = False
        self._thread = Thread(target=self._decode, args=(loaded.model,), name="relay transformers", daemon=True)
        self._thread.start()

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Continue the prompt; every delta carries the usage so far."""
        row, cut, computed, seen = Row(request), request.cut, len(request.prompt), 0
        if self._closed:
            row.fail(CLOSED)
        elif not 0 < computed < self.context:
            row.fail(f"a prompt of {computed} tokens does not fit into a context of {self.context}")
        if row.error is not None:
            raise row.error
        self._calls.put(row)
        try:
            while True:
                await row.news.wait()
                row.news.clear()
                done = row.done
                if row.error is not None:
                    raise row.error
                new = tuple(cut.ids[seen:])
                seen += len(new)
                yield Delta(new, Usage(computed - row.cached, row.cached, seen))
                if done:
                    return
        finally:
            with self._feeding:
                row.left = True

    async def aclose(self) -> None:
        """End the calls under way and let go of the model."""
        if not self._closed:
            self._closed = True
            self._calls.put(None)
            await asyncio.to_thread(self._thread.join)

    def _decode(self, model: Any) -> None:
        """The thread that owns the model: admit, step, hand out, until the engine is closed."""
        import torch

        passes = Passes(model, self.tokenizer.size)
        batch: Batch = Slots(passes, self._size, reuse=self._reuse) if self._slots else Padded(passes)
        waiting: deque[Row] = deque()
        told = monotonic()
        with torch.inference_mode():
            while self._collect(batch, waiting):
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

    def _advance(self, batch: Batch, group: Sequence[Row]) -> None:
        """Read the prompts of a new group, or decode one more id for all; let go of those that are over."""
        rows = group or batch.rows
        try:
            ids = batch.admit(group) if group else batch.step()
            with self._feeding:
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
                row = self._calls.get_nowait() if patience == 0.0 else self._calls.get(timeout=patience)
            except Empty:
                return True
            if row is None:
                return False
            waiting.append(row)
            patience = 0.0 if batch.rows or len(waiting) >= self._size else SIBLINGS

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


async def _in_thread(load: Callable[[], T]) -> T:
    """What this returns or raises, in a thread that does not keep the process alive when it is interrupted."""
    loop = asyncio.get_running_loop()
    loaded: asyncio.Future[T] = loop.create_future()

    def say(result: T | None, error: BaseException | None) -> None:
        if loaded.done():
            return
        if error is not None:
            loaded.set_exception(error)
        else:
            loaded.set_result(result)  # type: ignore[arg-type]  # None only beside an error

    def work() -> None:
        said: tuple[T | None, BaseException | None]
        try:
            said = load(), None
        except BaseException as error:
            said = None, error
        try:
            loop.call_soon_threadsafe(say, *said)
        except RuntimeError:  # interrupted: the loop is gone
            return

    Thread(target=work, name="relay loading", daemon=True).start()
    return await loaded
