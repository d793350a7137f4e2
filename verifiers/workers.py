"""Worker processes that can be killed: work runs where it can neither hang nor eat nor crash the run.

A signal cannot end a tower of exponents off the main thread, nor a long call into C; the end of a process can.
The work is named "package.module:factory"; the factory is called once in the worker, after its start, and
returns the function that answers questions. Questions and replies are JSON lines over a socket.
"""

import asyncio
import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

START = 120.0  # seconds that a worker may take to start and import; a cold disk is slow
_HASHES = {"PYTHONHASHSEED": "0"}  # sympy's order of terms, and with it its time, hangs on it


class WorkFailed(Exception):
    """A question without a reply; the text says why."""


class _Died(Exception):
    """The worker ended before it replied."""


class Reply(NamedTuple):
    """What the work returned, and the seconds it took."""

    value: Any
    seconds: float


class Pool:
    """At most so many workers, started when first needed. A question that is cut short costs its worker's life."""

    def __init__(self, work: str, *, workers: int = 2, seconds: float = 5.0, memory: int = 2 << 30) -> None:
        self._seconds = seconds
        self._command = [sys.executable, "-P", "-m", __name__, work, str(os.getpid()), str(memory), str(seconds)]
        self._free = asyncio.Semaphore(workers)
        self._idle: list[_Worker] = []
        self._alive: set[_Worker] = set()  # all that are not reaped yet
        self._closed = False

    async def ask(self, *question: Any) -> Reply:
        """What the work answers; waits for a free worker. Raises WorkFailed when there is no reply in time."""
        async with self._free:
            started = time.perf_counter()
            try:
                return await self._try(question, self._seconds)
            except _Died as death:  # perhaps from outside: once more
                left = self._seconds - (time.perf_counter() - started)
                if left <= 0:
                    raise WorkFailed(str(death)) from None
            try:
                return await self._try(question, left)
            except _Died as death:
                raise WorkFailed(f"{death}, twice") from None

    async def _try(self, question: tuple[Any, ...], seconds: float) -> Reply:
        worker = await self._worker()
        try:
            reply = await worker.ask(question, seconds)
        except BaseException:  # a cancelled question too: its late reply must not reach the next
            worker.kill()
            raise
        self._idle.append(worker)
        return reply

    async def _worker(self) -> "_Worker":
        self._reap()
        while self._idle:
            worker = self._idle.pop()
            if worker.process.poll() is None:
                return worker
            worker.kill()
        if self._closed:
            raise RuntimeError("the pool is closed")
        worker = _Worker(self._command)
        self._alive.add(worker)
        try:
            await worker.started()
        except BaseException:
            worker.kill()
            raise
        return worker

    def _reap(self) -> None:
        self._alive -= {w for w in self._alive if w.process.poll() is not None and w.killed}

    async def aclose(self) -> None:
        """End every worker and wait until none is left, not even as a zombie."""
        self._closed = True
        self._idle.clear()
        for worker in self._alive:
            worker.kill()
        for _ in range(1000):
            self._reap()
            if not self._alive:
                break
            await asyncio.sleep(0.005)


class _Worker:
    """The parent's end of one worker process; one question at a time."""

    def __init__(self, command: list[str]) -> None:
        self._socket, theirs = socket.socketpair()
        self._socket.setblocking(False)
        with theirs:
            try:
                self.process = subprocess.Popen(  # a session of its own: Ctrl-C at the terminal is the parent's to decide
                    [*command[:-3], str(os.getpid()), *command[-2:]],
                    stdin=theirs,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                    env=os.environ | _HASHES,
                )
            except OSError as error:
                self._socket.close()
                raise WorkFailed(f"no worker could be started: {error}") from None
        self.killed = False

    async def started(self) -> None:
        """Wait until the worker has imported what it needs."""
        try:
            kind, value = await self._line(START)
        except _Died as death:
            raise WorkFailed(f"no worker could be started: {death}") from None
        if kind != "ready":
            raise WorkFailed(f"no worker could be started: {value}")

    async def ask(self, question: tuple[Any, ...], seconds: float) -> Reply:
        """Send one question and wait for its reply."""
        started = time.perf_counter()
        data = json.dumps(question).encode() + b"\n"
        try:
            await asyncio.wait_for(asyncio.get_running_loop().sock_sendall(self._socket, data), seconds)
        except (OSError, TimeoutError):
            raise self._death() from None
        kind, value = await self._line(seconds)
        if kind == "failed":
            raise WorkFailed(value)
        return Reply(value, time.perf_counter() - started)

    async def _line(self, seconds: float) -> tuple[str, Any]:
        """The next line. A reply that came while the loop was busy counts, however late it is read."""
        loop = asyncio.get_running_loop()
        came: asyncio.Future[None] = loop.create_future()
        data = bytearray()

        def read() -> None:
            with contextlib.suppress(BlockingIOError, InterruptedError):
                try:
                    part = self._socket.recv(1 << 16)
                except ConnectionError:
                    part = b""
                data.extend(part)
                if (not part or part.endswith(b"\n")) and not came.done():
                    came.set_result(None)

        loop.add_reader(self._socket, read)
        try:
            await asyncio.wait([came], timeout=seconds)
            if not came.done():
                read()
        finally:
            loop.remove_reader(self._socket)
        if data.endswith(b"\n"):
            kind, value = json.loads(data)
            return kind, value
        if came.done():
            raise self._death()
        raise WorkFailed(f"took longer than {seconds:g} s")

    def _death(self) -> _Died | WorkFailed:
        """What the end of the process says."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(0.2)  # its socket is closed: it is ending, or was ended
        code = self.process.poll()
        if code == -signal.SIGALRM:
            return WorkFailed("took too long: the worker ended itself")
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with {code}"
        return _Died(f"the worker {how}")

    def kill(self) -> None:
        """End it now; it is reaped later."""
        if not self.killed:
            self.killed = True
            self.process.kill()
            self._socket.close()


def main() -> None:
    """The worker's own side: answer questions until the parent is gone."""
    work, parent, memory, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    _guard(parent, memory)
    stream = socket.socket(fileno=0).makefile("rwb")

    def say(kind: str, value: Any) -> None:
        stream.write(json.dumps([kind, value]).encode() + b"\n")
        stream.flush()

    try:
        module, _, factory = work.partition(":")
        answer = getattr(importlib.import_module(module), factory)()
    except Exception as error:
        return say("failed", f"{type(error).__name__}: {error}")
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
            return None
    return None


def _answered(answer: Callable[..., Any], question: list[Any]) -> tuple[str, Any]:
    try:
        return "ok", answer(*question)
    except MemoryError:
        return "failed", "took more memory than it may"
    except Exception as error:
        return "failed", f"{type(error).__name__}: {error}"[:300]


def _peak() -> int:
    """Bytes of memory that this process ever held at once."""
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
