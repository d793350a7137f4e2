"""The paper's printed figures as data, and what its tables say of themselves: averages, ranks, counts that cannot be.

Source: "Off-Trajectory Reasoning: Can LLMs Collaborate on Reasoning Trajectories?" (ICLR 2026, arXiv 2510.06410).
All in percent.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

AVERAGE = "avg"
TOLERANCE = 0.1  # percent; a printed average may be cut off instead of rounded
TRIALS = {  # graded rollouts of every cell, as the printed figures show
    "recover_shared_by_m": 200,
    "recover_shared_keep_opening_by_m": 200,
    "recover_individual_by_m": 250,
    "recover_individual_n40_by_m": 250,
    "guide_shared_by_n": 345,
}
SUMMARY = {  # the column of the main table, and the table whose average it repeats
    "benchmark_avg": "math_benchmarks",
    "recover_shared": "recover_shared_by_m",
    "recover_individual": "recover_individual_by_m",
    "guide_shared": "guide_shared_by_n",
    "guide_individual": "guide_individual_by_n",
}
MEDIUM, HIGH = 60.0, 75.0  # benchmark averages from which relay calls a model medium and high: as the paper sorts them

Row = Mapping[str, float]


class Oddity(NamedTuple):
    """A printed figure that does not follow from the others."""

    table: str
    model: str
    column: str
    printed: float
    computed: float  # what the other figures give: an average, or the nearest figure that can be
    what: str


@cache
def published() -> dict[str, Any]:
    """Every table, by name: rows by model, figures by column."""
    tables: dict[str, Any] = json.loads(Path(__file__).with_name("published.json").read_text("utf-8"))
    return tables


def average(row: Row) -> float:
    """The mean of a row's figures, without the printed average."""
    figures = [figure for column, figure in row.items() if column != AVERAGE]
    return sum(figures) / len(figures)


def possible(percent: float, trials: int) -> float:
    """The share of so many trials that is nearest, in percent."""
    return 100 * round(percent * trials / 100) / trials


def oddities() -> list[Oddity]:
    """What does not add up in print, found by computing everything anew."""
    return [*_averages(), *_counts(), *_summaries(), *_guides()]


def _averages() -> Iterator[Oddity]:
    for table, rows in published().items():
        for model, row in rows.items():
            if isinstance(row, dict) and AVERAGE in row:
                mean = average(row)
                if _far(mean, row[AVERAGE]):
                    yield Oddity(table, model, AVERAGE, row[AVERAGE], mean, "is not the mean of its row")


def _counts() -> Iterator[Oddity]:
    for table, trials in TRIALS.items():
        for model, row in published()[table].items():
            for column, figure in row.items():
                near = possible(figure, trials)
                if column != AVERAGE and abs(near - figure) > 0.05 + 1e-9:
                    yield Oddity(table, model, column, figure, near, f"is no share of {trials}")


def _summaries() -> Iterator[Oddity]:
    for column, table in SUMMARY.items():
        for model, row in published()[table].items():
            said = published()["math"][model][column]
            if _far(said, row[AVERAGE]):
                yield Oddity("math", model, column, said, row[AVERAGE], f"is another average in {table}")


def _guides() -> Iterator[Oddity]:
    for model, row in published()["guide_individual_by_guide"].items():
        by_n = published()["guide_individual_by_n"][model][AVERAGE]
        mean = average(row)
        if _far(mean, by_n):
            what = "is not the mean over guides: they have unequal numbers of problems"
            yield Oddity("guide_individual_by_n", model, AVERAGE, by_n, mean, what)


def _far(a: float, b: float) -> bool:
    return abs(a - b) > TOLERANCE + 1e-9


def ranks(column: Mapping[str, float | None]) -> dict[str, int]:
    """The rank of each model that has a figure: 1 is the greatest, equal figures share the better rank."""
    figures = {model: figure for model, figure in column.items() if figure is not None}
    return {model: 1 + sum(other > figure for other in figures.values()) for model, figure in figures.items()}


def shifts(before: Mapping[str, float | None], after: Mapping[str, float | None]) -> dict[str, int]:
    """How many ranks each model gains (+) or loses (-) from one column to another, among those that both have."""
    both = {model for model, figure in before.items() if figure is not None and after.get(model) is not None}
    first = ranks({model: before[model] for model in both})
    then = ranks({model: after[model] for model in both})
    return {model: first[model] - then[model] for model in before if model in both}


def column(table: str, name: str) -> dict[str, float | None]:
    """One column of a table, by model."""
    return {model: row[name] for model, row in published()[table].items()}


def tier(benchmark: float) -> str:
    """Low, medium or high, by a benchmark average in percent."""
    return "high" if benchmark >= HIGH else "medium" if benchmark >= MEDIUM else "low"
