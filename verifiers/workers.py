"""Worker processes that can be killed: work runs where it can neither hang nor eat nor crash the run.

A signal cannot end a tower of exponents off the main thread, nor a long call into C; the end of a process can.
The work is named "package.module:factory"; the factory is called once in the worker, after its start, and
returns the function that answers questions. Questions and replies are JSON lines over a socket.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from typing import Any, NamedTuple

from relay.clock import clock
from relay.verifiers.lines import read_line

START = 120.0  # seconds that a worker may take to start and import; a cold disk is slow
_OWN = {"PYTHONHASHSEED": "0", "PYTHONWARNINGS": "ignore"}  # sympy's order of terms, and so its time, hangs on hashes


class WorkError(Exception):
    """A question without a reply; the text says why."""

    seconds = 0.0  # that were spent on it


class LateError(WorkError):
    """There was no reply in time."""


class _DeathError(Exception):
    """The worker ended before it replied."""


class Reply(NamedTuple):
    """What the work returned, and the seconds it took."""

    kind: str  # "ok", or "failed": the value then says why
    value: Any
    seconds: float


class Pool:
    """At most so many workers, started when first needed. A question that is cut short costs its worker's life."""

    def __init__(
        self,
        work: str,
        *,
        workers: int = 2,
        seconds: float = 5.0,
        memory: int = 2 << 30,
        spare: int = 0,
    ) -> None:
        """`spare` workers are kept ready beside those at work: an import takes seconds that a question would wait."""
        self._seconds = seconds
        self._spare = spare
        self._starting: set[asyncio.Task[None]] = set()
        self._command = [sys.executable, "-P", "-m", "relay.verifiers.worker", work, str(memory), str(seconds)]
        self._free = asyncio.Semaphore(workers)
        self._idle: list[_Worker] = []
        self._alive: set[_Worker] = set()  # all that are not reaped yet
        self._closed = False

    async def ask(self, *question: Any) -> Reply:
        """What the work answers; waits for a free worker. Raises WorkError when there is no reply in time."""
        async with self._free:
            return await self._asked(question)

    async def _asked(self, question: tuple[Any, ...]) -> Reply:
        with clock().outside():
            with contextlib.suppress(_DeathError):  # perhaps it was killed from outside: once more
                return await self._try(question)
            try:
                return await self._try(question)
            except _DeathError as death:
                raise WorkError(f"{death}, twice") from None

    async def _try(self, question: tuple[Any, ...]) -> Reply:
        worker = await self._worker()
        try:
            reply = await worker.ask(question, self._seconds)
        except BaseException:  # a cancelled question too: its late reply must not reach the next
            worker.kill()
            raise
        self._idle.append(worker)
        if reply.kind == "failed":
            error = WorkError(reply.value)
            error.seconds = reply.seconds
            raise error
        return reply

    async def _worker(self) -> "_Worker":
        self._reap()
        while self._idle:
            worker = self._idle.pop()
            if worker.process.poll() is None:
                self._start_spares()
                return worker
            worker.kill()
        worker = await self._started()
        self._start_spares()
        return worker

    def _start_spares(self) -> None:
        """See to it that so many are ready, or on their way."""
        for _ in range(self._spare - len(self._idle) - len(self._starting)):
            task = asyncio.create_task(self._start_spare())
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)

    async def _start_spare(self) -> None:
        with contextlib.suppress(WorkError, RuntimeError):  # who needs one will see what is wrong
            self._idle.insert(0, await self._started())

    async def _started(self) -> "_Worker":
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
        self._alive = {worker for worker in self._alive if worker.process.poll() is None}

    async def aclose(self) -> None:
        """End every worker and wait until none is left, not even as a zombie."""
        self._closed = True
        for task in list(self._starting):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        while self._idle:
            self._idle.pop().kill()
        for worker in self._alive:
            worker.process.kill()  # a question that still waits sees its end
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
                self.process = subprocess.Popen(
                    [*command, str(os.getpid())],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C at the terminal is the parent's to decide
                    env=os.environ | _OWN,
                )
            except OSError as error:
                self._socket.close()
                raise WorkError(f"no worker could be started: {error}") from None

    async def started(self) -> None:
        """Wait until the worker has imported what it needs."""
        try:
            kind, value = await self._line(START)
        except (_DeathError, WorkError) as error:
            raise WorkError(f"no worker could be started: {error}") from None
        if kind != "ready":
            raise WorkError(f"no worker could be started: {value}")

    async def ask(self, question: tuple[Any, ...], seconds: float) -> Reply:
        """Send one question and wait for its reply."""
        started = time.perf_counter()
        data = json.dumps(question).encode() + b"\n"
        try:
            await asyncio.wait_for(asyncio.get_running_loop().sock_sendall(self._socket, data), seconds)
            kind, value = await self._line(seconds)
        except WorkError as error:
            error.seconds = time.perf_counter() - started
            raise
        except (OSError, TimeoutError):
            raise self._death() from None
        return Reply(kind, value, time.perf_counter() - started)

    async def _line(self, seconds: float) -> tuple[str, Any]:
        """The next line."""
        try:
            data = await read_line(self._socket, seconds)
        except TimeoutError:
            raise LateError(f"took longer than {seconds:g} s") from None
        if not data.endswith(b"\n"):
            raise self._death()
        kind, value = json.loads(data)
        return kind, value

    def _death(self) -> _DeathError | WorkError:
        """What the end of the process says."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(0.2)  # its socket is closed: it is ending, or was ended
        code = self.process.poll()
        if code == -signal.SIGALRM:
            return WorkError("took too long: the worker ended itself")
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with {code}"
        return _DeathError(f"the worker {how}")

    def kill(self) -> None:
        """End it now; it is reaped later."""
        self.process.kill()
        self._socket.close()
