"""A run of a twin test beside the paper's table of the same test."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from relay.errors import Mistake, UserError
from relay.measure.scores import scores
from relay.store.reader import Run
from relay.twin.guides import GUIDE
from relay.twin.published import AVERAGE, SUMMARY, average, column, published, ranks, shifts, tier
from relay.twin.shared import rules

Figures = Mapping[str, float]


class Beside(NamedTuple):
    """The paper's rows and the run's own, best average first."""

    title: str
    sweep: str  # what the columns are: "m" or "n"
    columns: Sequence[str]  # its values, as the paper prints them
    rows: Sequence["Line"]
    note: str  # what differs


class Line(NamedTuple):
    """One model's row."""

    model: str
    figures: Figures  # percent by column; a column that the run does not have is missing
    average: float | None  # None: a column is missing
    rank: int | None
    own: bool  # the run's, not the paper's
    tier: str = ""  # by its benchmark average; of the run's model nothing is known
    shift: int | None = None  # ranks that it gains from the benchmarks to this test, among the paper's models


def beside(run: Run) -> Beside:
    """Raises UserError where the run is none of the twin tests."""
    scenario = run.meta["scenario"]
    over = (scenario.get("sweep") or {}).get("over") or {}
    sweep = "m" if "m" in over else "n" if "n" in over else ""
    if not sweep:
        what = "is no twin test: its sweep has neither m nor n"
        raise UserError(Mistake(str(run.path), what, "`relay run recoverability` and `relay run guidability` make one"))
    name, title = _table(scenario, over, sweep)
    kinds = {kind for (kind,) in run.query("SELECT DISTINCT kind FROM problem")}
    subject = "code" if kinds == {"code"} else "math"
    columns = [name_ for name_ in next(iter(published()[name].values())) if name_ != AVERAGE]
    own = _own(run, sweep, over, columns)
    mine = average(own) if len(own) == len(columns) else None
    printed = _printed(name, subject)
    placed = ranks({"": mine, **{model: mean for model, (_, mean) in printed.items()}})
    benchmark = column(subject, "benchmark_avg")
    gained = shifts(benchmark, {model: mean for model, (_, mean) in printed.items()})
    lines = [
        Line(m, figures, mean, placed.get(m), False, tier(benchmark.get(m) or 0.0), gained.get(m))
        for m, (figures, mean) in printed.items()
    ]
    model = str(run.meta.get("models", {}).get("main", {}).get("model") or "this run")
    lines.append(Line(model, own, mine, placed.get(""), True))
    lines.sort(key=lambda line: (line.rank is None, line.rank or 0))
    problems = run.query("SELECT count(*) FROM problem")[0][0]
    note = (
        f"The paper's figures are of its own {subject} problems; the row with * is this run, of {problems:,} problems "
        "of its own set, preset and budget. The paper has no fresh solos: compare its raw scores only."
    )
    return Beside(f"{title}, {subject}", sweep, columns, lines, note)


def _printed(name: str, subject: str) -> dict[str, tuple[Figures, float | None]]:
    """The paper's rows, best known: by column for math; for code it prints averages only."""
    if subject == "math":
        return {
            m: ({c: f for c, f in row.items() if c != AVERAGE}, row[AVERAGE]) for m, row in published()[name].items()
        }
    summary = next((c for c, table in SUMMARY.items() if table == name), "")
    return {m: ({}, row[summary]) for m, row in published()["code"].items() if summary and row[summary] is not None}


def _table(scenario: Mapping[str, Any], over: Mapping[str, Any], sweep: str) -> tuple[str, str]:
    """Which of the paper's tables is of the same test, and what it is called."""
    selecting = {rule.get("solved") for rule in rules(scenario)} - {GUIDE}
    if sweep == "n":
        if len(selecting) > 1:
            return "guide_shared_by_n", "guidability, shared subset, by n"
        return "guide_individual_by_n", "guidability, individual subset, by n"
    if set(over.get("opening", [0])) == {1}:
        return "recover_shared_keep_opening_by_m", "recoverability, keeping the opening, shared subset, by m"
    if set(map(float, over.get("n", [0.2]))) == {0.4}:
        return "recover_individual_n40_by_m", "recoverability at n = 0.4, individual subset, by m"
    least = [str(rule.get("at_least", "")) for rule in rules(scenario)]
    if least and all(ratio and len(set(ratio.split("/"))) == 1 for ratio in least):
        return "recover_shared_by_m", "recoverability, shared subset, by m"
    return "recover_individual_by_m", "recoverability, individual subset, by m"


def _own(run: Run, sweep: str, over: Mapping[str, Any], columns: Sequence[str]) -> dict[str, float]:
    """The run's scores in percent by the paper's columns; where n is swept too, at the n that the table is of."""
    settings = [json.loads(text) for (text,) in run.query("SELECT settings FROM cell ORDER BY id")]
    n = 0.4 if set(map(float, over.get("n", []))) == {0.4} else 0.2
    found: dict[str, float] = {}
    for values, score in zip(settings, scores(run), strict=True):
        if values["without"] or score.score is None or (sweep == "m" and float(values.get("n", n)) != n):
            continue
        for each in columns:
            if abs(float(each) - float(values[sweep])) < 1e-9:
                found[each] = 100 * score.score
    return found
