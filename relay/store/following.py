"""A run file looked at again and again while it is written: each look reads what is new, and closes the file again."""

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from relay.errors import UserError
from relay.store import asking, files, lease
from relay.store.opening import opened
from relay.store.reader import Run

FIRST, MOST = 200, 20_000  # rows of a table that one look reads: it ends soon, the first one at once
MANY = 500  # numbers in one statement


class Ended(NamedTuple):
    """Rollouts of one cell that ended alike."""

    cell: int
    stop: str  # why they ended
    outcome: str  # correct, wrong, undecided, or empty


class Work(NamedTuple):
    """What one model has done so far."""

    segments: int = 0
    decoded: int = 0
    thrown: int = 0
    computed: int = 0
    cached: int = 0
    ms: int = 0

    def plus(self, other: "Work") -> "Work":
        """Both."""
        return Work(*(a + b for a, b in zip(self, other, strict=True)))


class Facts(NamedTuple):
    """What holds for the whole run and is read once."""

    title: str
    scenario: Mapping[str, Any]
    cells: tuple[str, ...]
    settings: tuple[Mapping[str, Any], ...]  # of the cells
    verifier: str  # the run's own
    asks: frozenset[str]  # nodes at which a person is asked
    expected: int  # rollouts in all; 0 while nobody knows


class Seen(NamedTuple):
    """A run as it was at one moment."""

    facts: Facts
    phase: str  # preparing, walking, done
    writer: str  # alive, dead, none: who holds the lease
    beat: float  # seconds since the writer's last heartbeat
    made: float  # when it began, in seconds since 1970
    ended: float  # when it was done; 0 before
    at: float  # when this was read
    begun: int
    open: int
    ends: Mapping[Ended, int]
    work: Mapping[str, Work]  # by model
    live: Mapping[str, tuple[int, int]]  # by node: open segments, and their tokens so far
    queue: Mapping[str, tuple[int, int]]  # by model: calls that wait for their first token, and that are answered
    failures: Mapping[str, Mapping[str, int]]  # tries that failed, by model and kind
    forks: tuple[int, ...]  # rollouts that are forks of others: beyond the run's own, and counted nowhere
    paused: bool  # the whole run waits for a person
    held: frozenset[int]  # and these rollouts do
    behind: bool  # there was more than one look reads

    @property
    def done(self) -> int:
        """Rollouts that have ended."""
        return sum(self.ends.values())

    @property
    def tokens(self) -> int:
        """Tokens decoded so far, those of open segments too."""
        return sum(w.decoded for w in self.work.values()) + sum(tokens for _, tokens in self.live.values())

    @property
    def state(self) -> str:
        """preparing, running, done, dead (its process is gone), or stopped (it can be gone on with)."""
        if self.phase == "done" and self.writer != "alive":
            return "done"
        if self.writer == "alive":
            return "running" if self.phase == "walking" else self.phase
        return "dead" if self.writer == "dead" else "stopped"


_COUNTS = """
SELECT r.cell, coalesce(stop.text, ''), coalesce(outcome.text, ''), count(*)
FROM rollout r LEFT JOIN name stop ON stop.id = r.stop
LEFT JOIN verdict v ON v.rollout = r.id AND v.verifier = (SELECT id FROM name WHERE text = ?)
LEFT JOIN name outcome ON outcome.id = v.outcome
WHERE r.stop IS NOT NULL AND r.cell >= 0 AND {} GROUP BY 1, 2, 3
"""
_WORK = """
SELECT coalesce(model.text, ''), count(*), sum(coalesce(decoded, 0)), sum(coalesce(thrown, 0)),
       sum(coalesce(computed, 0)), sum(coalesce(cached, 0)), sum(coalesce(ms, 0))
FROM step LEFT JOIN name model ON model.id = step.model WHERE step.id > ? AND step.id <= ? GROUP BY 1
"""


class Following:
    """One run file over time. Its looks may be made in any thread, one at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._facts: Facts | None = None
        self._rollout, self._step = -1, 0  # the last of each that was read
        self._begun = 0
        self._most = FIRST
        self._open: frozenset[int] = frozenset()
        self._ends: Counter[Ended] = Counter()
        self._work: dict[str, Work] = {}

    def look(self) -> Seen:
        """Read what is new. Raises UserError when the file cannot be read."""
        with opened(self.path) as run:
            run.query("BEGIN")  # one moment for all of it
            seen = self._look(run)
            run.query("COMMIT")
        self._most = MOST
        return seen

    def _look(self, run: Run) -> Seen:
        meta = dict(
            run.query("SELECT key, value FROM meta WHERE key IN ('phase', 'made', 'ended', 'failures', 'queue')")
        )
        facts = self._facts_of(run, settled=meta.get("phase") in ('"walking"', '"done"'))
        behind = self._rollouts(run, facts.verifier)
        behind = self._steps(run) or behind
        failures = _json(meta.get("failures"), {})
        live = {node: (n, tokens) for node, n, tokens in run.query(_LIVE)}
        writer, beat = _writer(run)
        forks = tuple(number for (number,) in run.query("SELECT rollout FROM fork ORDER BY rollout"))
        return Seen(
            facts, _json(meta.get("phase"), ""), writer, beat, _json(meta.get("made"), 0.0),
            _json(meta.get("ended"), 0.0), time.time(), self._begun, len(self._open), dict(self._ends),
            dict(self._work), live, _json(meta.get("queue"), {}), failures, forks, *asking.held(run.query), behind,
        )  # fmt: skip

    def _facts_of(self, run: Run, *, settled: bool) -> Facts:
        if self._facts is None or not self._facts.expected:
            facts = _facts(run)
            self._facts = facts if settled else facts._replace(expected=0)
        return self._facts

    def _rollouts(self, run: Run, verifier: str) -> bool:
        """Count those that ended: new ones by their numbers, those that were open by no longer being so."""
        last = run.query("SELECT coalesce(max(id), -1) FROM rollout WHERE cell >= 0")[0][0]
        upto, self._begun = min(last, self._rollout + self._most), last + 1
        now = frozenset(i for (i,) in run.query("SELECT id FROM rollout WHERE stop IS NULL AND cell >= 0") if i <= upto)
        ended = self._open - now
        self._count(run.query(_COUNTS.format("r.id > ? AND r.id <= ?"), verifier, self._rollout, upto))
        for some in _slices(sorted(ended)):
            self._count(run.query(_COUNTS.format(f"r.id IN ({', '.join('?' * len(some))})"), verifier, *some))
        self._rollout, self._open = upto, now
        return bool(upto < last)

    def _count(self, rows: Iterable[tuple[int, str, str, int]]) -> None:
        for cell, stop, outcome, n in rows:
            self._ends[Ended(cell, stop, outcome)] += n

    def _steps(self, run: Run) -> bool:
        last = run.query("SELECT coalesce(max(id), 0) FROM step")[0][0]
        upto = min(last, self._step + self._most)
        for model, *counts in run.query(_WORK, self._step, upto):
            self._work[model] = self._work.get(model, Work()).plus(Work(*counts))
        self._step = upto
        return bool(upto < last)


_LIVE = "SELECT node, count(*), sum(tokens) FROM live GROUP BY node"


def _facts(run: Run) -> Facts:
    meta = run.meta
    cells = run.query("SELECT name, settings FROM cell ORDER BY id")
    problems = run.query("SELECT count(*) FROM problem")[0][0]
    scenario = meta["scenario"]
    title = scenario.get("title") or Path(str(meta.get("source", ""))).stem
    settings = tuple(_json(text, {}) for _, text in cells)
    expected = problems * int(meta.get("samples") or scenario.get("samples") or 1) * len(cells)
    names = tuple(name for name, _ in cells)
    return Facts(title, scenario, names, settings, run.verifier, asking.asks(scenario), expected)


def _writer(run: Run) -> tuple[str, float]:
    rows = run.query("SELECT boot, pid, started, beat FROM lease")
    if not rows:
        return "none", 0.0
    return "alive" if lease.is_held(rows[0]) else "dead", max(0.0, time.time() - rows[0][3])


def _slices(numbers: list[int]) -> Iterable[list[int]]:
    return (numbers[i : i + MANY] for i in range(0, len(numbers), MANY))


def _json(text: str | None, otherwise: Any) -> Any:
    return otherwise if text is None else json.loads(text)


def leave(path: Path) -> bool:
    """The last reader's courtesy: make a finished run one plain file, where its runner could not. Whether it is."""
    try:
        if not path.with_name(f"{path.name}-wal").exists():
            return True
        with opened(path) as run:
            if run.query("SELECT 1 FROM lease") or run.meta.get("phase") != "done":
                return False
        db = files.open_to_write(path)
    except (OSError, sqlite3.Error, UserError):
        return False
    try:
        return files.finish(db)
    finally:
        db.close()
