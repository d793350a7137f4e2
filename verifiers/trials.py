"""Trials of programs: each has a candidate of its own, in a sandbox that is used once, and a tester that lives on.

Candidates are started before they are needed. The tester talks with the candidate over a socket that it is handed, so
that the run's loop is in no call's way.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from relay.verifiers.lines import read_line
from relay.verifiers.sandbox import Sandbox

START = 60.0  # seconds that a process may take to start
GRACE = 1.0  # seconds over the deadline that a tester has to say so
_MOST = 8  # workers, where nobody says how many


class TrialError(Exception):
    """There is no finding; the text says why."""


class Finding(NamedTuple):
    """What a trial showed."""

    outcome: str
    why: str
    seconds: float


class Trials:
    """At most so many trials at once; the others wait."""

    def __init__(self, sandbox: Sandbox, *, workers: int = 0, seconds: float = 10.0, memory: int = 1 << 30) -> None:
        """`seconds` are those of a trial; `memory` is in bytes, for each candidate. No workers: one a core."""
        self._sandbox = sandbox
        self._seconds = seconds
        self._memory = memory
        self._most = workers or min(os.cpu_count() or 1, _MOST)
        self._free = asyncio.Semaphore(self._most)
        self._waiting: list[_Process] = []  # candidates
        self._testers: list[_Process] = []
        self._alive: set[_Process] = set()  # all that are not reaped
        self._closed = False

    async def find(self, **job: Any) -> Finding:
        """What this job shows; it is given a candidate when the tester asks for one. Raises TrialError."""
        async with self._free:
            started = time.perf_counter()
            found = None if job["form"] in ("function", "call") else await self._tried(job, alone=True)
            if found is None or found[0] == "candidate":
                found = await self._tried(job, alone=False)
            return Finding(*found, time.perf_counter() - started)

    async def _tried(self, job: Mapping[str, Any], *, alone: bool) -> tuple[str, str]:
        with contextlib.suppress(_Death):  # perhaps it was killed from outside: once more
            return await self._try(job, alone)
        try:
            return await self._try(job, alone)
        except _Death:
            raise TrialError("the tester ended, twice") from None

    async def _try(self, job: Mapping[str, Any], alone: bool) -> tuple[str, str]:
        async with contextlib.AsyncExitStack() as stack:
            tester = await self._ready(self._testers, "tester")
            stack.callback(tester.kill)
            candidate = None
            if not alone:
                candidate = await self._ready(self._waiting, "candidate")
                stack.callback(candidate.kill)
                self._prepare()
            try:
                outcome, why = await self._ask(tester, candidate, job)
            except TimeoutError:  # the tests themselves hang, on what the program gave them
                return "wrong", f"took longer than {self._seconds:g} s"
            if candidate is not None:
                candidate.kill()
            stack.pop_all()
            self._testers.append(tester)
            return outcome, why

    async def _ask(self, tester: "_Process", candidate: "_Process | None", job: Mapping[str, Any]) -> tuple[str, str]:
        data = json.dumps({**job, "seconds": self._seconds}).encode() + b"\n"
        try:
            socket.send_fds(tester.socket, [b"."], [candidate.socket.fileno()] if candidate is not None else [])
            if candidate is not None:
                candidate.socket.close()  # the tester has it now
            sending = asyncio.get_running_loop().sock_sendall(tester.socket, data)
            await asyncio.wait_for(sending, self._seconds)
            line = await read_line(tester.socket, self._seconds + GRACE)
        except TimeoutError:
            raise
        except OSError:
            raise _Death from None
        if not line.endswith(b"\n"):
            raise _Death
        outcome, why = json.loads(line)
        return outcome, why

    async def _ready(self, those: "list[_Process]", role: str) -> "_Process":
        while those:
            process = those.pop(0)
            if not process.ended():
                if not process.said:
                    await self._greeted(process)
                return process
            process.kill()
        return await self._started(role)

    def _prepare(self) -> None:
        """Start candidates, so that as many wait as there can be trials."""
        while len(self._waiting) < self._most and not self._closed:
            self._waiting.append(self._launch("candidate"))

    async def _started(self, role: str) -> "_Process":
        process = self._launch(role)
        await self._greeted(process)
        return process

    def _launch(self, role: str) -> "_Process":
        if self._closed:
            raise RuntimeError("the trials are closed")
        self._reap()
        process = _Process(self._sandbox, role, int(self._seconds) + 1 if role == "candidate" else 0, self._memory)
        self._alive.add(process)
        return process

    async def _greeted(self, process: "_Process") -> None:
        """Wait until it is ready."""
        try:
            line = await read_line(process.socket, START)
        except TimeoutError:
            process.kill()
            raise TrialError(f"no sandbox started within {START:g} s") from None
        except BaseException:
            process.kill()
            raise
        if not line.endswith(b"\n"):
            why = process.complaint()
            process.kill()
            raise TrialError(f"no sandbox could be started: {why}")
        process.said = True

    def _reap(self) -> None:
        self._alive = {process for process in self._alive if not process.reaped()}

    async def aclose(self) -> None:
        """End everything and wait until nothing is left."""
        self._closed = True
        for process in list(self._alive):  # bubblewrap killed while it builds its walls leaves a process behind
            if not process.said and not process.killed:
                with contextlib.suppress(TrialError):
                    await self._greeted(process)
        for process in self._alive:
            process.kill()
        self._waiting.clear()
        self._testers.clear()
        for _ in range(2000):
            self._reap()
            if not self._alive:
                break
            await asyncio.sleep(0.005)


class _Death(Exception):  # noqa: N818
    """The tester ended before it replied."""


class _Process:
    """The run's end of one process in the sandbox."""

    def __init__(self, sandbox: Sandbox, role: str, seconds: int, memory: int) -> None:
        self.said = False  # that it is ready
        self.killed = False
        self.socket, theirs = socket.socketpair()
        self.socket.setblocking(False)
        with theirs:
            try:
                self.popen: subprocess.Popen[bytes] = sandbox.start(
                    role, theirs.fileno(), seconds=seconds, memory=memory
                )
            except OSError as error:
                self.socket.close()
                raise TrialError(f"no sandbox could be started: {error}") from None

    def complaint(self) -> str:
        """What it said before it ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(1)
        if self.popen.stderr is None or self.popen.poll() is None:
            return "it closed its socket"
        said = self.popen.stderr.read(10_000).decode(errors="replace").strip()
        return said.splitlines()[-1][:300] if said else f"it ended with {self.popen.returncode}"

    def kill(self) -> None:
        """End it now, with all that it started; it is reaped later."""
        self.killed = True
        if self.popen.returncode is None:  # not reaped: its number, and its group's, are still its own
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.popen.pid, signal.SIGKILL)
        self.socket.close()

    def ended(self) -> bool:
        """Whether it is over, though not yet reaped."""
        if self.popen.returncode is not None:
            return True
        return os.waitid(os.P_PID, self.popen.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def reaped(self) -> bool:
        """Whether it is gone. One that ended by itself stays until it is killed: it may have left others behind."""
        if not self.killed or self.popen.poll() is None:
            return False
        if self.popen.stderr is not None:
            self.popen.stderr.close()
        return True
