"""Ctrl-C, SIGTERM and SIGUSR1 end a run cleanly; said once more, when that takes too long, at once."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

PATIENCE = 1.0  # seconds in which a second signal is taken for the first: `timeout` and schedulers send two
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


class Interruption:
    """Within it, the first signal cancels a task, and a later one ends the process where it stands."""

    def __init__(self, *last: Callable[[], None]) -> None:
        """`last` is what there is to do before the process ends at once."""
        self._last = last
        self._before: dict[int, Any] = {}
        self._heard: float | None = None
        self._cancel: Callable[[], object] | None = None

    def ends(self, loop: asyncio.AbstractEventLoop, task: "asyncio.Future[Any]") -> None:
        """This is the task to cancel."""

        def cancel() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the work is done
                loop.call_soon_threadsafe(task.cancel)

        self._cancel = cancel
        if self._heard is not None:
            cancel()

    def _hear(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._heard is None:
            self._heard = now
            if self._cancel is not None:
                self._cancel()
        elif now - self._heard > PATIENCE:
            for do in self._last:
                with contextlib.suppress(Exception):
                    do()
            os._exit(130)  # as after kill -9: what was written stays, and the run can go on

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._hear) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():  # once heard, the process ends: a late signal must not change how
            signal.signal(number, before if self._heard is None else signal.SIG_IGN)
