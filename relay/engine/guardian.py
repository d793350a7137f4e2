"""A small process that ends others when this one is gone: a relay that is killed leaves no model on the GPU."""

import subprocess
import sys
from collections.abc import Iterable, Sequence

_WATCH = """\
import os, signal, sys
sys.stdin.buffer.read()  # until whoever holds the other end is gone
import psutil
for word in sys.argv[1:]:
    pid, _, since = word.partition(":")
    try:
        process = psutil.Process(int(pid))
        if str(process.create_time()) == since:  # else the number is another's by now
            if os.getpgid(process.pid) == process.pid:  # it leads a group: those that it started go with it
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
    except (psutil.Error, OSError):
        pass
"""


class Guardian:
    """Ends these processes, by their ids and the times they began, when this process ends, however that happens."""

    def __init__(self, processes: Iterable[str]) -> None:
        """Each is written `id:since`, as `begun_since` says it."""
        command = [sys.executable, "-c", _WATCH, *processes]
        nobody = subprocess.DEVNULL
        self._watch = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=nobody, stderr=nobody, start_new_session=True
        )

    @classmethod
    def of(cls, pid: int) -> "Guardian":
        """Of this process of ours, which runs, and of its group where it leads one."""
        import psutil

        return cls([f"{pid}:{psutil.Process(pid).create_time()}"])

    def close(self) -> None:
        """They have ended, or are to end now."""
        if self._watch.stdin is not None:
            self._watch.stdin.close()
        self._watch.wait()


def running() -> list[str]:
    """The processes below this one, as `id:since`."""
    import psutil

    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            found.append(f"{process.pid}:{process.create_time()}")
        except psutil.Error:  # it has just ended
            continue
    return found


def begun_since(before: Sequence[str]) -> list[str]:
    """Those that were not there before."""
    return [process for process in running() if process not in before]
