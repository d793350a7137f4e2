"""Judges whom watchers ask about an open segment: each watcher reads at its own pace, place after place."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from relay.clock import Stopwatch
from relay.deadline import Deadline
from relay.errors import EngineError, TimeUpError
from relay.language.watching import Watcher
from relay.node import Act, Desk
from relay.seam.pieces import keep
from relay.seam.watched import START, Place, WatchedCut
from relay.trajectory import Segment
from relay.walk import Extra, Pen, Ruling, StopReason


class Found(NamedTuple):
    """A watcher tripped."""

    place: Place
    watcher: int
    label: str


class Reading(NamedTuple):
    """A judge was asked about what had been written up to a place."""

    place: Place
    node: str
    visit: int
    act: Act
    seconds: float  # that it took
    beside: float  # of these, while the writer wrote


class Unread(NamedTuple):
    """A place could not be read."""

    place: Place
    rest: StopReason | None  # None: a judge failed
    why: str


class Reader:
    """One watcher that asks judges."""

    def __init__(self, number: int, watcher: Watcher, desk: Desk) -> None:
        """`desk` is the visit's; the judges have one of their own beside it, with what is left of its time."""
        self.number = number
        self.watcher = watcher
        self.desk = Desk(desk.stage, desk.pen, Deadline(desk.stage.limits.seconds - desk.pen.seconds), desk.pens)
        self.rulings: dict[str, Ruling] = {}
        self.news = asyncio.Event()
        self.at = 0  # places that it has read
        self.passed = START
        self.error: Unread | None = None
        self.task: asyncio.Task[None] | None = None


class Readers:
    """The watchers of a visit that ask judges."""

    def __init__(self, desk: Desk, model: str, watchers: Sequence[Watcher]) -> None:
        self.readings: list[Reading] = []
        self.found: list[Found] = []  # trips of all watchers, those of rules too
        self.by_watcher: Mapping[int, Reader] = {i: Reader(i, w, desk) for i, w in enumerate(watchers) if w.asks}
        self._desk = desk
        self._pen = desk.pen
        self._model = model
        self._holds = [w.hold for w in watchers]
        self._ended = False  # the engine has
        self._ending = Stopwatch()

    def open(self, text: str, ids: tuple[int, ...]) -> Pen:
        """The pen as it would be, were its segment to end here. Pure."""
        pen, desk = self._pen, self._desk
        segment = Segment(pen.node, self._model, text, ids, desk.tokenizer(self._model).fingerprint, "")
        visits = {**pen.visits, pen.node: desk.visit}
        return pen._replace(trajectory=pen.trajectory.add(segment), visits=visits, tokens=pen.tokens + len(ids))

    def heed(self, cut: WatchedCut) -> None:
        """Places may have come."""
        for reader in self.by_watcher.values():
            if reader.task is None and cut.places[reader.number]:
                reader.task = asyncio.create_task(self._read_on(reader, cut))
            reader.news.set()

    async def all_read(self, cut: WatchedCut) -> bool:
        """The engine has ended: wait until all places are read. False: the rollout's time is up before."""
        if not self._ended:
            self._ended, self._ending = True, Stopwatch()
        for reader in self.by_watcher.values():
            if reader.task is not None and reader.task.done() and reader.error is None:
                reader.task = None  # it had read all there was
        self.heed(cut)
        tasks = [reader.task for reader in self.by_watcher.values() if reader.task is not None]
        try:
            if tasks:
                with self._desk.waiting():
                    await asyncio.gather(*tasks)
        except TimeUpError:
            return False
        return True

    async def aclose(self) -> None:
        """Nobody reads any more."""
        tasks = [reader.task for reader in self.by_watcher.values() if reader.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for reader in self.by_watcher.values():
            reader.desk.deadline.close()

    async def _read_on(self, reader: Reader, cut: WatchedCut) -> None:
        """Place after place, until the segment has ended and all is read, or somebody trips."""
        places = cut.places[reader.number]
        while True:
            while reader.at < len(places):
                place = places[reader.at]
                if any(found.watcher == reader.number or self._before(found, place) for found in self.found):
                    return
                try:
                    label = await self._ask(reader, place, cut)
                except TimeUpError:
                    reader.error = Unread(place, StopReason.SECONDS, "")
                except EngineError as error:
                    reader.error = Unread(place, None, str(error))
                if reader.error is not None:
                    return
                if label:
                    self.found.append(Found(place, reader.number, label))
                    if not cut.follows and not self._ended:
                        self._desk.deadline.interrupt()
                    return
                reader.passed, reader.at = place, reader.at + 1
            if self._ended:
                return
            reader.news.clear()
            await reader.news.wait()

    def _before(self, found: Found, place: Place) -> bool:
        """Whether a trip takes back what would be read at this place."""
        return self._holds[found.watcher] and found.place < place

    async def _ask(self, reader: Reader, place: Place, cut: WatchedCut) -> str:
        """Ask all judges of a watcher about the text up to a place. What trips it, or nothing."""
        desk, tokenizer = reader.desk, self._desk.tokenizer(self._model)
        ids, _ = keep(tokenizer, cut.ids, cut.prefix(place))
        pen = self.open(tokenizer.text_of(ids), ids)
        for name in reader.watcher.asks:
            watch, waiting = Stopwatch(), self._ended
            desk.turn(pen._replace(node=name), self._pen.visits.get(name, 0) + 1 + reader.at)
            act = await _said(desk)
            if act.rest is not None:
                reader.error = Unread(place, act.rest, act.why)
                return ""
            seconds = act.usage.seconds or round(watch.seconds, 3)
            waited = seconds if waiting else min(seconds, self._ending.seconds) if self._ended else 0.0
            self.readings.append(Reading(place, name, desk.visit, act, seconds, seconds - waited))
            said = act.extra or Extra()
            reader.rulings[name] = Ruling(said.label, said.score)
        pen = pen._replace(rulings={**pen.rulings, **reader.rulings})
        return tripped(reader.watcher, pen, self._desk, asking=True)


def tripped(watcher: Watcher, pen: Pen, desk: Desk, *, asking: bool) -> str:
    """Which of a watcher's conditions holds of an open pen, in words: of those that ask judges, or of the others."""
    length = pen.trajectory.segment.tokens if pen.trajectory.segment is not None else 0

    def luck() -> float:
        return desk.luck(f"{watcher.name} at {length}")

    return next((t.words for t in watcher.trips if bool(t.asks) == asking and t.holds(pen, luck)), "")


async def _said(desk: Desk) -> Act:
    """What a judge says at its desk."""
    doing = desk.stage.graph.nodes[desk.pen.node].act(desk)
    if isinstance(doing, Act):
        return doing
    act = Act()
    async for item in doing:
        act = item if isinstance(item, Act) else act
    return act
