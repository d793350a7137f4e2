"""Starting `vllm serve` for a model, waiting until it answers, and ending it with all that it started."""

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import IO, NamedTuple, Self
from urllib.parse import urlsplit

from relay.engine.guardian import Guardian
from relay.errors import Mistake, UserError

HERE = "127.0.0.1"
COMMAND = "RELAY_VLLM"  # the environment variable that says how vllm is called
LOOK = 0.25  # seconds between two looks at a server that is not there yet
LONGEST = 1800.0  # seconds to load a model
GRACE = 20.0  # seconds to end after SIGTERM
TAIL = 20  # lines of a failed server's log that are shown
NEEDED = (  # what relay asks for beside what the scenario says
    ("--enable-prompt-tokens-details",),  # else nobody says what was cached
    ("--scheduling-policy", "priority"),  # judges and short hops first
)


_alive: "set[Running]" = set()


class Wanted(NamedTuple):
    """A server that a scenario needs."""

    model: str  # what the scenario calls it
    source: str  # where vllm finds it
    url: str  # its base
    dtype: str | None = None
    context: int | None = None
    args: tuple[str, ...] = ()

    @property
    def port(self) -> int:
        """Where it listens."""
        return urlsplit(self.url).port or 80

    def command(self, vllm: Sequence[str], host: str) -> list[str]:
        """What starts it."""
        host = "::1" if (urlsplit(self.url).hostname, host) == ("::1", HERE) else host
        said = ["serve", self.source, "--served-model-name", self.model, "--host", host, "--port", str(self.port)]
        said += ["--dtype", self.dtype] if self.dtype else []
        said += ["--max-model-len", str(self.context)] if self.context else []
        said += [word for words in NEEDED if words[0] not in self.args for word in words]
        return [*vllm, *said, *self.args]


@contextlib.asynccontextmanager
async def serving(
    wanted: Wanted, command: Sequence[str], tell: Callable[[str], None] = lambda _: None
) -> AsyncIterator["Running"]:
    """The server, started and answering; `tell` hears how far it is. Raises UserError where it cannot be."""
    async with Running(wanted, command) as running:
        await running.ready(tell)
        yield running


class Running:
    """A server that relay started. `async with` ends it."""

    def __init__(self, wanted: Wanted, command: Sequence[str]) -> None:
        self.wanted = wanted
        self._command = command
        self._log: IO[bytes]
        self._process: asyncio.subprocess.Process | None = None
        self._guardian: Guardian | None = None

    async def __aenter__(self) -> Self:
        await self._refuse_taken()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  it is closed when the server has ended
        environment = {**os.environ, "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env=environment,
            start_new_session=True,  # a group of its own: Ctrl-C reaches relay, which ends it in good order
        )
        _alive.add(self)
        self._guardian = _guardian_of(self._process.pid)
        return self

    async def __aexit__(self, *_: object) -> None:
        ending = asyncio.ensure_future(self._end())
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError:  # interrupted once more: it must be gone all the same
            self.kill()
            await ending
            raise

    async def ready(self, tell: Callable[[str], None]) -> None:
        """Wait until it answers; `tell` what it said last, now and then. Raises UserError where it ends instead."""
        import httpx

        assert self._process is not None
        began = time.monotonic()
        health = f"{self.wanted.url.removesuffix('/v1')}/health"
        async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
            while self._process.returncode is None:
                with contextlib.suppress(httpx.HTTPError):
                    if (await http.get(health)).status_code == 200:
                        return
                waited = time.monotonic() - began
                if waited > LONGEST:
                    raise self._failed(f"does not answer after {LONGEST / 60:.0f} minutes")
                tell(f"{self.wanted.model}: {waited:.0f} s, {self._last_line()}")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), LOOK)
        raise self._failed(f"ended with {self._process.returncode} before it answered")

    async def ended(self) -> UserError:
        """Wait until it ends by itself; what to say of it."""
        assert self._process is not None
        code = await self._process.wait()
        return self._failed(f"ended with {code}")

    def obituary(self) -> str:
        """Where it has ended by itself, how, and what it said last; else empty."""
        if self._process is None or self._process.returncode is None or self._log.closed:
            return ""
        said = "".join(self.tail(1))[:200] or "nothing"
        return f"`vllm serve {self.wanted.source}` ended with {self._process.returncode}, and said last: {said}"

    def tail(self, lines: int = TAIL) -> list[str]:
        """The last lines of its log."""
        log = self._log.fileno()
        size = os.fstat(log).st_size
        said = os.pread(log, 1 << 16, max(0, size - (1 << 16)))  # the server writes where a seek would lead
        said_lines = said.decode(errors="replace").splitlines()
        return [line.rstrip() for line in said_lines if line.strip()][-lines:]

    async def _refuse_taken(self) -> None:
        """Raises UserError where somebody listens already: one would talk to the wrong server."""
        with contextlib.suppress(OSError, TimeoutError):
            parts = urlsplit(self.wanted.url)
            reached = asyncio.open_connection(parts.hostname, self.wanted.port)
            _, writer = await asyncio.wait_for(reached, 2)
            writer.close()
            what = "somebody listens there already"
            raise UserError(Mistake(self.wanted.url, what, "end that server, or give this one another port"))

    def _last_line(self) -> str:
        return (self.tail(1) or ["starting"])[-1][-100:]

    def _failed(self, how: str) -> UserError:
        where = f"vllm serve {self.wanted.source}"
        return UserError(
            Mistake(where, f"{how}; the last lines of its log:"), *(f"  | {line[:300]}" for line in self.tail())
        )

    async def _end(self) -> None:
        """SIGTERM, and SIGKILL for what is left of its group."""
        assert self._process is not None
        self._signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), GRACE)
        self.kill()  # engines that it started may outlive it
        await self._process.wait()
        if self._guardian is not None:
            await asyncio.to_thread(self._guardian.close)
        _alive.discard(self)
        self._log.close()

    def kill(self) -> None:
        """End it and all that it started, now."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def _guardian_of(pid: int) -> Guardian | None:
    """What ends the server where relay itself is killed; None where it has ended already."""
    import psutil

    try:
        return Guardian.of(pid)
    except psutil.NoSuchProcess:
        return None


def kill_all() -> None:
    """For a process that ends where it stands: no server outlives it."""
    for running in list(_alive):
        running.kill()


def vllm_command(said: str = "") -> list[str]:
    """How vllm is called: as said, as the environment says, from PATH, or beside this python. Raises UserError."""
    said = said or os.environ.get(COMMAND, "")
    if said:
        command = shlex.split(said)
        if not command or shutil.which(command[0]) is None:
            raise UserError(Mistake("vllm", f"there is no command {said!r}", f"say it with --vllm or ${COMMAND}"))
        return command
    beside = Path(sys.executable).with_name("vllm")
    found = shutil.which("vllm") or (str(beside) if os.access(beside, os.X_OK) else None)
    if found is None:
        raise UserError(
            Mistake("vllm", "is not installed here", f"pip install vllm, or say where: ${COMMAND}=/path/vllm")
        )
    return [found]
