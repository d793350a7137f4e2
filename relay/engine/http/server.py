"""One server: its connections, and whether it answers. The only place that speaks HTTP."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from relay.engine.http.faults import Fault, refusal
from relay.engine.http.wire import Call, Piece, Wire
from relay.errors import Mistake, UserError

if TYPE_CHECKING:
    import httpx

LOOPBACK = ("localhost", "127.0.0.1", "::1", "0.0.0.0")
CONNECT = 10.0  # seconds to be let in
IDLE = 3.0  # seconds that a connection is kept: servers drop theirs after 5, and a call could meet that
STALLED = "it said nothing for too long"
LINE = 1 << 24  # bytes that one event may have
WORDS = 1 << 16  # bytes of an error's page that are read
DONE = b"[DONE]"  # after the last event
AFTERWARDS = 8  # events that are read after the one that ends an answer
STRIKES = 3  # failures in a row after which it rests
REST = 5.0  # seconds before a server that failed is tried again


class Server:
    """One server."""

    def __init__(self, url: str, *, key: str = "", rows: int = 64, timeout: float = 300.0) -> None:
        """`url` is its base, such as http://localhost:8000/v1; `timeout` how many seconds it may say nothing."""
        import httpx

        self.url = url
        self.root = url.removesuffix("/v1")
        self.down_since: float | None = None  # since when nobody has answered there
        self.rests_until = 0.0
        self.not_before = 0.0  # it asked for no more calls until then
        self._strikes = 0
        self._key = key
        self._timeout = timeout
        try:
            httpx.URL(url).host  # noqa: B018  looked at: it may be no name
        except (httpx.InvalidURL, ValueError) as error:
            raise UserError(Mistake(repr(url), f"is no address: {error}", "http://localhost:8000/v1")) from error
        try:
            self.http = httpx.AsyncClient(
                headers={"authorization": f"Bearer {key}"} if key else {},
                timeout=httpx.Timeout(timeout, connect=min(CONNECT, timeout), pool=None),
                limits=httpx.Limits(max_connections=rows + 2, max_keepalive_connections=rows, keepalive_expiry=IDLE),
                trust_env=not is_here(url),  # a proxy for the world knows nothing of this machine
            )
        except (ImportError, ValueError) as error:
            what = f"goes through a proxy that the environment names, and it cannot be used: {error}"
            raise UserError(Mistake(url, what, "see HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY")) from error

    async def get(self, path: str) -> Any:
        """What it says there, parsed. Raises Fault."""
        return await self._json("GET", path, None)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """What it says to this, parsed. Raises Fault."""
        return await self._json("POST", path, body)

    async def pieces(self, wire: Wire, call: Call) -> AsyncGenerator[Piece, None]:
        """The answer to a call, piece by piece. Raises Fault, also where it ends without saying why.

        Leaving early closes the connection, which ends the call at the server.
        """
        reading = wire.reading(call)
        ended = more = 0
        async with self._asked("POST", wire.path, wire.body(call)) as answer, aclosing(_events(answer)) as events:
            while more <= AFTERWARDS and (event := await self._next(events)) is not None:
                piece = reading.read(event)
                ended, more = ended or bool(piece.ended), more + ended
                yield piece
        if not ended:
            raise Fault("cut stream", "its answer broke off")

    def answered(self) -> None:
        """It did what it was asked."""
        self._strikes = 0
        self.down_since = None
        self.rests_until = 0.0

    def failed(self, fault: Fault) -> None:
        """It did not."""
        now = time.monotonic()
        if not fault.gone:
            self.down_since = None
        elif self.down_since is None:
            self.down_since = now
        if fault.wait is not None:
            self.not_before = max(self.not_before, now + fault.wait)
        if fault.again and (fault.wait is None or fault.kind.startswith("5")):  # 429: it is there, and busy
            self._strikes = STRIKES if fault.gone else self._strikes + 1
            if self._strikes >= STRIKES:
                self.rests_until = now + REST

    async def aclose(self) -> None:
        """Close its connections."""
        await self.http.aclose()

    async def _next(self, events: AsyncGenerator[Mapping[str, Any], None]) -> Mapping[str, Any] | None:
        """The next event; None where there is none. Comments, which keep a connection open, are no sign of life."""
        try:
            async with asyncio.timeout(self._timeout):
                return await anext(events, None)
        except TimeoutError:
            raise Fault("stall", STALLED) from None

    async def _json(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        async with self._asked(method, path, body) as answer:
            content = await _read(answer, LINE)
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise _no_json(content) from None

    @asynccontextmanager
    async def _asked(self, method: str, path: str, body: Mapping[str, Any] | None) -> "AsyncIterator[httpx.Response]":
        """The answer to a request, open, with a good status. httpx's errors and bad statuses become Faults here."""
        import httpx

        url = self.root + path[1:] if path.startswith("//") else self.url + path
        try:
            async with self.http.stream(method, url, json=body) as answer:
                if answer.status_code != 200:
                    said = (await _read(answer, WORDS)).decode(errors="replace")
                    raise refusal(answer.status_code, answer.headers, self._without_key(said))
                yield answer
        except httpx.HTTPError as error:
            raise _fault_of(error) from error
        except Fault as fault:
            fault.what = self._without_key(fault.what)
            raise

    def _without_key(self, words: str) -> str:
        """A server may repeat the key that it was given."""
        return words.replace(self._key, "(the key)") if self._key else words


def is_here(url: str) -> bool:
    """Whether this address is one of this machine only."""
    return urlsplit(url).hostname in LOOPBACK


def _fault_of(error: Exception) -> Fault:
    """What an error of httpx means."""
    import httpx

    if isinstance(error, httpx.ConnectTimeout):
        return Fault("no connection", "it lets nobody in", gone=True)
    if isinstance(error, httpx.ConnectError):
        if "SSL" in str(error):
            return Fault("no TLS", f"there is no safe connection to it: {error}", gone=True)
        told = (
            "nobody answers there"
            if "attempts failed" in str(error)
            else f"it cannot be reached: {str(error) or 'it hangs up'}"
        )
        return Fault("no connection", told, gone=True)
    if isinstance(error, httpx.TimeoutException):
        return Fault("stall", STALLED)
    if isinstance(error, httpx.RemoteProtocolError) and "incomplete" in str(error):
        return Fault("cut stream", "its answer broke off")
    return Fault("reset", f"the connection broke ({type(error).__name__})")


async def _read(answer: "httpx.Response", most: int) -> bytes:
    content = b""
    async for some in answer.aiter_bytes():
        content += some
        if len(content) > most:
            break
    return content[:most]


async def _events(answer: "httpx.Response") -> AsyncGenerator[Mapping[str, Any], None]:
    """The events of an answer: a stream of server-sent events, or one JSON document."""
    if "event-stream" not in answer.headers.get("content-type", ""):
        yield _parsed(await _read(answer, LINE))
        return
    held, data = b"", b""
    async for some in answer.aiter_bytes():
        *lines, held = (held + some).split(b"\n")
        for line in lines:
            more = _data(line)
            if data and (
                not line.strip() or (more and _whole(data))
            ):  # not all servers end an event with an empty line
                yield _parsed(data)
                data = b""
            if more == DONE:
                return
            data = b"\n".join(filter(None, (data, more)))
        if len(held) + len(data) > LINE:
            raise Fault("bad JSON", "an event without an end")
    last = _data(held)
    if data and last and _whole(data):
        yield _parsed(data)
        data = b""
    if data := b"\n".join(filter(None, (data, last))):  # the last line may lack its end, or be cut
        yield _parsed(data)


def _data(line: bytes) -> bytes:
    """What a line of the stream carries; nothing for comments, names and empty lines."""
    return line[5:].strip() if line.startswith(b"data:") else b""


def _whole(data: bytes) -> bool:
    """Whether this is all of an event, which may have several lines."""
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def _parsed(data: bytes) -> Mapping[str, Any]:
    if data == DONE:
        return {}
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise _no_json(data) from None
    if not isinstance(found, dict):
        raise Fault("bad JSON", "what it sent is no map")
    return found


def _no_json(content: bytes) -> Fault:
    start = content[:200].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html")):
        return Fault("HTML page", "it answers with a page for people, as a proxy does")
    return Fault("bad JSON", "what it sent is no JSON")
