"""A recording engine: an engine that holds an engine and tells of each of its calls, once, when it has ended."""

from asyncio import CancelledError
from collections.abc import AsyncGenerator, Callable
from time import perf_counter
from typing import NamedTuple

from relay.engine import Delta, Engine, Purpose, Request
from relay.engine.around import Around
from relay.errors import EngineError
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


class Recording(Around):
    """An engine whose calls are noted down; not what else it can do, such as `score`."""

    def __init__(self, model: str, engine: Engine, note: Callable[[Call], None]) -> None:
        super().__init__(engine)
        self._model = model
        self._note = note

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
