"""The pool: solo trajectories sampled once, addressed by what made them, and used again and again.

They serve selection (how often does a model solve a problem), originals, distractors, guidance and
baselines. One SQLite file for all runs of a user; several runs may read and write it at once.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from relay.errors import Mistake, UserError
from relay.problems import Problem
from relay.store.making import put
from relay.store.rows import pack, unpack

_TABLES = """
CREATE TABLE IF NOT EXISTS made (
    address TEXT PRIMARY KEY,
    facts TEXT NOT NULL               -- JSON: what the address stands for
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS solo (
    id INTEGER PRIMARY KEY,
    address TEXT NOT NULL,
    problem TEXT NOT NULL,            -- hash of its question, answer and kind
    sample INTEGER NOT NULL,
    text TEXT NOT NULL,
    ids BLOB NOT NULL,                -- int32, little-endian
    tokenizer TEXT NOT NULL,
    thought INTEGER NOT NULL,         -- characters before the closing of the thinking, or all
    finished INTEGER NOT NULL,
    stop TEXT NOT NULL,
    verifier TEXT NOT NULL,
    outcome TEXT NOT NULL,
    UNIQUE (address, problem, sample)
);
CREATE TABLE IF NOT EXISTS recorded (  -- models whose trajectories were imported
    model TEXT PRIMARY KEY,
    address TEXT NOT NULL,
    tokenizer BLOB                    -- a tokenizer.json, zlib: in its ids they are counted; null: in their reader's
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS line (      -- what else the line of an imported trajectory said
    solo INTEGER PRIMARY KEY,
    extra TEXT NOT NULL               -- JSON
);
"""
INSERT = (
    "INSERT OR IGNORE INTO solo "
    "(address, problem, sample, text, ids, tokenizer, thought, finished, stop, verifier, outcome) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_VERSION = 1
_APPLICATION = 0x52454C50  # "RELP", in SQLite's application_id


class Solo(NamedTuple):
    """One solo trajectory of one model on one problem."""

    problem: str  # the problem's id in this run
    answer: str  # the problem's reference answer
    model: str  # the model's name in this run
    sample: int
    address: str
    text: str  # thinking, its closing and the answer, as written
    ids: tuple[int, ...]  # of all of the text, in the model's tokenizer
    tokenizer: str
    thought: int  # characters of text that are reasoning: all before the closing, or all there is
    outcome: str  # correct, wrong, undecided

    @property
    def source(self) -> str:
        """How a run file names it."""
        return f"{self.problem}/{self.sample}"


class Sampled(NamedTuple):
    """A solo trajectory on its way into the pool."""

    problem: str  # hash
    sample: int
    text: str
    ids: tuple[int, ...]
    tokenizer: str
    thought: int
    finished: bool
    stop: str
    verifier: str
    outcome: str


def row_of(address: str, s: Sampled) -> tuple[object, ...]:
    """A trajectory as `INSERT` takes it."""
    return (
        address, s.problem, s.sample, s.text, pack(s.ids), s.tokenizer, s.thought, s.finished, s.stop, s.verifier,
        s.outcome,
    )  # fmt: skip


def address_of(facts: Mapping[str, object]) -> str:
    """Sixteen hex digits for what makes a model's solo trajectories: revision, template, sampling, seed."""
    content = json.dumps(facts, sort_keys=True)
    return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()


def default_path() -> Path:
    """$RELAY_POOL, or the user's data folder."""
    if named := os.environ.get("RELAY_POOL"):
        return Path(named)
    from platformdirs import user_data_path

    return user_data_path("relay") / "pool.sqlite"


def _make(path: Path) -> None:
    """An empty pool, made under another name first: of several runs that begin at once, none meets half of one."""
    with TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        new = Path(folder) / "pool"
        with closing(sqlite3.connect(new, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(
                f"BEGIN; {_TABLES} PRAGMA user_version = {_VERSION}; PRAGMA application_id = {_APPLICATION}; COMMIT;"
            )
        if path.exists() and path.stat().st_size == 0:
            new.replace(path)  # somebody kept the place free
        else:
            with suppress(FileExistsError):  # another run was quicker
                put(new, path)


def _refuse_others(path: Path, db: sqlite3.Connection) -> None:
    """Raise UserError for a database that is no pool, or one from a newer relay."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    owner = db.execute("PRAGMA application_id").fetchone()[0]
    if owner != _APPLICATION:
        raise UserError(Mistake(str(path), "is a database, but not a pool", "name another file with --pool"))
    if version > _VERSION:
        raise UserError(Mistake(str(path), "the pool was written by a newer relay", "upgrade relay, or set RELAY_POOL"))


class Pool:
    """The open pool."""

    def __init__(self, path: Path) -> None:
        """Raises UserError when the file cannot be a pool."""
        self.path = path
        with ExitStack() as on_error:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                if not path.exists() or path.stat().st_size == 0:
                    _make(path)
                self.db = sqlite3.connect(path, timeout=30.0, isolation_level=None, check_same_thread=False)
                on_error.callback(self.db.close)
                _refuse_others(path, self.db)
                self.db.execute("PRAGMA synchronous = NORMAL")
            except (OSError, sqlite3.Error) as error:
                what = "is a folder, not a pool's file" if path.is_dir() else f"the pool cannot be opened: {error}"
                raise UserError(Mistake(str(path), what, "name another file with --pool or RELAY_POOL")) from None
            on_error.pop_all()

    def add(self, address: str, facts: Mapping[str, object], samples: Iterable[Sampled]) -> None:
        """Add these trajectories; those already there stay as they are."""
        rows = [row_of(address, s) for s in samples]
        self.db.execute("BEGIN IMMEDIATE")
        try:
            self.db.execute("INSERT OR IGNORE INTO made VALUES (?, ?)", (address, json.dumps(facts, sort_keys=True)))
            self.db.executemany(INSERT, rows)
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def missing(self, address: str, problems: Iterable[Problem], samples: int) -> list[tuple[Problem, int]]:
        """The (problem, sample) pairs that are not in the pool yet, sample by sample."""
        have = set(
            self.db.execute("SELECT problem, sample FROM solo WHERE address = ? AND sample < ?", (address, samples))
        )
        listed = list(problems)
        return [(p, k) for k in range(samples) for p in listed if (p.hash, k) not in have]

    def outcomes(self, address: str, problem: Problem, samples: int) -> dict[int, str]:
        """The verdict of each sample that is there, by its number."""
        rows = self.db.execute(
            "SELECT sample, outcome FROM solo WHERE address = ? AND problem = ? AND sample < ? ORDER BY sample",
            (address, problem.hash, samples),
        )
        return dict(rows.fetchall())

    def get(self, address: str, model: str, problem: Problem, sample: int) -> Solo:
        """One trajectory. Raises KeyError when it is not there."""
        row = self.db.execute(
            "SELECT text, ids, tokenizer, thought, outcome FROM solo WHERE address = ? AND problem = ? AND sample = ?",
            (address, problem.hash, sample),
        ).fetchone()
        if row is None:
            raise KeyError(f"{problem.id}/{sample}")
        text, ids, tokenizer, thought, outcome = row
        return Solo(problem.id, problem.answer, model, sample, address, text, unpack(ids), tokenizer, thought, outcome)

    def close(self) -> None:
        """Close the file."""
        self.db.close()
