"""Many rollouts at once: a bounded number in flight, their hops recorded, each graded when it ends.

A rollout that fails is data: its siblings go on. A record that cannot be written ends the run, once.
"""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from traceback import walk_tb
from typing import Any, NamedTuple, Protocol

from relay.clock import clock
from relay.errors import RelayError, SeamError
from relay.events import HopCommitted, RolloutEnded, Tokens
from relay.node import Stage, Ticks
from relay.node.answered import Answer, answer_in
from relay.node.people import People
from relay.runtime import rollout
from relay.store.asking import Asked
from relay.store.gathered import Graded
from relay.walk import ROOT, Hop, StopReason, Walk

FLUSH = 0.25  # seconds between two flushes
ROOM = 10_000  # hops that may wait for a flush before the rollouts wait for it


class Job(NamedTuple):
    """One rollout to walk: its number in the run, the cell it belongs to, and where it stands."""

    id: int
    cell: int
    walk: Walk
    stage: Stage


class Recorder(Protocol):
    """What keeps the outcome of a batch: the run file, or the pool."""

    def hop(self, job: Job, hop: Hop) -> None:
        """A hop was committed."""

    def live(self, job: Job, tokens: Tokens) -> None:
        """An open segment grew."""

    def end(self, job: Job, ended: RolloutEnded, graded: Graded | None) -> None:
        """The rollout ended."""

    def gather(self) -> Any:
        """Take what waits to be written."""

    def write(self, gathered: Any) -> "Sequence[Asked] | None":
        """Write it; called in another thread, one call at a time. What people have asked for since."""


class Forks(Protocol):
    """What begins the forks that people asked for."""

    def begin(self) -> "Iterator[Job]":
        """Those that can be begun now, each written down as begun."""


class Grade(Protocol):
    """A verifier, bound to its name."""

    async def __call__(self, job: Job, answer: Answer) -> Graded:
        """The verdict on this answer."""
        ...


@dataclass
class Tally:
    """What has happened in this batch so far; a display reads it when it likes."""

    total: int = 0
    done: int = 0
    hops: int = 0
    tokens: int = 0  # decoded and kept
    failed: int = 0
    last_failure: str = ""
    told: str = ""  # nothing besides
    judged: int = 0  # tokens that judges decoded
    outcomes: Counter[tuple[int, str]] = field(default_factory=Counter)  # by (cell, outcome)

    def ended(self, job: Job, ended: RolloutEnded, graded: Graded | None) -> None:
        """Count a rollout."""
        self.done += 1
        if ended.stop == StopReason.FAILED:
            self.failed += 1
            self.last_failure = ended.why
        if graded is not None and job.cell >= 0:  # a fork is in no figure
            self.outcomes[job.cell, graded.outcome] += 1
            self.judged += graded.decoded


class Batch:
    """The rollouts in flight, what records them, and the ticks at which they are written down."""

    def __init__(
        self,
        recorder: Recorder,
        grade: Grade | None,
        tally: Tally,
        ticks: Ticks,
        people: People | None = None,
        forks: Forks | None = None,
    ) -> None:
        self._recorder = recorder
        self._people, self._forks = people, forks
        self._beside: set[asyncio.Task[None]] = set()  # the walks of forks
        self._grade = grade
        self._tally = tally
        self._ticks = ticks
        self._hops = 0
        self._writing = asyncio.Lock()  # one flush at a time
        self._room = asyncio.Event()
        self._room.set()

    async def run(self, jobs: Iterator[Job], *, in_flight: int) -> None:
        """Walk them all. Cancelling stops every rollout where it stands, with its hops written down."""
        try:
            async with calm_gc(), asyncio.TaskGroup() as group:
                flusher = group.create_task(self._flush_often(group))
                walkers = [group.create_task(self._walk(jobs)) for _ in range(in_flight)]
                self._begin_forks(group)
                if walkers:
                    await asyncio.wait(walkers)
                await self._until_forks_end(group)
                flusher.cancel()  # with all of it written down
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None  # a flush that failed: what it held is lost, and nothing follows it
        except asyncio.CancelledError:
            self._recorder.write(self._recorder.gather())
            raise
        if any(task.cancelled() for task in (*walkers, *self._beside)):
            raise RelayError("a bug, please report it: a rollout was stopped by nobody; --resume goes on with it")

    def _begin_forks(self, group: asyncio.TaskGroup) -> None:
        for job in self._forks.begin() if self._forks is not None else ():
            self._tally.total += 1
            self._beside.add(group.create_task(self._walk(iter([job]))))

    async def _until_forks_end(self, group: asyncio.TaskGroup) -> None:
        """Forks that wait for a segment of a rollout that has just ended find it after a flush; so do late ones."""
        await self._flush(group)
        while going := {task for task in self._beside if not task.done()}:
            await asyncio.wait(going)
            await self._flush(group)

    async def _walk(self, jobs: Iterator[Job]) -> None:
        people = self._people
        for job in jobs:
            if people is not None:
                people.begun(job.id)
            try:
                ended = await self._one(job)
            except Exception as error:  # a broken rollout must not take its siblings along
                ended = RolloutEnded(StopReason.FAILED, _told(error), job.walk)
            if people is not None:
                people.ended(job.id)
            graded = await self._graded(job, ended)
            self._recorder.end(job, ended, graded)
            self._tally.ended(job, ended, graded)
            if not self._room.is_set():
                with clock().outside():
                    await self._room.wait()

    async def _one(self, job: Job) -> RolloutEnded:
        recorder, tally = self._recorder, self._tally
        async with aclosing(rollout(job.walk, job.stage)) as events:
            async for event in events:
                if type(event) is HopCommitted:
                    for hop in (*event.before, event.hop) if event.before else (event.hop,):
                        recorder.hop(job, hop)
                        tally.tokens += hop.usage.decoded
                        tally.hops += 1
                        self._hops += 1
                    if self._hops >= ROOM:
                        self._room.clear()
                elif type(event) is Tokens:
                    recorder.live(job, event)
                elif type(event) is RolloutEnded:
                    return event
        raise RelayError("the rollout ended without saying why")

    async def _graded(self, job: Job, ended: RolloutEnded) -> Graded | None:
        if self._grade is None or ended.stop in (StopReason.FAILED, StopReason.MISSING):
            return None
        trajectory = ended.walk.pens[ROOT].trajectory
        return await self._grade(job, answer_in(trajectory, job.stage))

    async def _flush_often(self, group: asyncio.TaskGroup) -> None:
        while True:
            await asyncio.sleep(FLUSH)
            await self._flush(group)

    async def _flush(self, group: asyncio.TaskGroup) -> None:
        """Write down what there is, hear what people ask for, and begin the forks that can be begun."""
        async with self._writing:
            self._ticks.n += 1
            self._hops = 0
            gathered = self._recorder.gather()
            writing = asyncio.ensure_future(asyncio.to_thread(self._recorder.write, gathered))
            try:
                asked = await asyncio.shield(writing)
            except asyncio.CancelledError:
                await writing  # the rows are on their way: let them arrive
                raise
        self._room.set()
        if asked and self._people is not None:
            self._people.take(asked)
            self._ticks.watched = self._people.look
        self._begin_forks(group)


def _told(error: Exception) -> str:
    """What went wrong in one line; of a bug of ours or a plugin's also where it is."""
    if isinstance(error, RelayError) and not isinstance(error, SeamError):
        return str(error)
    *_, frame = walk_tb(error.__traceback__)
    place = f"{Path(frame[0].f_code.co_filename).name}, line {frame[1]}"
    return f"a bug, please report it: {type(error).__name__} at {place}: {error}"


@asynccontextmanager
async def calm_gc() -> AsyncIterator[None]:
    """Few garbage collections: a hop leaves no cycles, and each collection looks at every value in flight."""
    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()
