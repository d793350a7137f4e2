"""Models that take turns on one GPU: one is awake, and the others' weights wait in the machine's memory.

The one that is awake goes on as long as anybody calls it. So a whole wave of rollouts passes through one model before
the next one is woken, and a run of many rollouts changes models as often as a single rollout does.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Protocol

from relay.engine import Delta, Engine, Request
from relay.errors import EngineError


class Sleeper(Engine, Protocol):
    """An engine that can give its GPU to another one."""

    async def sleep(self) -> None:
        """Let go of the GPU; nobody calls it."""

    async def wake(self) -> None:
        """Be as before."""

    async def score(self, prompt: Sequence[int], continuations: Sequence[Sequence[int]]) -> list[tuple[float, ...]]:
        """As `relay.engine.Scores` has it."""
        ...


class Turns:
    """Whose turn it is."""

    def __init__(self) -> None:
        self._awake: Sleeper | None = None
        self._calls = 0  # of the one that is awake
        self._waiting: dict[int, tuple[Sleeper, list[asyncio.Future[None]]]] = {}
        self._changing: asyncio.Task[None] | None = None

    async def clear(self) -> None:
        """Nobody is awake: another model can be loaded. Nobody may call meanwhile."""
        if self._awake is not None:
            awake, self._awake = self._awake, None
            await awake.sleep()

    def add(self, engine: Sleeper) -> "Turned":
        """A model that was just loaded, and is awake."""
        self._awake = engine
        return Turned(engine, self)

    @asynccontextmanager
    async def turn(self, engine: Sleeper) -> AsyncIterator[None]:
        """Within it this model is awake."""
        if self._awake is engine and self._changing is None:
            self._calls += 1
        else:
            await self._wait(engine)
        try:
            yield
        finally:
            self._calls -= 1
            self._change()

    async def _wait(self, engine: Sleeper) -> None:
        """Until it is awake; the call is counted by then."""
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        _, queue = self._waiting.setdefault(id(engine), (engine, []))
        queue.append(granted)
        self._change()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled() and granted.exception() is None:
                self._calls -= 1
                self._change()
            elif granted in queue:
                queue.remove(granted)
            raise

    def _change(self) -> None:
        if self._calls == 0 and self._changing is None and any(queue for _, queue in self._waiting.values()):
            self._changing = asyncio.get_running_loop().create_task(self._give())

    async def _give(self) -> None:
        """Wake the model that most calls wait for, once nobody calls the one that is awake."""
        try:
            await asyncio.sleep(0)  # who has just left may come again at once
            engine = self._next()
            if engine is None:
                return
            if self._awake is not engine:
                await self.clear()
                await engine.wake()
                self._awake = engine
            for granted in self._waiting.pop(id(engine))[1]:
                if not granted.done():
                    self._calls += 1
                    granted.set_result(None)
        except Exception as error:  # who waits must hear of it
            for _, queue in self._waiting.values():
                for granted in queue:
                    if not granted.done():
                        granted.set_exception(EngineError(f"the GPU cannot pass to another model: {error}"))
            self._waiting.clear()
        finally:
            self._changing = None
            self._change()

    def _next(self) -> Sleeper | None:
        """The one that is awake, where calls wait for it; else the one that most calls wait for."""
        waiting = [(engine is self._awake, len(queue), engine) for engine, queue in self._waiting.values() if queue]
        return max(waiting, key=lambda each: each[:2])[2] if waiting else None


class Turned:
    """An engine whose calls wait for its turn."""

    def __init__(self, engine: Sleeper, turns: Turns) -> None:
        self.tokenizer, self.template, self.context = engine.tokenizer, engine.template, engine.context
        self.rows, self.facts = engine.rows, dict[str, str](engine.facts)
        self._engine, self._turns = engine, turns

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Continue the prompt when it is this model's turn."""
        async with self._turns.turn(self._engine), aclosing(self._engine.extend(request)) as deltas:
            async for delta in deltas:
                yield delta

    async def score(self, prompt: Sequence[int], continuations: Sequence[Sequence[int]]) -> list[tuple[float, ...]]:
        """Score when it is this model's turn."""
        async with self._turns.turn(self._engine):
            return await self._engine.score(prompt, continuations)

    async def aclose(self) -> None:
        """Give back what it holds."""
        await self._engine.aclose()
