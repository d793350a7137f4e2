"""A visit that is watched: its watchers read at their places, and the earliest trip decides what is kept of it."""

from collections.abc import Sequence
from typing import Any

from relay.errors import EngineError
from relay.language.watching import Watcher
from relay.node import Beside, Desk, Trip
from relay.node.reading_along import Found, Reader, Readers, Reading, tripped
from relay.seam.cuts import Cut
from relay.seam.watched import START, TRIPPED, Grid, Place, WatchedCut
from relay.trajectory import Segment, Usage
from relay.walk import DISCARDED, READING, TAKEN_BACK, VETOED, Extra, StopReason


class Nobody:
    """Nobody watches the visit."""

    asks = stops = False

    def make(self, *args: Any, **options: Any) -> Cut:
        """The visit's cut."""
        return Cut(*args, **options)

    def heed(self) -> bool:
        """Nothing stops the writer."""
        return False

    async def done(self) -> tuple[StopReason | None, str]:
        """Nothing has to be read."""
        return None, ""

    async def given_up(self) -> tuple[StopReason | None, str]:
        """Nothing is read."""
        return None, ""

    async def aclose(self) -> None:
        """Nothing is under way."""

    def settled(self) -> Trip | None:
        """Nobody tripped."""
        return None

    def beside(self, usage: Usage) -> tuple[tuple[Beside, ...], Usage]:
        """Nothing went on beside it."""
        return (), usage


NOBODY = Nobody()


def watching_of(desk: Desk, model: str) -> "Watching | Nobody":
    """Those who watch this visit, in which this model writes."""
    watchers = desk.stage.graph.watched.get(desk.pen.node)
    return Watching(desk, model, watchers) if watchers else NOBODY


class Watching:
    """The watchers of one visit: `heed` at each delta, `done` when the engine has ended, then `settled`, `beside`."""

    def __init__(self, desk: Desk, model: str, watchers: Sequence[Watcher]) -> None:
        self._desk = desk
        self._model = model
        self._watchers = watchers
        self._readers = Readers(desk, model, watchers)
        self._taken_back = False
        self.cut: WatchedCut

    @property
    def asks(self) -> bool:
        """Whether somebody reads in his own time."""
        return bool(self._readers.by_watcher)

    def make(self, *args: Any, **options: Any) -> WatchedCut:
        """The visit's cut."""
        grids = [Grid(w.unit, w.every) for w in self._watchers]
        self.cut = WatchedCut(*args, grids=grids, look=self._look, **options)
        return self.cut

    def _look(self, number: int, text: str, ids: Sequence[int]) -> str:
        watcher = self._watchers[number]
        if all(trip.asks for trip in watcher.trips):
            return ""
        return tripped(watcher, self._readers.open(text, tuple(ids)), self._desk, asking=False)

    def heed(self) -> bool:
        """Ids have come: let those read who read in their own time. True: stop the writer, one of them tripped."""
        if self._readers.by_watcher:
            self._readers.heed(self.cut)
        return self.stops

    @property
    def stops(self) -> bool:
        """Whether somebody tripped who reads in his own time, and the writer is to stop."""
        return bool(self._readers.found) and not self.cut.follows

    async def done(self) -> tuple[StopReason | None, str]:
        """The engine has ended: let all be read that has to be. Why the pen rests, where that cannot be; else None.

        Raises EngineError when a judge failed.
        """
        cut, readers = self.cut, self._readers
        try:
            if not readers.found and not (cut.follows and cut.stopped == TRIPPED):
                cut.finish()
            in_time = await self._all_read()
            if in_time and not readers.found and cut.stopped == TRIPPED:  # played again: it tripped at its very end
                cut.finish()
                in_time = await self._all_read()
        finally:
            await self.aclose()
        if (unread := self._unread()) is not None:
            return unread
        if not in_time and not readers.found:
            cut.keep(self._passed(), StopReason.SECONDS)
            return StopReason.SECONDS, ""
        return None, ""

    async def given_up(self) -> tuple[StopReason | None, str]:
        """A person has taken the whole visit back: what was read of it was read in vain, and the rest is not read."""
        await self.aclose()
        return None, ""

    async def aclose(self) -> None:
        """Nobody reads any more."""
        await self._readers.aclose()

    async def _all_read(self) -> bool:
        if self.cut.tripped is not None:
            number, place, label = self.cut.tripped
            self._readers.found.append(Found(place, number, label))
        return await self._readers.all_read(self.cut)

    def _unread(self) -> tuple[StopReason, str] | None:
        """Why a judge could not read what had to be read."""
        trip = min(self._readers.found, default=None)
        for reader in self._readers.by_watcher.values():
            error = reader.error
            if error is not None and (trip is None or error.place < trip.place):
                if error.rest is None:
                    raise EngineError(error.why)
                self.cut.keep(self._passed(), error.rest)
                return error.rest, error.why
        return None

    def settled(self) -> Trip | None:
        """The earliest trip, with what it leaves of the segment already decided; None: nobody tripped."""
        found = self._readers.found
        trip = min(found, default=None)
        if trip is None:
            return None
        kept = min(self._keeps(each) for each in found)
        if any(w.hold for w in self._watchers):
            kept = min(kept, self._passed())
        if kept < self._end or self.cut.stopped in ("", TRIPPED):  # else it had ended, and all of it is settled
            self.cut.keep(kept, TRIPPED)
            self._taken_back = True
        return Trip(self._watchers[trip.watcher].name, trip.label, max(0, kept.ids - trip.place.ids))

    def beside(self, usage: Usage) -> tuple[tuple[Beside, ...], Usage]:
        """What went on beside the visit, and the usage of what was kept: the rest stands with what was taken back."""
        trip = min(self._readers.found, default=None)
        order = {name: i for i, w in enumerate(self._watchers) for name in w.asks}
        readings = sorted(self._readers.readings, key=lambda r: (r.place, order[r.node]))
        vetoed = self.cut.stopped == VETOED
        asides = [_aside(r, vetoed or (trip is not None and r.place > trip.place)) for r in readings]
        if self._taken_back:
            tokenizer, node = self._desk.tokenizer(self._model), self._desk.pen.node
            ids = tuple(i for i in self.cut.ids[usage.decoded :] if i not in tokenizer.eos)
            usage = usage._replace(thrown=0)
            if ids:
                text = tokenizer.bytes_of(ids).decode(errors="replace")
                segment = Segment(node, self._model, text, ids, tokenizer.fingerprint, TAKEN_BACK)
                back = Usage(decoded=len(ids))
                asides.append(Beside(node, self._desk.visit, segment, back, -1, Extra(apart=TAKEN_BACK)))
        return tuple(asides), usage

    def _keeps(self, found: Found) -> Place:
        """What a trip leaves by itself."""
        watcher = self._watchers[found.watcher]
        if not watcher.hold:
            return self.cut.places[found.watcher][-1]
        return found.place if watcher.back is None else self.cut.back(found.place, *watcher.back)

    def _passed(self) -> Place:
        """The last place that every watcher who holds has passed."""
        tripped_at = {found.watcher: found.place for found in self._readers.found}
        passed = [self._last(i, tripped_at.get(i)) for i, watcher in enumerate(self._watchers) if watcher.hold]
        return min(passed, default=self._end)

    def _last(self, number: int, tripped_at: Place | None) -> Place:
        """The last place that this watcher has passed."""
        reader: Reader | None = self._readers.by_watcher.get(number)
        for place in reversed(self.cut.places[number]):
            if (tripped_at is None or place < tripped_at) and (reader is None or place <= reader.passed):
                return place
        return START

    @property
    def _end(self) -> Place:
        return max((places[-1] for places in self.cut.places if places), default=START)


def _aside(reading: Reading, in_vain: bool) -> Beside:
    _, node, visit, act, seconds, beside = reading
    extra = (act.extra or Extra())._replace(apart=DISCARDED if in_vain else READING, beside=beside)
    return Beside(node, visit, act.segment, act.usage._replace(seconds=seconds), act.recoded, extra)
