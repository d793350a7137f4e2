"""Writing a run file: rows gather in memory and go down in one transaction a flush."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from relay.clock import Stopwatch
from relay.errors import RelayError
from relay.events import Tokens
from relay.store import files, lease, making
from relay.store.gathered import Begun, Gathered, Graded
from relay.store.rows import INSERT_STEP, SELECT_HOPS, Names, Row, hop_of, row_of, rows_beside
from relay.store.transaction import Transaction
from relay.verifiers import storable
from relay.walk import ROOT, Hop, StopReason

TAIL = 2000  # characters of an open segment that a monitor sees


class LeaseLostError(RelayError):
    """Another process took the run file over; this one must stop writing."""


class RunWriter:
    """The one process that may write to a run file. Not for several threads at once, `flush` excepted."""

    def __init__(self, path: Path, db: sqlite3.Connection, *, fresh: bool) -> None:
        self.path = path
        self._db = db
        self._aside: sqlite3.Connection | None = None
        self._me = lease.take(db, path)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # a copy without its -wal can now be told from a whole file
        self._names = Names() if fresh else Names.of(db)
        self._hops: list[Row] = []
        self._last = 0 if fresh else db.execute("SELECT coalesce(max(id), 0) FROM step").fetchone()[0]
        self._begun: list[Begun] = []
        self._ended: list[tuple[int | None, str | None, int]] = []
        self._verdicts: list[Row] = []
        self._judgements: list[Row] = []
        self._beside: dict[str, list[Row]] = {}  # rows of other tables, by the statement that writes them
        self._live: dict[tuple[int, str], Tokens] = {}
        self._live_rows = 0
        self._watch: Stopwatch | None = None  # since the models of this session began to load
        self._before: list[float] = []  # seconds of the sessions before this one
        self._broken = False  # a flush failed: its rows are gone, and nothing that follows them may be written

    @classmethod
    def create(cls, path: Path) -> "RunWriter":
        """A new run file. Raises UserError when something is in the way."""
        return cls._of(path, making.create(path), fresh=True)

    @classmethod
    def resume(cls, path: Path) -> "RunWriter":
        """A run file to go on with. Raises UserError when it is none, or in use."""
        return cls._of(path, files.open_to_write(path), fresh=False)

    @classmethod
    def _of(cls, path: Path, db: sqlite3.Connection, *, fresh: bool) -> "RunWriter":
        try:
            return cls(path, db, fresh=fresh)
        except BaseException:
            db.close()
            raise

    # -- what is known before the first rollout

    def at_once(self) -> "Transaction":
        """A transaction: all that is put within it is written, or none of it."""
        return Transaction(self._db)

    def put_meta(self, **values: object) -> None:
        """Keep these values, as JSON."""
        rows = ((key, json.dumps(value)) for key, value in values.items())
        self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)

    def meta(self, key: str) -> Any:
        """A value kept before, or None."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else json.loads(row[0])

    def holds(self, watch: Stopwatch) -> None:
        """From here on models are held: each flush notes for how long."""
        self._before, self._watch = self.meta("held") or [], watch

    def put(self, table: str, rows: Iterable[Row]) -> None:
        """Add rows to a table that is written once, before the first rollout."""
        for row in rows:
            self._db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)

    def add_tables(self, tables: str) -> None:
        """Tables that not every run has, all or none."""
        self._db.executescript(f"BEGIN IMMEDIATE; {tables} COMMIT;")

    def put_names(self) -> None:
        """Write the names given out so far; to be called last within `at_once`."""
        fresh, self._names.fresh = self._names.fresh, []
        self._db.executemany("INSERT INTO name VALUES (?, ?)", fresh)

    def query(self, sql: str, *values: object) -> list[Any]:
        """Rows read back through the writer's own connection."""
        return self._db.execute(sql, values).fetchall()

    def look(self, sql: str, *values: object) -> list[Any]:
        """Rows that were committed, through a connection of its own: another thread may be writing."""
        if self._aside is None:
            self._aside = files.open_beside(self.path)
        return self._aside.execute(sql, values).fetchall()

    def name(self, text: str) -> int:
        """The integer of a string."""
        return self._names[text]

    def text(self, number: int) -> str:
        """The string of an integer."""
        return self._names.text(number)

    @property
    def names(self) -> Names:
        """The run's strings as integers."""
        return self._names

    # -- while rollouts run: these only gather

    def begin(self, begun: Begun) -> None:
        """A rollout began."""
        self._begun.append(begun)

    def hop(self, rollout: int, hop: Hop) -> int:
        """A hop was committed. Its step's number."""
        self._last += 1
        self._hops.append(row_of(self._last, rollout, hop, self._names))
        for insert, row in rows_beside(self._last, hop, self._names):
            self.beside(insert, row)
        if self._live:
            self._live.pop((rollout, hop.pen), None)
        return self._last

    def beside(self, insert: str, row: Row) -> None:
        """A row of another table, which goes down with what else waits for the next flush."""
        self._beside.setdefault(insert, []).append(row)

    def live(self, rollout: int, tokens: Tokens) -> None:
        """An open segment grew."""
        self._live[rollout, tokens.pen] = tokens

    def end(self, rollout: int, stop: StopReason, why: str, graded: Graded | None) -> None:
        """A rollout ended and, unless its scenario verifies nothing, was graded."""
        self._ended.append((self._names[stop], why or None, rollout))
        if self._live:
            self._live.pop((rollout, ROOT), None)
        if graded is not None:
            self.verdict(rollout, graded)

    def verdict(self, rollout: int, graded: Graded) -> None:
        """A verdict was reached: it goes down with those that led to it."""
        names = self._names
        verifier, outcome, answer, why, seconds, reply, parts = graded
        row = (rollout, names[verifier], names[outcome], answer or None, why or None, round(seconds * 1000) or None)
        self._verdicts.append(row)
        if reply is not None:
            model, text, *counts = reply
            said = (rollout, names[verifier], names[model], storable(text), *(n or None for n in counts))
            self._judgements.append(said)
        for part in parts:
            self.verdict(rollout, part)

    @property
    def waiting(self) -> int:
        """Hops that wait for the next flush."""
        return len(self._hops)

    def gather(self) -> "Gathered":
        """Take what waits for the next flush. Called where rollouts run, so that nothing falls in between."""
        live = [(r, t.pen, t.node, t.visit, t.tokens, t.text[-TAIL:]) for (r, _), t in self._live.items()]
        gathered = Gathered(
            self._names.fresh, self._begun, self._hops, self._ended, self._verdicts, self._judgements,
            live, self._beside, None if self._watch is None else round(self._watch.seconds, 2),
        )  # fmt: skip
        self._names.fresh, self._begun, self._hops, self._ended = [], [], [], []
        self._verdicts, self._judgements, self._beside = [], [], {}
        return gathered

    def write(self, gathered: "Gathered") -> None:
        """Write it, and the heartbeat, in one transaction. May run in another thread, one call at a time.

        Raises LeaseLostError or sqlite3.Error with nothing of it written; from then on nothing else is, either:
        a file with a hole could not be resumed.
        """
        if self._broken:
            raise RelayError(f"{self.path}: an earlier flush failed; the file is as it was before")
        try:
            self._write(gathered)
        except BaseException:
            self._broken = True
            raise

    def _write(self, gathered: "Gathered") -> None:
        names, begun, hops, ended, verdicts, judgements, live, beside, held = gathered
        with self.at_once():
            if not lease.beat(self._db, self._me):
                raise LeaseLostError(f"{self.path}: another process took this run over")
            many = self._db.executemany
            many("INSERT INTO name VALUES (?, ?)", names)
            many("INSERT INTO rollout (id, problem, sample, cell) VALUES (?, ?, ?, ?)", begun)
            many(INSERT_STEP, hops)
            many("UPDATE rollout SET stop = ?, why = ? WHERE id = ?", ended)
            many("INSERT OR REPLACE INTO verdict VALUES (?, ?, ?, ?, ?, ?)", verdicts)
            many("INSERT OR REPLACE INTO judgement VALUES (?, ?, ?, ?, ?, ?, ?, ?)", judgements)
            for insert, rows in beside.items():
                many(insert, rows)
            if held is not None:
                self.put_meta(held=[*self._before, held])
            if live or self._live_rows:
                self._db.execute("DELETE FROM live")
                many("INSERT INTO live VALUES (?, ?, ?, ?, ?, ?)", live)
                self._live_rows = len(live)

    def flush(self) -> None:
        """Gather and write, here and now."""
        self.write(self.gather())

    # -- resume, and the end

    def open_rollouts(self) -> Iterator[tuple[Begun, list[Hop]]]:
        """The rollouts that have begun and not ended, with their hops in order. Reads these only."""
        for row in self.query("SELECT id, problem, sample, cell FROM rollout WHERE stop IS NULL ORDER BY id"):
            yield Begun(*row), [hop_of(hop, self._names)[1] for hop in self._db.execute(SELECT_HOPS, (row[0],))]

    def rollouts_begun(self) -> int:
        """How many rollouts have begun, forks left out; not all numbers need have."""
        return int(self._db.execute("SELECT count(*) FROM rollout WHERE cell >= 0").fetchone()[0])

    def close(self, *, finished: bool) -> None:
        """Flush, give the lease back and, when finished, make it one plain file."""
        self._live.clear()
        self._close_aside()
        try:
            if not self._broken:
                self.flush()
            lease.give_back(self._db, self._me)
            files.finish(self._db) if finished and not self._broken else self._db.execute(
                "PRAGMA wal_checkpoint(TRUNCATE)"
            )
        finally:
            self._db.close()

    def discard(self) -> None:
        """Remove the file: nothing was begun, and nothing half-written stays behind."""
        self._close_aside()
        self._db.close()
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def _close_aside(self) -> None:
        if self._aside is not None:
            self._aside.close()
            self._aside = None
