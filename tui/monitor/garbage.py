"""When garbage is looked for: a look at all objects stops everything for a tenth of a second, so no key should wait."""

import ctypes
import gc
from contextlib import suppress
from time import monotonic

TICK = 0.1  # seconds between two thoughts of it
AGAIN = 10.0  # seconds between two looks at all that is not frozen: some MB of it come in that time
QUIET = 0.3  # seconds behind a key, after which there will hardly be one just now
AT_LAST = 30.0  # seconds, after which a look comes in any case
SETTLED = (3.0, 60.0)  # seconds from the start, after which little that is new stays: modules, then what caches hold
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
        self._looked = monotonic()

    def tick(self) -> None:
        """Look for it if it is time; what is free then goes back to the system."""
        now = monotonic()
        passed, quiet = now - self._looked, now - self.pressed > QUIET
        if passed > AT_LAST or (passed > AGAIN and quiet):
            self._looked = now
            gc.collect()
            with suppress(OSError, AttributeError):  # only glibc can
                ctypes.CDLL(None).malloc_trim(0)
