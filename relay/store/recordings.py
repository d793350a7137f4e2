"""Recorded trajectories in the pool: under the name of their model, word for word, none of them twice."""

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from relay.pool import INSERT, Pool, Sampled, address_of, row_of
from relay.store.transaction import Transaction


class Recording(NamedTuple):
    """Where the pool keeps a recorded model."""

    address: str
    tokenizer: str | None  # the tokenizer.json in whose ids its text is counted; None: that of who reads it


class Noted(NamedTuple):
    """A recorded trajectory, and what else its line said, kept for information."""

    sampled: Sampled
    extra: Mapping[str, object]


class Held(NamedTuple):
    """What the pool holds at one address."""

    address: str
    facts: Mapping[str, Any]
    problems: int
    samples: int
    correct: int
    unfinished: int


def recording(pool: Pool, model: str) -> Recording | None:
    """The recorded model of this name."""
    row = pool.db.execute("SELECT address, tokenizer FROM recorded WHERE model = ?", (model,)).fetchone()
    return row and Recording(row[0], None if row[1] is None else zlib.decompress(row[1]).decode())


def recorded_models(pool: Pool) -> list[str]:
    """The names under which trajectories were imported."""
    return [name for (name,) in pool.db.execute("SELECT model FROM recorded ORDER BY model")]


def is_there(pool: Pool, model: str, problem: str, text: str) -> bool:
    """Whether this model's trajectory on the problem of this hash is there, word for word."""
    there = "SELECT 1 FROM solo WHERE address = ? AND problem = ? AND text = ?"
    return pool.db.execute(there, (address(model), problem, text)).fetchone() is not None


def address(model: str) -> str:
    """Where the pool keeps what this model is recorded to have written."""
    return address_of(_facts(model))


def _facts(model: str) -> dict[str, object]:
    return {"engine": "recorded", "model": model}


def record(pool: Pool, models: Mapping[str, Sequence[Noted]], tokenizer: str | None) -> int:
    """Add these trajectories by model, all or none; how many were new. Samples are numbered as they come."""
    kept = None if tokenizer is None else zlib.compress(tokenizer.encode())
    added = 0
    with Transaction(pool.db):
        for model, noted in models.items():
            here = address(model)
            pool.db.execute("INSERT OR IGNORE INTO made VALUES (?, ?)", (here, json.dumps(_facts(model))))
            pool.db.execute("INSERT OR IGNORE INTO recorded VALUES (?, ?, NULL)", (model, here))
            if kept is not None:
                pool.db.execute("UPDATE recorded SET tokenizer = ? WHERE model = ?", (kept, model))
            for sampled, extra in noted:
                if not is_there(pool, model, sampled.problem, sampled.text):
                    _add(pool, here, sampled, extra)
                    added += 1
    return added


def _add(pool: Pool, here: str, sampled: Sampled, extra: Mapping[str, object]) -> None:
    count = "SELECT coalesce(max(sample) + 1, 0) FROM solo WHERE address = ? AND problem = ?"
    (number,) = pool.db.execute(count, (here, sampled.problem)).fetchone()
    row = pool.db.execute(INSERT, row_of(here, sampled._replace(sample=number)))
    pool.db.execute("INSERT INTO line VALUES (?, ?)", (row.lastrowid, json.dumps(dict(extra))))


def verifiers(pool: Pool, here: str) -> list[str]:
    """What graded the trajectories at this address."""
    return [name for (name,) in pool.db.execute("SELECT DISTINCT verifier FROM solo WHERE address = ?", (here,))]


def held(pool: Pool) -> list[Held]:
    """What the pool holds, address by address, the recorded models last."""
    rows = pool.db.execute(
        "SELECT address, facts, count(DISTINCT problem), count(*), sum(outcome = 'correct'), sum(NOT finished) "
        "FROM made JOIN solo USING (address) GROUP BY address"
    )
    found = [Held(row[0], json.loads(row[1]), *row[2:]) for row in rows]
    return sorted(found, key=lambda h: (h.facts.get("engine") == "recorded", str(h.facts.get("model")), h.address))
