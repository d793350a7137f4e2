"""How many calls of an engine wait for their first token, and how many are being answered."""

from collections.abc import AsyncGenerator, Mapping
from typing import NamedTuple
from weakref import WeakKeyDictionary

from relay.engine import Delta, Engine, Request
from relay.engine.around import Around
from relay.seam.cuts import Cut


class Calls(NamedTuple):
    """Calls under way."""

    waiting: int  # nothing has come of them yet: they stand in a queue, or their prompt is read
    answered: int  # tokens come


class Queue(Around):
    """An engine whose calls under way can be counted. What is said passes it by: it costs a line a call."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._open: WeakKeyDictionary[AsyncGenerator[Delta, None], Cut] = WeakKeyDictionary()

    def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        """What the engine within makes of it."""
        deltas = self._engine.extend(request)
        self._open[deltas] = request.cut
        return deltas

    @property
    def calls(self) -> Calls:
        """Those that have not ended."""
        fed = [bool(cut.ids) for deltas, cut in self._open.items() if getattr(deltas, "ag_frame", None) is not None]
        return Calls(len(fed) - sum(fed), sum(fed))


def queued(engines: Mapping[str, Engine]) -> dict[str, Queue]:
    """These engines, counted; one that has two names is counted once, under the first."""
    known: dict[int, Queue] = {}
    return {name: known.setdefault(id(engine), Queue(engine)) for name, engine in engines.items()}


def calls_of(engines: Mapping[str, Queue]) -> dict[str, Calls]:
    """By model."""
    first = {id(queue): name for name, queue in reversed(list(engines.items()))}
    return {name: engines[name].calls for name in sorted(first.values())}
