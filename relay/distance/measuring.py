"""Measuring the distance of every steer of a finished run: its model reads them again, and nothing else changes.

After the run, not within it: what a model reads then follows from the run file alone, so that nothing that is measured
can change a rollout, and a run that exists already can be measured too.
"""

import asyncio
import contextlib
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import perf_counter
from typing import NamedTuple, cast

from relay.afterwards import under_lease
from relay.batch import Tally
from relay.distance.steers import Ids, Steer, ids_of, steers
from relay.engine import Engine, Scores
from relay.errors import EngineError, Mistake, SeamError, UserError
from relay.keeping import closing_file
from relay.language.reading import Reading, from_tree
from relay.prepare.models import facts_of, load_models, refuse_other_models
from relay.prepare.run import Watcher
from relay.replay.source import Source
from relay.replay.words import policies_of
from relay.seam.policies import Policy
from relay.store import files, opening
from relay.store.schema import DISTANCE
from relay.store.writer import RunWriter
from relay.trajectory import STEER

INSERT = "INSERT OR REPLACE INTO distance VALUES (?, ?, ?, ?, ?, ?, ?)"
WHO_CAN = "engines transformers, vllm, and http with `api: vllm` can"


class Measured(NamedTuple):
    """What came of it."""

    path: Path
    steers: int  # measured now
    failed: int  # of these, those that could not be
    why: str = ""  # what the last of them failed with


def readable(path: Path) -> Reading:
    """The run's scenario. Raises UserError where there is nothing to measure."""
    with opening.opened(path) as run:
        meta = run.meta
        if meta["phase"] != "done":
            raise UserError(Mistake(str(path), "the run has not ended", f"`relay run --resume {path}`"))
        if not run.query("SELECT 1 FROM step s JOIN name n ON n.id = s.stop WHERE n.text = ? LIMIT 1", STEER):
            raise UserError(Mistake(f"{path}: --distance", "no steer was put into any thought of this run"))
        return from_tree(meta["scenario"], meta["source"], run.cells)


async def measure(path: Path, watcher: Watcher, engines: Mapping[str, Engine] | None = None) -> Measured:
    """Score every steer that has no distance yet; killed at any moment, it can be begun again."""
    reading = readable(path)
    with contextlib.closing(Source(path)) as source:
        left = next(steers(source, reading), None)
    if left is None:
        watcher.note(f"{path}: nothing is missing, every steer has its distance")
        return Measured(path, 0, 0)
    writer = RunWriter.resume(path)
    with closing_file(writer), contextlib.closing(Source(path, writing=True)) as source:
        return await under_lease(writer, _Work(writer, source, reading, watcher).do(engines or {}))


class _Work:
    """One measuring of one run."""

    def __init__(self, writer: RunWriter, source: Source, reading: Reading, watcher: Watcher) -> None:
        self._writer, self._source, self._reading, self._watcher = writer, source, reading, watcher
        self._engines: dict[str, Engine] = {}
        self._policies: dict[str, Mapping[str, Policy]] = {}
        self._tally = Tally()
        self._since = 0.0

    async def do(self, given: Mapping[str, Engine]) -> Measured:
        """Open the readers, see that they can score, then score all."""
        first, total = dict[str, Steer](), 0
        for total, steer in enumerate(steers(self._source, self._reading), 1):  # noqa: B007  how many there are
            first.setdefault(steer.reader, steer)
        async with contextlib.AsyncExitStack() as stack:
            scenario = self._reading.cells[0].scenario
            there = {name: engine for name, engine in given.items() if name in first}
            self._engines = await load_models(scenario, first, there, self._watcher, stack)
            refuse_other_models(self._writer, facts_of(self._engines))
            for name, steer in first.items():
                tokenizer = self._engines[name].tokenizer
                self._policies[name] = await policies_of(self._source, name, tokenizer, self._engines)
                await _try(name, self._engines[name], self._ids(steer))
            self._begin()
            self._tally = Tally(total=total)
            self._watcher.phase("measuring steers", self._tally)
            coming = steers(self._source, self._reading)
            self._since = perf_counter()
            async with asyncio.TaskGroup() as group:
                for _ in range(max(engine.rows for engine in self._engines.values())):
                    group.create_task(self._score(coming))
        tally = self._tally
        return Measured(self._writer.path, tally.done, tally.failed, tally.last_failure)

    def _begin(self) -> None:
        """The table is there from the first measuring on; other runs do not pay for it."""
        if not self._writer.query("SELECT 1 FROM sqlite_master WHERE name = 'distance'"):
            self._writer.add_tables(DISTANCE)
        with self._writer.at_once():
            self._writer.put_meta(inode=files.inode(self._writer.path))

    async def _score(self, coming: Iterator[Steer]) -> None:
        """Take steer after steer. Its time is that since the last one was done: they add up to what it all took."""
        for steer in coming:
            ids, found, why = Ids([], []), 0.0, ""
            try:
                ids = self._ids(steer)
                engine = cast(Scores, self._engines[steer.reader])
                (each,) = await engine.score(ids.before, [ids.steer])
                found = math.fsum(each)
                why = "" if math.isfinite(found) else "the model holds a token of it for impossible"
            except (EngineError, SeamError) as error:
                why = str(error)
            now = perf_counter()
            took, self._since = now - self._since, now
            row = (
                steer.step, self._writer.names[steer.reader], len(ids.steer), None if why else found,
                0 if why else len(ids.before) + len(ids.steer), round(took * 1000), why or None,
            )  # fmt: skip
            self._writer.beside(INSERT, row)
            self._tally.done += 1
            if why:
                self._tally.failed, self._tally.last_failure = self._tally.failed + 1, why

    def _ids(self, steer: Steer) -> Ids:
        return ids_of(steer, self._source, self._engines[steer.reader].tokenizer, self._policies[steer.reader])


async def _try(name: str, engine: Engine, ids: Ids) -> None:
    """See that this model can score at all, on two ids. Raises UserError."""
    why = f"engine {engine.facts.get('engine', '?')} does not say how probable a text is"
    if isinstance(engine, Scores):
        try:
            await engine.score(ids.steer[:1], [ids.steer[:2]])
            return
        except EngineError as error:
            why = str(error)
    raise UserError(Mistake(f"model {name!r}", why, WHO_CAN))
