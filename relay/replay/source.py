"""A run file to be played: its rollouts with every visit's hop, what lay before it, and the calls that led to it."""

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from relay.errors import EngineError
from relay.folding import begun_by, fold
from relay.store.calls import MOST_CALLS, SELECT_CALLS, Kept, kept_call
from relay.store.reader import Run
from relay.store.rows import HOP_COLUMNS, WAY, Names, hop_of
from relay.trajectory import Trajectory
from relay.walk import TAKEN_BACK, Hop


class Visited(NamedTuple):
    """One visit as it was: its step's number, its hop, and the trajectory that it met."""

    step: int
    hop: Hop
    before: Trajectory
    back: tuple[int, ...] = ()  # ids that a watcher took back of it


_VISITS = f"{WAY} SELECT id, {HOP_COLUMNS} FROM way CROSS JOIN hop ON rollout = number AND id <= upto ORDER BY id"
_FORK = "SELECT id FROM rollout WHERE cell = -1 AND problem = ? AND sample = ?"
Visits = dict[tuple[str, str, int], Visited]  # by pen, node and visit


def scoreless(meta: Mapping[str, Any]) -> str:
    """Why a run with this `meta` does not hold how probable a judge's labels were; empty where it does."""
    if "recording" not in meta:
        return "the run was made without --record, and does not hold how probable a judge's labels were"
    if "scores" not in meta["recording"]:
        return "an earlier relay recorded the run, without how probable a judge's labels were"
    return ""


class Source:
    """A run file, read bit by bit as it is played."""

    def __init__(self, path: Path, *, writing: bool = False) -> None:
        """Raises UserError where this is no run file. `writing`: this very process writes it at the same time."""
        self.path = path
        self._run = Run(path, writing=writing)
        try:
            self.meta: dict[str, Any] = self._run.meta
            self.names = Names(self._run.query("SELECT id, text FROM name"))
            self.problems = {p.id: i for i, p in enumerate(self._run.problems)}
            self.cells = {name: i for i, name in enumerate(self._run.cells)}
            there = self._run.query("SELECT name FROM sqlite_master WHERE name IN ('call', 'aside', 'tokenizer')")
        except BaseException:
            self._run.close()
            raise
        self.recorded = len(there) == 3
        done = self.meta["phase"] == "done"
        self.visits = lru_cache(maxsize=1024)(self._visits) if done else self._visits

    @property
    def identity(self) -> str:
        """What tells this recording from every other one."""
        if self.recorded:
            return str(self.meta["recording"]["id"])
        said = json.dumps([self.meta.get(key) for key in ("scenario", "made", "models")], sort_keys=True)
        return hashlib.blake2b(said.encode(), digest_size=8).hexdigest()

    @property
    def scoreless(self) -> str:
        """Why it does not hold how probable a judge's labels were; empty where it does."""
        return scoreless(self.meta)

    def query(self, sql: str, *values: object) -> list[Any]:
        """Rows of the file. Raises EngineError where it cannot be read."""
        try:
            return self._run.query(sql, *values)
        except sqlite3.Error as error:
            raise EngineError(f"{self.path}: cannot be read: {error}; is it a whole copy?") from error

    def rollout(self, problem: str, sample: int, cell: str) -> int:
        """The number of a rollout. Raises EngineError where the run has no such rollout."""
        if problem not in self.problems:
            raise EngineError(f"{self.path} has no problem {problem!r}")
        if len(self.cells) == 1 and not cell:
            cell = next(iter(self.cells))
        if cell not in self.cells:
            raise EngineError(f"{self.path} has no cell {cell!r}; it has {', '.join(map(repr, self.cells))}")
        if sample >= self.meta["samples"]:
            if fork := self.query(_FORK, self.problems[problem], sample):
                return int(fork[0][0])
            raise EngineError(f"{self.path} has no sample {sample}; it has {self.meta['samples']}, from 0")
        return (sample * len(self.problems) + self.problems[problem]) * len(self.cells) + self.cells[cell]

    def problem(self, rollout: int) -> int:
        """The place of a rollout's problem."""
        return int(self.query("SELECT problem FROM rollout WHERE id = ?", rollout)[0][0])

    def _visits(self, rollout: int) -> Visits:
        rows = self.query(_VISITS, rollout)
        self.look_again()
        found: Visits = {}
        try:
            walk, back = None, dict[tuple[str, str, int], tuple[int, ...]]()
            for step, *row in rows:
                hop = hop_of(tuple(row), self.names)[1]
                walk = walk or begun_by(hop)
                key = hop.pen, hop.node, hop.visit
                if hop.extra is not None and hop.extra.apart == TAKEN_BACK and hop.segment is not None:
                    back[key] = hop.segment.ids
                else:
                    found[key] = Visited(step, hop, walk.pens[hop.pen].trajectory, back.pop(key, ()))
                walk = fold(walk, hop)
        except (ValueError, KeyError, TypeError) as error:
            raise EngineError(f"{self.path}: rollout {rollout} is damaged: {error}") from error
        return found

    def look_again(self) -> None:
        """Names may have been given out since, where the run still goes on."""
        if self.meta["phase"] != "done":
            self.names = Names(self.query("SELECT id, text FROM name"))

    def calls(self, visited: Visited) -> list[Kept]:
        """The calls that led to a hop; none where they were not recorded. Raises DamagedError."""
        if not self.recorded:
            return []
        first = MOST_CALLS * visited.step
        rows = self.query(SELECT_CALLS, first, first + MOST_CALLS - 1)
        return [kept_call(row, visited.hop, self.names) for row in rows]

    def close(self) -> None:
        """Close the file."""
        self._run.close()
