"""A worker's own side: it answers questions until its parent is gone, within bounds of time and memory.

Run by `relay.verifiers.workers` as a process of its own; it imports no more than its work needs.
"""

import contextlib
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any


def main() -> None:
    """Bind this process, make ready, and answer line by line."""
    work, memory, seconds, parent = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    _guard(parent, memory)
    stream = socket.socket(fileno=0).makefile("rwb")

    def say(kind: str, value: Any) -> None:
        stream.write(json.dumps([kind, value]).encode() + b"\n")
        stream.flush()

    try:
        module, _, factory = work.partition(":")
        answer = getattr(importlib.import_module(module), factory)()
    except Exception as error:
        say("failed", f"{type(error).__name__}: {error}")
        return
    say("ready", None)
    for line in stream:
        signal.setitimer(signal.ITIMER_REAL, seconds + 1)  # ends the process even if the parent cannot
        kind, value = _answered(answer, json.loads(line))
        signal.setitimer(signal.ITIMER_REAL, 0)
        peak = _peak()
        if peak > memory / 2:
            kind, value = "failed", f"took more than {memory / 2**31:.3g} GB of memory"
        say(kind, value)
        if peak > memory / 4:  # what was eaten does not come back; the next question gets a fresh worker
            return


def _answered(answer: Callable[..., Any], question: list[Any]) -> tuple[str, Any]:
    try:
        return "ok", answer(*question)
    except MemoryError:
        return "failed", "took more memory than it may have"
    except Exception as error:
        return "failed", f"{type(error).__name__}: {error}"[:300]


def _peak() -> int:
    """Bytes of memory that this process ever held at once, and not its parent, whose peak Linux counts in ru_maxrss."""
    if sys.platform == "linux":
        with open("/proc/self/status", "rb") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith(b"VmHWM:"))
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _guard(parent: int, memory: int) -> None:
    """Bound this process, and tie its life to the parent's."""
    import ctypes
    import resource

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)  # sent to a whole job; the parent decides what becomes of its workers
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for what, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(OSError, ValueError):  # macOS bounds no address space
            resource.setrlimit(what, (most, most))
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:  # it died before that
        os._exit(0)


if __name__ == "__main__":
    main()
