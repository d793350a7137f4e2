"""A rollout's deadline: it ends the pen's own waiting, never the code of whoever reads its events."""

import asyncio

from relay.clock import clock


class Deadline:
    """Fires once, after so many seconds. Between `arm` and `disarm` it cancels the task that waits."""

    __slots__ = ("_at_once", "_cancelled", "_handle", "_left", "_task", "expired")

    def __init__(self, seconds: float) -> None:
        self.expired = seconds <= 0
        self._task: asyncio.Task[object] | None = None
        self._cancelled = self._at_once = False
        self._left = 0.0
        self._handle = None if self.expired else asyncio.get_running_loop().call_later(seconds, self._fire)

    def _fire(self) -> None:
        if not clock().jumps:  # else seconds are virtual: the engine keeps to them
            self.fire()

    def fire(self) -> None:
        """Time is up, now."""
        self.expired = True
        self.interrupt()

    def interrupt(self) -> None:
        """End the waiting, if there is any; time is not up. A second cancel would be taken for somebody else's."""
        if self._task is not None and not self._cancelled:
            self._cancelled = self._task.cancel()

    def arm(self) -> None:
        """From here on the running task only waits for an engine, and may be cancelled.

        Raises CancelledError, for `took`, if time is up: a cancel of the running task could come later, in other code.
        """
        if self.expired:
            self._at_once = True
            raise asyncio.CancelledError
        self._task = asyncio.current_task()

    def disarm(self) -> None:
        """From here on other code runs, which must not be cancelled."""
        self._task = None

    def took(self) -> bool:
        """Whether the CancelledError just caught is this deadline's alone; if so it is taken back."""
        if self._at_once:
            self._at_once = False
            return True
        task = asyncio.current_task()
        if not self._cancelled or task is None:
            return False
        self._cancelled = False
        return task.uncancel() == 0

    def hold(self) -> None:
        """The time stands still until `go_on`: a person thinks."""
        if self._handle is not None:
            self._left = max(0.0, self._handle.when() - asyncio.get_running_loop().time())
            self._handle.cancel()

    def go_on(self) -> None:
        """The time goes on from where it stood."""
        if self._handle is not None and not self.expired:
            self._handle = asyncio.get_running_loop().call_later(self._left, self._fire)

    def close(self) -> None:
        """Forget the timer."""
        if self._handle is not None:
            self._handle.cancel()
