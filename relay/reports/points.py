"""The cells of a run as points of pictures: where they lie in the sweep, their score, what they cost."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from relay.measure.intervals import Interval
from relay.measure.joint import Ratio
from relay.measure.paid import KINDS, Paid, paid
from relay.measure.scores import scores
from relay.measure.spoiled import corrections
from relay.store.reader import Run
from relay.twin.effect import fresh_cell


class Point(NamedTuple):
    """One cell with at least one verdict of the run's own verifier."""

    cell: int  # its number in the run
    name: str
    settings: Mapping[str, Any]  # of the swept names
    without: str  # nodes that are passed over, with spaces between
    score: float
    interval: Interval | None
    graded: int
    tokens: float  # decoded, kept or thrown away, for each graded rollout
    spoilers: float | None  # rate; None: nobody looked, or there are none to look for
    alone: bool  # fresh solos: the baseline
    baseline: str = ""  # as `compare:` says it
    costs: Mapping[str, Ratio] = {}  # for each graded rollout, by kind, with their intervals

    @property
    def beside(self) -> bool:
        """Whether it is there for the other cells' sake."""
        return self.alone or bool(self.baseline)


def points(run: Run, cells: Mapping[int, Paid] | None = None) -> list[Point]:
    """In the run's order; `cells` where they were read already, with prices that there be money among the costs."""
    settings = [json.loads(text) for (text,) in run.query("SELECT settings FROM cell ORDER BY id")]
    rates = {each.cell: each.rate for each in corrections(run)}
    alone = fresh_cell(run)
    cells = paid(run) if cells is None else cells
    found = []
    for i, each in enumerate(scores(run)):
        if each.score is None:
            continue
        values = {name: value for name, value in settings[i].items() if name not in ("without", "baseline")}
        without = " ".join(settings[i].get("without") or ())
        tokens = (each.decoded + each.thrown) / each.graded
        rate = None if without else rates.get(each.cell)
        found.append(Point(
            i, each.cell, values, without, each.score, each.interval, each.graded, tokens, rate, i == alone,
            settings[i].get("baseline", ""), {k: mean for k in KINDS if (mean := cells[i].mean(k)) is not None},
        ))  # fmt: skip
    return found


def numbers(of: list[Point]) -> list[str]:
    """The swept names with at least two values, all of them numbers."""
    names = {name: None for point in of for name in point.settings}
    return [name for name in names if _numeric([point.settings.get(name) for point in of])]


def _numeric(values: list[Any]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values) and (
        len(set(values)) > 1
    )


def rest_of(point: Point, *names: str) -> str:
    """The settings of a cell beside these, in words."""
    said = [f"{name}={value}" for name, value in point.settings.items() if name not in names]
    return " ".join([*said, *([f"without {point.without}"] if point.without else [])])
