"""What people ask of a run: rows of `requests`, written by whoever watches, and read by the one who runs it."""

import getpass
import json
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from relay.errors import Mistake, UserError
from relay.store import files
from relay.store.reader import Run
from relay.walk import BETWEEN

PAUSE, GO, FORK = "pause", "go", "fork"  # acts beside those that become a hop
LOOK = "look"  # somebody watches: engines are to tell of open segments as they grow, and the run how many calls wait
_COLUMNS = "id, act, rollout, pen, data, who, asked, taken, refused"
_MADE = f"SELECT q.{_COLUMNS.replace(', ', ', q.')}, f.rollout FROM requests q LEFT JOIN fork f ON f.request = q.id"
UNTAKEN = f"SELECT {_COLUMNS} FROM requests WHERE id > ? AND taken IS NULL ORDER BY id"
TAKEN = "UPDATE requests SET taken = ?, refused = ? WHERE id = ?"
GONE_ON = "INSERT INTO requests (act, rollout, who, asked, taken) VALUES ('go', ?, '', ?, ?)"  # by the runner itself
DONE = "taken IS NOT NULL AND refused IS NULL"


class Asked(NamedTuple):
    """One request."""

    id: int
    act: str  # pause, go, insert, edit, veto, edge, fork, answer, look
    rollout: int | None  # None: the whole run
    pen: str
    data: Mapping[str, Any]
    who: str  # login name
    asked: float  # seconds since 1970
    taken: float | None  # when it was done or refused; None: it waits
    refused: str  # why it was not done; empty: it was, or waits
    made: int | None = None  # of a fork: its rollout

    @property
    def told(self) -> str:
        """How it stands, in words."""
        act = "branch off" if self.act == FORK else "step" if self.data.get("step") else self.act
        if self.taken is None:
            return f"{act}: asked"
        if self.refused:
            return f"{act}: refused: {self.refused}"
        return f"{act}: done" + (f": rollout {self.made}" if self.made is not None else "")


def asked_of(row: tuple[Any, ...]) -> Asked:
    """The request of a row."""
    number, act, rollout, pen, data, who, asked, taken, refused, *made = row
    given = json.loads(data) if data else {}
    return Asked(number, act, rollout, pen or "0", given, who or "", asked or 0.0, taken, refused or "", *made)


def ask(path: Path, act: str, rollout: int | None = None, pen: str = "0", **data: object) -> int:
    """Ask for it; the number of the request. The file is closed again at once. Raises UserError where that fails."""
    row = (act, rollout, pen, json.dumps(data), who(), time.time())
    try:
        with closing(files.open_to_ask(path)) as db:
            sql = "INSERT INTO requests (act, rollout, pen, data, who, asked) VALUES (?, ?, ?, ?, ?, ?)"
            return int(db.execute(sql, row).lastrowid or 0)
    except sqlite3.Error as error:
        raise UserError(Mistake(str(path), f"cannot be asked: {error}", "may you write to it?")) from None


def who() -> str:
    """The login name of this user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in a container
        return ""


def requests_of(run: Run, rollout: int) -> list[Asked]:
    """What was asked of one rollout, the first one first."""
    return [asked_of(row) for row in run.query(f"{_MADE} WHERE q.rollout = ? ORDER BY q.id", rollout)]


def request(run: Run, number: int) -> Asked:
    """One request."""
    return asked_of(run.query(f"{_MADE} WHERE q.id = ?", number)[0])


_HELD = f"SELECT act, rollout FROM requests WHERE act IN {(PAUSE, GO)} AND {DONE} ORDER BY id"


def held(query: Callable[[str], list[Any]]) -> tuple[bool, frozenset[int]]:
    """Whether the run as a whole is paused, and which rollouts are."""
    acts: dict[int | None, str] = {}
    for act, rollout in query(_HELD):
        if rollout is None and act == GO:
            acts.clear()
        acts[rollout] = act
    return acts.get(None) == PAUSE, frozenset(r for r, act in acts.items() if r is not None and act == PAUSE)


def asks(scenario: Mapping[str, Any]) -> frozenset[str]:
    """The nodes of a scenario, as a run file keeps it, at which a person is asked."""
    nodes = (scenario.get("graph") or {}).get("nodes") or {}
    return frozenset(
        name for name, node in nodes.items() if isinstance(node, dict) and "ask" in node and "judge" not in node
    )


def touched(query: Callable[[str], list[Any]]) -> int:
    """In how many of the run's own rollouts a person took part; forks are none of them."""
    joined = "requests q JOIN rollout r ON r.id = q.rollout AND r.cell >= 0"
    return int(query(f"SELECT count(DISTINCT q.rollout) FROM {joined} WHERE q.act IN {BETWEEN} AND {DONE}")[0][0])
