"""A recording engine: an engine that holds an engine and tells of each of its calls, once, when it has ended."""

from asyncio import CancelledError
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from itertools import chain
from time import perf_counter
from typing import NamedTuple

from relay.engine import Delta, Engine, Purpose, Request
from relay.engine.around import Around
from relay.engine.scoring import Score, Scored, scoreless, scoring
from relay.errors import EngineError
from relay.trajectory import Usage

LEFT = ""  # `failed` of a call that its caller left


class Call(NamedTuple):
    """One call of an engine, from its request to its end.

    Where it was asked how probable texts are, these are the ids, each text is a delta, and nothing was decoded.
    """

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
    """An engine whose calls are noted down, and the scores that it gives for a purpose."""

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
        except BaseException as error:
            failed = _why(error)
            raise
        finally:
            await deltas.aclose()  # from here on nobody feeds the cut
            usage = usage._replace(seconds=round(perf_counter() - began, 3))
            fed, said = tuple(request.cut.ids), (tuple(lengths), tuple(logprobs))
            self._note(Call(self._model, request.purpose, request.cell, prompt, fed, *said, usage, failed))

    def scores_for(self, purpose: Purpose, cell: str) -> Score | None:
        """The scores of the engine within, noted down."""
        score = scoring(self._engine, purpose, cell)
        return None if score is None else partial(self._score, score, purpose, cell)

    @property
    def scoreless(self) -> str:
        """Why the engine within gives none; empty where it does."""
        return scoreless(self._engine)

    async def _score(
        self, score: Score, purpose: Purpose, cell: str, prompt: Sequence[int], continuations: Sequence[Sequence[int]]
    ) -> Scored:
        found, failed, began = Scored(), None, perf_counter()
        try:
            found = await score(prompt, continuations)
        except BaseException as error:
            failed = _why(error)
            raise
        finally:
            usage = Usage(computed=len(prompt), seconds=round(perf_counter() - began, 3))
            asked = tuple(chain(*continuations)), tuple(map(len, continuations))
            said = tuple(chain(*found))
            self._note(Call(self._model, purpose, cell, tuple(prompt), *asked, said, usage, failed))
        return found


def _why(error: BaseException) -> str:
    """What a call failed with."""
    if isinstance(error, EngineError):
        return str(error)
    if isinstance(error, CancelledError | GeneratorExit):
        return LEFT
    return f"{type(error).__name__}: {error}"  # a bug of somebody's
