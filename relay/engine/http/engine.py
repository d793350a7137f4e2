"""The engine that asks servers: it throttles, tries again, and moves rollouts from a server that is gone."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from random import uniform
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, Protocol

from relay.engine import Delta, Request
from relay.engine.http import scoring
from relay.engine.http.faults import Fault
from relay.engine.http.fleet import MOVE, Fleet
from relay.engine.http.job import Job
from relay.engine.http.server import Server
from relay.engine.http.wire import Wire
from relay.engine.vllm_sampling import refused
from relay.errors import EngineError
from relay.seam.templates import Template
from relay.seam.tokens import Tokenizer

if TYPE_CHECKING:
    from tenacity import AsyncRetrying, RetryCallState

FIRST, LONGEST = (
    0.5,
    30.0,
)  # seconds before the second try, and at most; doubled in between, and up to FIRST more by chance
SOON = 0.01  # seconds that clocks may differ by
PATIENCE = 60.0  # seconds without a sign of any server, after which calls fail at the first try


class Throttle(Protocol):
    """Lets so many calls begin within so many seconds."""

    async def acquire(self) -> None:
        """Wait for one's turn."""


class Served(NamedTuple):
    """A model behind a wire, with all that an engine shows of it."""

    model: str
    wire: Wire
    tokenizer: Tokenizer
    template: Template
    context: int
    bans: bool  # whether the servers are known to draw no banned id
    facts: Mapping[str, str]
    notes: tuple[str, ...]  # what the user should know of them


class Http:
    """An engine that holds the connections to one model's servers."""

    def __init__(
        self,
        served: Served,
        servers: list[Server],
        *,
        rows: int = 64,
        retries: int = 8,
        throttle: Throttle | None = None,
    ) -> None:
        """`retries` is how many tries in a row may bring nothing before the call fails."""
        self.tokenizer = served.tokenizer
        self.template = served.template
        self.context = served.context
        self.facts = served.facts
        self.notes = served.notes
        self.rows = rows
        self.failures: Counter[str] = Counter()  # tries that failed, by kind, mended or not
        self.holds = AsyncExitStack()  # what lives as long as it does
        self.obituaries: list[Callable[[], str]] = []  # of the servers that were started for it
        self.given_up = 0  # calls of which the last try failed too
        self._served = served
        self._fleet = Fleet(servers, patience=PATIENCE)
        self._retries = retries
        self._throttle = throttle
        self._first = FIRST
        self._at_once = asyncio.Semaphore(rows)

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Continue the prompt; every delta carries the usage so far."""
        job = Job(request, self.tokenizer, bans=self._served.bans)
        computed = len(request.prompt)
        if not 0 < computed < self.context:
            job.fail(f"a prompt of {computed} tokens does not fit into a context of {self.context}")
        if request.logprobs:
            job.fail(f"{self._served.model}: engine http gives no log-probabilities")
        if self._served.wire.name == "vllm" and (why := refused(request)):
            job.fail(why)
        if job.error is not None:
            raise job.error
        asking = asyncio.create_task(self._ask(job))
        seen, ids = 0, request.cut.ids
        try:
            while not asking.done():
                await job.news.wait()
                job.news.clear()
                if job.error is not None:
                    break
                if seen < len(ids) and not job.over:
                    new = tuple(ids[seen:])
                    seen += len(new)
                    yield Delta(new, job.usage)
            await asking
            if job.error is not None:
                raise job.error
            yield Delta(tuple(ids[seen:]), job.usage)
        finally:
            asking.cancel()  # leaving early ends the call at the server, before anybody goes on
            with suppress(asyncio.CancelledError):
                await asking

    async def score(self, prompt: Sequence[int], continuations: Sequence[Sequence[int]]) -> list[tuple[float, ...]]:
        """The natural log-probability of each id of each continuation of this prompt; only vLLM's format has it."""
        longest = len(prompt) + max(map(len, continuations), default=0)
        if self._served.wire.name != scoring.WIRE:
            raise EngineError(f"a server that is asked by `api: {self._served.wire.name}` says no log-probabilities")
        if not prompt or not all(continuations) or longest >= self.context:  # one more is drawn
            raise EngineError(f"cannot score {longest} tokens in a context of {self.context}, or nothing at all")
        return list(await asyncio.gather(*(self._score([*prompt, *c], len(prompt)) for c in continuations)))

    async def _score(self, ids: list[int], first: int) -> tuple[float, ...]:
        """Of these ids from the first on, over as many tries as it takes. Raises EngineError."""
        fruitless = 0

        async def once() -> tuple[float, ...]:
            nonlocal fruitless
            server = self._fleet.pick(None)
            await self._turn(server)
            try:
                answer = await server.post(scoring.PATH, scoring.body(self._served.model, ids))
                found = scoring.read(answer, ids, first)
            except Fault as fault:
                fruitless += 1
                server.failed(fault)
                self.failures[fault.kind] += 1
                fault.what = f"{server.url}: {fault.what}"
                raise
            server.answered()
            return found

        try:
            async with self._at_once:
                return await self._tries(lambda: fruitless)(once)
        except Fault as fault:
            self.given_up += 1
            raise EngineError(f"{self._served.model}: cannot score: {fault.what}") from fault

    async def aclose(self) -> None:
        """Close the connections, and end the servers that were started for it."""
        async with self.holds:
            for server in self._fleet.servers:
                await server.aclose()

    async def _ask(self, job: Job) -> None:
        """Try until the cut has ended, or until it makes no sense to."""
        try:
            async with self._at_once:
                await self._tries(lambda: job.fruitless)(self._try, job)
        except Fault as fault:
            self.given_up += 1
            died = filter(None, (said() for said in self.obituaries))
            job.fail("; ".join((f"{self._served.model}: {fault.what}", *died)))
        finally:
            job.news.set()

    def _tries(self, fruitless: Callable[[], int]) -> "AsyncRetrying":
        """Does it again and again, until so many tries in a row were fruitless."""
        from tenacity import AsyncRetrying, retry_if_exception

        return AsyncRetrying(
            retry=retry_if_exception(lambda error: isinstance(error, Fault) and error.again),
            stop=lambda _: fruitless() > self._retries or self._fleet.lost,
            wait=self._pause,
            reraise=True,
        )

    async def _try(self, job: Job) -> None:
        server = self._fleet.pick(job.request.purpose)
        await self._turn(server)
        try:
            async with aclosing(server.pieces(self._served.wire, job.call())) as pieces:
                async for piece in pieces:
                    job.take(piece)
                    if job.over and not job.ending:
                        break
            if not job.over:
                job.short()
                raise Fault("short answer", "it ended before its time", wait=0.0)
        except Fault as fault:
            server.failed(fault)
            self.failures[fault.kind] += 1
            job.tried()
            if not job.over:
                fault.what = f"{server.url}: {fault.what}"
                raise
        else:
            server.answered()

    async def _turn(self, server: Server) -> None:
        """Wait until this server and the throttle let a call begin; either may have changed its mind meanwhile."""
        while True:
            await asyncio.sleep(max(0.0, server.not_before - monotonic()))
            if self._throttle is not None:
                await self._throttle.acquire()
            if server.not_before <= monotonic() + SOON:
                return

    def _pause(self, state: "RetryCallState") -> float:
        """Seconds before the next try: as the server says, or longer from try to try, with jitter."""
        from tenacity import wait_exponential, wait_random

        fault = state.outcome.exception() if state.outcome is not None else None
        if isinstance(fault, Fault):
            if (fault.gone or (fault.wait or 0.0) > MOVE) and self._fleet.someone:
                return 0.0  # another server takes over
            if fault.wait is not None:
                return fault.wait + uniform(0, min(self._first, fault.wait))
        return wait_exponential(multiplier=self._first, max=LONGEST)(state) + wait_random(0, self._first)(state)
