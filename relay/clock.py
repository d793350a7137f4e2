"""Virtual time: a clock that jumps to the next thing that happens, when nothing else has anything left to do.

Simulated engines wait for it in place of sleeping. It stands still while real work is under way (`outside`), so that
what happens first does not hang on how fast this machine is.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from time import perf_counter
from weakref import WeakKeyDictionary

TURNS = 6  # turns of the event loop without a new wait, after which nobody has anything left to do


class Clock:
    """The virtual seconds of one event loop, from 0."""

    def __init__(self) -> None:
        self.now = 0.0
        self.jumps = False  # whether anybody has waited for it: then the seconds that count are virtual
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._number = 0
        self._outside = 0
        self._turns = 0
        self._turning = False

    async def until(self, then: float) -> None:
        """Wait until it is that late."""
        future = asyncio.get_running_loop().create_future()
        self._number += 1
        self.jumps = True
        heappush(self._waiting, (max(then, self.now), self._number, future))
        self._turns = 0
        self._stir()
        await future

    @contextmanager
    def outside(self) -> Iterator[None]:
        """While this lasts real work is waited for, and no virtual time passes."""
        self._outside += 1
        try:
            yield
        finally:
            self._outside -= 1
            self._turns = 0
            self._stir()

    def _stir(self) -> None:
        if self._waiting and not self._turning and not self._outside:
            self._turning = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        """Once a turn of the loop, while somebody waits: when nothing has happened for some turns, go to the next."""
        self._turning = False
        self._turns += 1
        if self._turns > TURNS and not self._outside and self._waiting:
            then, _, future = heappop(self._waiting)
            self._turns = 0
            if not future.done():  # else whoever waited was cancelled
                self.now = then
                future.set_result(None)
        self._stir()


_CLOCKS: "WeakKeyDictionary[asyncio.AbstractEventLoop, Clock]" = WeakKeyDictionary()


class Stopwatch:
    """Seconds since it was made: virtual ones where engines wait for the clock."""

    def __init__(self) -> None:
        self._real, self._virtual = perf_counter(), clock().now

    @property
    def seconds(self) -> float:
        """So many until now."""
        here = clock()
        return here.now - self._virtual if here.jumps else perf_counter() - self._real


def clock() -> Clock:
    """The clock of the running event loop."""
    return _CLOCKS.setdefault(asyncio.get_running_loop(), Clock())
