"""A run file as pandas frames. docs/python.md says what each column is, and a test holds the two together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas import DataFrame


COSTS = """
SELECT r.id, coalesce(sum(s.thrown), 0), coalesce(sum(s.computed), 0), coalesce(sum(s.cached), 0),
       coalesce(sum(s.ms), 0) / 1000.0
FROM rollout r LEFT JOIN step s ON s.rollout = r.id GROUP BY r.id ORDER BY r.id
"""
VERDICTS = """
SELECT v.rollout, by.text, outcome.text, outcome.text = 'correct', coalesce(v.answer, ''), coalesce(v.why, ''),
       coalesce(v.ms, 0) / 1000.0, coalesce(model.text, ''), coalesce(j.text, '')
FROM verdict v
JOIN name by ON by.id = v.verifier
JOIN name outcome ON outcome.id = v.outcome
LEFT JOIN judgement j ON j.rollout = v.rollout AND j.verifier = v.verifier
LEFT JOIN name model ON model.id = j.model
ORDER BY v.rollout, by.id
"""
COST_COLUMNS = ("thrown", "computed", "cached", "seconds")
VERDICT_COLUMNS = ("rollout", "verifier", "outcome", "correct", "answer", "why", "seconds", "judge", "reply")


class Frames:
    """A run file; each frame is read anew when it is asked for, so that a run that goes on can be looked at."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"relay.open({str(self.path)!r})"

    @property
    def meta(self) -> dict[str, Any]:
        """What is known of the run as a whole: docs/run-file.md, `meta`."""
        from relay.store.opening import opened

        with opened(self.path) as run:
            return run.meta

    @property
    def rollouts(self) -> DataFrame:
        """A row a rollout, by its number, with the value of each swept name and the run's own verdict."""
        from relay.store.opening import opened
        from relay.store.reader import Listed

        with opened(self.path) as run:
            frame = _frame([*run.rollouts()], Listed._fields)
            costs = _frame(run.query(COSTS), ("id", *COST_COLUMNS))
            settings = {name: json.loads(text) for name, text in run.query("SELECT name, settings FROM cell")}
        frame["correct"] = (frame["outcome"] == "correct").astype("boolean").where(frame["outcome"] != "")
        swept = {name for values in settings.values() for name in values if name != "baseline"}
        for name in sorted(swept):
            column = f"sweep {name}" if name in frame or name in COST_COLUMNS else name
            values = {cell: _plain(found.get(name)) for cell, found in settings.items()}
            frame[column] = frame["cell"].map(values)
        return frame.astype({"fork": "Int64"}).merge(costs, on="id").set_index("id").rename_axis("rollout")

    @property
    def segments(self) -> DataFrame:
        """A row a segment: what one author added at one visit, in the order of writing within its rollout."""
        from relay.exports.segments import COLUMNS, rows
        from relay.store.opening import opened

        with opened(self.path) as run:
            return _frame([*rows(run)], COLUMNS).astype({"fork": "Int64", "kept": bool})

    @property
    def verdicts(self) -> DataFrame:
        """A row for each verifier that graded a rollout, parts of rules and judges too."""
        frame = self._asked(VERDICTS, VERDICT_COLUMNS)
        return frame.astype({"correct": bool})

    @property
    def scores(self) -> DataFrame:
        """A row for each cell and verifier: the figures of `relay report`."""
        from relay.measure.score_rows import COLUMNS, by_all, row
        from relay.store.opening import opened

        with opened(self.path) as run:
            return _frame([row(score) for score in by_all(run)], COLUMNS)

    @property
    def gains(self) -> DataFrame:
        """A row for each cell and baseline (`compare:`): difference, interval, answer, and multiples of costs."""
        from relay.measure.gain_rows import COLUMNS, rows
        from relay.store.opening import opened

        with opened(self.path) as run:
            return _frame([*rows(run)], COLUMNS)

    def _asked(self, sql: str, columns: Sequence[str]) -> DataFrame:
        from relay.store.opening import opened

        with opened(self.path) as run:
            return _frame(run.query(sql), columns)


def _frame(rows: Sequence[Any], columns: Sequence[str]) -> DataFrame:
    from pandas import DataFrame

    return DataFrame(list(rows), columns=list(columns))


def _plain(value: Any) -> Any:
    """A setting as a column holds it: lists of nodes in words."""
    return " ".join(map(str, value)) if isinstance(value, list) else value
