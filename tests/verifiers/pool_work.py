"""What the workers of the pool's tests run."""

import os
import signal
import sys
import time


def echo():
    """A function that does as it is told."""

    def work(order, value=None):
        if order == "sleep":
            time.sleep(value)
        if order == "eat":
            return len(bytearray(value))
        if order == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if order == "die once" and not os.path.exists(value):
            open(value, "w").close()
            os._exit(3)
        if order == "fail":
            raise ValueError("no such thing")
        if order == "print":
            print("x" * 100_000)
            print("x" * 100_000, file=sys.stderr)
        return [order, os.getpid()]

    return work


def broken():
    raise ImportError("no module named sums")
