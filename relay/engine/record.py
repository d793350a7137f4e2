"""A recording engine: an engine that holds an engine and tells of each of its calls, once, when it has ended."""

from asyncio import CancelledError
from collections.abc import AsyncGenerator, Callable, Mapping
from time import perf_counter
from typing import Any, NamedTuple

from relay.engine import Delta, Engine, Purpose, Request
from relay.errors import EngineError
from relay.seam.templates import Template
from relay.seam.tokens import Tokenizer
from relay.trajectory import Usage

LEFT = ""  # `failed` of a call that its caller left


class Call(NamedTuple):
    """One call of an engine, from its request to its end."""

    model: str  # its name in the run
    purpose: Purpose
    cell: str
    prompt: tuple[int, ...]
    ids: tuple[int, ...]  # all that the cut was fed, those that were thrown away too
    deltas: tuple[int, ...]  # how many ids each delta held; what was fed beyond them was never told
    logprobs: tuple[float, ...]  # of the ids of the deltas; empty where nobody asked
    usage: Usage  # as the engine said last; its seconds are those of the whole call
    failed: str | None = None  # what the engine failed with; None: it did not


class Recording:
    """An engine whose calls are noted down. What it does not know of itself, it asks the engine within."""

    def __init__(self, model: str, engine: Engine, note: Callable[[Call], None]) -> None:
        self._model = model
        self._engine = engine
        self._note = note

    @property
    def tokenizer(self) -> Tokenizer:
        """That of the engine within."""
        return self._engine.tokenizer

    @property
    def template(self) -> Template:
        """That of the engine within."""
        return self._engine.template

    @property
    def context(self) -> int:
        """That of the engine within."""
        return self._engine.context

    @property
    def rows(self) -> int:
        """Those of the engine within."""
        return self._engine.rows

    @property
    def facts(self) -> Mapping[str, str]:
        """Those of the engine within: who records changes nothing of what is recorded."""
        return self._engine.facts

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        """What the engine within makes of this request."""
        lengths, logprobs, usage = list[int](), list[float](), Usage()
        prompt, failed, began = tuple(request.prompt), None, perf_counter()
        deltas = self._engine.extend(request)
        try:
            async for delta in deltas:
                lengths.append(len(delta.ids))
                logprobs += delta.logprobs
                usage = delta.usage or usage
                yield delta
        except EngineError as error:
            failed = str(error)
            raise
        except (CancelledError, GeneratorExit):
            failed = LEFT
            raise
        except Exception as error:  # a bug of somebody's
            failed = f"{type(error).__name__}: {error}"
            raise
        finally:
            await deltas.aclose()  # from here on nobody feeds the cut
            usage = usage._replace(seconds=round(perf_counter() - began, 3))
            fed, said = tuple(request.cut.ids), (tuple(lengths), tuple(logprobs))
            self._note(Call(self._model, request.purpose, request.cell, prompt, fed, *said, usage, failed))

    async def aclose(self) -> None:
        """Close the engine within."""
        await self._engine.aclose()

    def __getattr__(self, name: str) -> Any:
        """What else the engine within can do, such as `score`; that is not recorded."""
        return getattr(self._engine, name)
