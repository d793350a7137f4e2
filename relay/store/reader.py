"""Reading a run file, finished or going on. Every figure of relay comes from here."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from relay.errors import Mistake, UserError
from relay.folding import walked
from relay.problems import Problem
from relay.store import files
from relay.store.forking import CELL
from relay.store.rows import SELECT_HOPS, Names, hop_of
from relay.walk import Hop, Walk, begin


class Listed(NamedTuple):
    """One rollout in a list."""

    id: int
    problem: str
    answer: str  # the reference
    cell: str
    sample: int
    state: str  # why it ended, or "open"
    tokens: int  # decoded and kept
    outcome: str  # correct, wrong, undecided, or empty
    found: str  # the answer that was graded
    why: str
    verifier: str  # whose verdict this is; empty when there is none
    fork: int | None  # the rollout whose beginning it shares; None: it is no fork


class Opinion(NamedTuple):
    """What one verifier says of one rollout."""

    verifier: str
    outcome: str
    found: str
    why: str
    model: str  # the judge's; empty for all others
    reply: str  # what the judge said
    decoded: int


_OPINIONS = """
SELECT by.text, outcome.text, coalesce(v.answer, ''), coalesce(v.why, ''), coalesce(model.text, ''),
       coalesce(j.text, ''), coalesce(j.decoded, 0)
FROM verdict v
JOIN name by ON by.id = v.verifier
JOIN name outcome ON outcome.id = v.outcome
LEFT JOIN judgement j ON j.rollout = v.rollout AND j.verifier = v.verifier
LEFT JOIN name model ON model.id = j.model
WHERE v.rollout = ? ORDER BY by.id
"""
_LISTED = f"""
SELECT r.id, p.key, p.answer, {CELL},
       r.sample, coalesce(stop.text, 'open'),
       coalesce((SELECT sum(decoded) FROM hop WHERE hop.rollout = r.id), 0),
       coalesce(outcome.text, ''), coalesce(v.answer, ''), coalesce(v.why, r.why, ''),
       CASE WHEN v.rollout IS NULL THEN '' ELSE by.text END, f.of
FROM rollout r
JOIN problem p ON p.id = r.problem
LEFT JOIN fork f ON f.rollout = r.id
JOIN cell c ON c.id = coalesce(f.cell, r.cell)
LEFT JOIN name stop ON stop.id = r.stop
LEFT JOIN name by ON by.text = ?
LEFT JOIN verdict v ON v.rollout = r.id AND v.verifier = by.id
LEFT JOIN name outcome ON outcome.id = v.outcome
"""

_GRADERS = "SELECT text FROM name WHERE id IN (SELECT verifier FROM verdict)"
_PROBLEM = "SELECT key, question, answer, kind, extra FROM problem"


class Run:
    """A run file, open to read."""

    def __init__(self, path: Path, *, writing: bool = False) -> None:
        """`writing`: this very process writes it at the same time."""
        self.path = path
        self._db = files.open_beside(path) if writing else files.open_to_read(path)
        self._names = Names()

    def query(self, sql: str, *values: object, **named: object) -> list[Any]:
        """Rows of a query of your own, with values for its `?` or `:name`; docs/run-file.md says what tables hold."""
        return self._db.execute(sql, named or values).fetchall()

    def has(self, table: str) -> bool:
        """Whether the file has this table: some come only with what fills them."""
        return bool(self.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", table))

    @property
    def meta(self) -> dict[str, Any]:
        """What is known about the run as a whole: scenario, phase, models, versions."""
        return {key: json.loads(value) for key, value in self.query("SELECT key, value FROM meta")}

    @property
    def cells(self) -> list[str]:
        """The cells' names, in the run's order."""
        return [name for (name,) in self.query("SELECT name FROM cell ORDER BY id")]

    @property
    def verifiers(self) -> list[str]:
        """Those that graded all rollouts, or began to: the run's own first, then those of `relay report --regrade`."""
        noted = self.query("SELECT value FROM meta WHERE key = 'verifiers'")
        if noted:
            return list(json.loads(noted[0][0]))
        return [text for (text,) in self.query(_GRADERS)]  # an older run had one

    @property
    def verifier(self) -> str:
        """The run's own verifier; of a run that graded nothing the first that did so later; else empty."""
        return next(iter(self.verifiers), "")

    @property
    def problems(self) -> list[Problem]:
        """The problems, in the run's order."""
        return [_problem(row) for row in self.query(f"{_PROBLEM} ORDER BY id")]

    def rollouts(self, where: str = "1", *values: object, limit: int = -1) -> Iterator[Listed]:
        """The rollouts, in the order of their numbers; `where` is SQL over r, p, c, v, stop and outcome."""
        for row in self._db.execute(f"{_LISTED} WHERE {where} ORDER BY r.id LIMIT ?", (self.verifier, *values, limit)):
            yield Listed(*row)

    def rollout(self, number: int) -> Listed:
        """One rollout. Raises UserError when there is none."""
        for listed in self.rollouts("r.id = ?", number):
            return listed
        ((most,),) = self.query("SELECT max(id) FROM rollout WHERE cell >= 0")
        there = "none has begun" if most is None else f"they go from 0 to {most}"
        forks = [str(fork) for (fork,) in self.query("SELECT id FROM rollout WHERE cell < 0 ORDER BY id")]
        if forks:
            there += f"; forks: {', '.join(forks[:8])}{' ...' if forks[8:] else ''}"
        raise UserError(Mistake(str(self.path), f"no rollout {number}", there))

    def problem_of(self, number: int) -> Problem:
        """The problem of a rollout."""
        return _problem(self.query(f"{_PROBLEM} WHERE id = (SELECT problem FROM rollout WHERE id = ?)", number)[0])

    def opinions(self, number: int) -> list[Opinion]:
        """What each verifier says of a rollout; of one that asks another, that of the other too."""
        return [Opinion(*row) for row in self.query(_OPINIONS, number)]

    def hops(self, number: int) -> list[Hop]:
        """A rollout's hops, in the order in which they were written."""
        rows = self._db.execute(SELECT_HOPS, (number,)).fetchall()
        try:
            return [hop_of(row, self._names)[1] for row in rows]
        except KeyError:  # a name that was given out since they were read
            self._names = Names.of(self._db)
            return [hop_of(row, self._names)[1] for row in rows]

    def walk(self, number: int) -> Walk:
        """A rollout as the tree of its pens: the very value that the loop had."""
        hops = self.hops(number)
        return walked(hops) if hops else begin(self.meta["scenario"]["graph"]["start"])

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Still(Run):
    """A run as it is now: whatever is asked twice is answered as the first time, and at once."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._answers: dict[tuple[Any, ...], list[Any]] = {}

    def query(self, sql: str, *values: object, **named: object) -> list[Any]:
        """As of a Run."""
        asked = (sql, values, tuple(named.items()))
        if asked not in self._answers:
            self._answers[asked] = super().query(sql, *values, **named)
        return self._answers[asked]


def _problem(row: tuple[str, str, str, str, str | None]) -> Problem:
    key, question, answer, kind, extra = row
    return Problem(key, question, answer, kind, json.loads(extra) if extra else {})
