"""Real servers for tests: `relay serve` starts `vllm serve`, and a proxy that hurts stands before it."""

import asyncio
import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random

RELAY = str(Path(sys.executable).with_name("relay"))
ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": "2",
    "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1",
}  # fmt: skip
ARGS = ("--enforce-eager", "--block-size", "32", "--no-enable-chunked-prefill", "--max-num-batched-tokens", "4096")
BLOCK = 32
SHIM = """\
#!{python}
import importlib.metadata as metadata
import sys

real = metadata.version
metadata.version = lambda name: real("vllm-cpu") + "+cpu" if name == "vllm" else real(name)

if __name__ == "__main__":
    from vllm.entrypoints.cli.main import main

    sys.exit(main())
"""
KINDS = {
    "429": "429", "500": "500", "reset": "reset", "stall": "stall", "cut": "cut stream", "half an event": "bad JSON",
    "wrong count": "wrong token count", "HTML page": "HTML page",
}  # fmt: skip
BEFORE = {
    "429": b"HTTP/1.1 429 X\r\nretry-after: 0\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
    "500": b"HTTP/1.1 500 X\r\ncontent-length: 4\r\nconnection: close\r\n\r\noops",
    "HTML page": b"HTTP/1.1 200 X\r\ncontent-type: text/html\r\ncontent-length: 20\r\nconnection: close\r\n\r\n"
    b"<html>Log in</html>\n",
}
COUNT = re.compile(rb'"completion_tokens":(\d*)(\d)')


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def vllm_in(folder: Path) -> str:
    """The command of $VLLM, or of the environment that tests run in.

    The package for CPUs (vllm-cpu 0.32) has a command that asks for the version of `vllm`, which is not installed:
    then one that asks for its own is written into this folder.
    """
    said = os.environ.get("VLLM") or str(Path(sys.executable).with_name("vllm"))
    python = Path(said).with_name("python")
    asks = "import importlib.metadata as m; m.version('vllm')"
    if not python.exists() or subprocess.run([python, "-c", asks], check=False, capture_output=True).returncode == 0:
        return said
    shim = folder / "vllm"
    shim.write_text(SHIM.format(python=python))
    shim.chmod(0o755)
    return str(shim)


@contextlib.contextmanager
def served(folder: Path, model: str = "relay/tiny") -> Iterator[str]:
    """`relay serve` with this model; its address. It must be there within five minutes, and end within half of one."""
    url = f"http://127.0.0.1:{free_port()}/v1"
    args = ", ".join(f'"{arg}"' for arg in ARGS)
    (folder / "serve.yaml").write_text(
        f"relay: 1\nmodels:\n  a: {{engine: http, model: {model}, url: {url}, dtype: float32, args: [{args}]}}\n"
        "problems: {from: sums, limit: 1}\n"
        "graph: {start: a, answer: a, nodes: {a: {write: a}}, edges: {a: end}}\n"
    )
    command = [RELAY, "serve", "serve.yaml", "--vllm", vllm_in(folder)]
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **ENVIRONMENT},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        timer = threading.Timer(300, process.terminate)
        timer.start()
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("serving"):
                break
        timer.cancel()
        assert said[-1].startswith("serving"), "".join(said)
        try:
            yield url
        finally:
            process.terminate()
            rest = process.stdout.read()
            assert process.wait(30) == 0, rest


class Proxy:
    """Stands between relay and a server, and hurts a share of the completions: which, and how, its seed says."""

    def __init__(self, behind: str, *, share: float, seed: int = 0) -> None:
        """`behind` is the address of the server."""
        self._port = int(behind.removesuffix("/v1").rpartition(":")[2])
        self._share = share
        self._draw = Random(seed)
        self._writers: set[asyncio.StreamWriter] = set()
        self.hurt: Counter[str] = Counter()
        self.calls = 0
        self.dies_at = 0  # this call is the last; 0: none is
        self.spares = 0  # so many calls at first are left alone
        self._dead = False

    @contextlib.contextmanager
    def open(self) -> Iterator[str]:
        """Listening, in a thread of its own; its address."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()

        async def listen() -> asyncio.Server:
            return await asyncio.start_server(self._serve, "127.0.0.1", 0)

        async def close() -> None:
            self._die()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self._server = asyncio.run_coroutine_threadsafe(listen(), loop).result(10)
        try:
            yield f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        finally:
            asyncio.run_coroutine_threadsafe(close(), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _die(self) -> None:
        self._dead = True
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection."""
        self._writers.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            if self._dead:
                writer.transport.abort()
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            body = await reader.readexactly(int(length[1])) if length else b""
            fault = ""
            if head.startswith(b"POST /v1/completions"):
                self.calls += 1
                if self.dies_at and self.calls >= self.dies_at:
                    self._die()
                if self.calls > self.spares and self._draw.random() < self._share:
                    fault = self._draw.choice(sorted(KINDS))
            await self._answer(
                re.sub(rb"(?i)connection: keep-alive", b"connection: close", head) + body, fault, reader, writer
            )
        self._writers.discard(writer)
        writer.close()

    async def _answer(
        self, asked: bytes, fault: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if fault in ("reset", "stall", *BEFORE):
            self.hurt[KINDS[fault]] += 1
        if fault == "reset":
            writer.transport.abort()
            return
        if fault == "stall":
            await reader.read()  # until the caller has left
            return
        if fault in BEFORE:
            writer.write(BEFORE[fault])
            await writer.drain()
            return
        theirs, ours = await asyncio.open_connection("127.0.0.1", self._port)
        ours.write(asked)
        left = asyncio.create_task(reader.read())  # ends when the caller leaves early: then so does the proxy
        try:
            await self._copy(theirs, writer, fault, left)
        finally:
            left.cancel()
            ours.transport.abort()

    async def _copy(
        self, theirs: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: str, left: "asyncio.Task[bytes]"
    ) -> None:
        """The answer, chunk by chunk; a fault falls upon the second that has ids."""
        with_ids = 0
        async for chunk in _chunks(theirs):
            with_ids += b'"token_ids"' in chunk
            sent = chunk
            if with_ids == 2 and fault:
                self.hurt[KINDS[fault]] += 1
                sent = self._spoiled(chunk, fault)
            writer.write(sent)
            await writer.drain()
            if left.done() or (sent is not chunk and fault != "wrong count"):
                return
            if sent is not chunk:
                fault = ""

    def _spoiled(self, some: bytes, fault: str) -> bytes:
        """What it sends in place of this part of the answer."""
        match fault:
            case "cut":
                return some[: len(some) // 2]
            case "half an event":
                return b'20\r\ndata: {"id": "cmpl", "choices": \r\n0\r\n\r\n'
        return COUNT.sub(lambda m: b'"completion_tokens":' + m[1] + (b"1" if m[2] != b"1" else b"2"), some)


async def _chunks(answer: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The head of an answer, then its chunks, each with its frame; of an answer without chunks what comes."""
    head = await answer.readuntil(b"\r\n\r\n")
    yield head
    if b"chunked" not in head.lower():
        while some := await answer.read(1 << 16):
            yield some
        return
    while True:
        size = await answer.readuntil(b"\r\n")
        chunk = size + await answer.readexactly(int(size, 16) + 2)
        yield chunk
        if int(size, 16) == 0:
            return
