"""When garbage is looked for: a look at all objects stops everything for a tenth of a second, so no key should wait."""

import ctypes
import gc
from contextlib import suppress
from time import monotonic

EVERY = 60.0  # seconds between two looks at all that is not frozen
QUIET = 2.0  # seconds without a key, after which there will hardly be one just now
TRIES = 5  # a look is put off so often where keys are pressed, and comes then
SELDOM = (5_000, 10, 10_000)  # new objects are looked at now and then by themselves, all of them never


def settle() -> None:
    """What is there by now stays, and no look at all objects looks at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)


class Garbage:
    """Looks for it when nobody presses a key."""

    def __init__(self) -> None:
        self.pressed = 0.0  # when a key was pressed last, by the monotonic clock
        self._put_off = 0

    def collect(self) -> None:
        """Now, or the next time; what is free then goes back to the system."""
        self._put_off += 1
        if monotonic() - self.pressed > QUIET or self._put_off > TRIES:
            self._put_off = 0
            gc.collect()
            with suppress(OSError, AttributeError):  # only glibc can
                ctypes.CDLL(None).malloc_trim(0)
