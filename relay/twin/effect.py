"""What steers change: each cell beside fresh solos of the same problems, with and without what spoilers gave away."""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from relay.measure.graded import graded
from relay.measure.intervals import Interval, interval, of_problems
from relay.measure.joint import only, together
from relay.measure.outcomes import Outcomes
from relay.measure.paired import Difference, Equality, between, difference, equal
from relay.measure.significance import Tested, differ
from relay.measure.spoiled import Looked, Spoiled, Tally, corrections, looked, spoiled, tallies
from relay.measure.unwatched import watchers
from relay.store.reader import Run

Cell = Mapping[int, Tally]  # by problem


class Line(NamedTuple):
    """One cell, or several together."""

    cell: str
    problems: int  # with at least one graded rollout
    missing: int
    correct: int
    graded: int
    interval: Interval | None
    minus_alone: Difference | None  # None: it is the baseline itself, or there is none
    spoiled: Spoiled | None  # None: nobody has looked, or no steer is about its own problem
    corrected_minus_alone: Difference | None  # without the problems whose steer is a spoiler
    equal: Equality | None = None  # whether it is as good as alone
    test: Tested | None = None  # whether it differs from alone; by itself, no other test counted

    @property
    def score(self) -> float | None:
        """The share that is correct: the raw score."""
        return self.correct / self.graded if self.graded else None


class Effect(NamedTuple):
    """A twin test: the headline is `steered.minus_alone`, the raw score beside it."""

    alone: Line | None  # fresh solos of the selected problems; None: the run has no such cell
    cells: list[Line]  # in the run's order
    steered: Line  # these together
    looked: Looked


def fresh(settings: Mapping[str, Any]) -> bool:
    """Whether a cell's rollouts are fresh solos: nothing is put in, and nothing of a solo is kept."""
    return bool(settings.get("without")) and not any(float(settings.get(name) or 0) for name in ("m", "opening"))


def fresh_cell(run: Run) -> int | None:
    """The number of the cell of fresh solos."""
    return next((i for i, _, values in _cells(run) if fresh(values)), None)


def steered_cells(run: Run) -> list[tuple[int, str]]:
    """Number and name of each cell in which no node is passed over."""
    return [(i, name) for i, name, values in _cells(run) if not values.get("without")]


def _cells(run: Run) -> list[tuple[int, str, dict[str, Any]]]:
    """Those of the test itself: what `compare:` adds has a table of its own."""
    rows = run.query("SELECT id, name, settings FROM cell ORDER BY id")
    beside = watchers(run.meta["scenario"])  # where only these are passed over a thought is steered as in other cells
    found = []
    for i, name, text in rows:
        values = json.loads(text)
        if "baseline" not in values:
            found.append((i, name, {**values, "without": [n for n in values.get("without") or () if n not in beside]}))
    return found


class Verdicts(NamedTuple):
    """What the effect is made from: read once, it serves for any choice of problems."""

    tallies: Mapping[int, Cell]  # by the number of the cell
    graded: Mapping[int, Outcomes]
    looked: Looked


def verdicts(run: Run, verifier: str = "") -> Verdicts:
    """All verdicts by this verifier; by default by the run's own."""
    return Verdicts(tallies(run, verifier), graded(run, verifier), looked(run, verifier))


def effect(
    run: Run, verifier: str = "", problems: Collection[int] | None = None, of: Verdicts | None = None, *,
    cells: bool = True,
) -> Effect:  # fmt: skip
    """Each cell minus alone, over all problems or these, by number; `of` where they were read already.

    Without `cells` only all steered ones together, which takes a fraction of the time.
    """
    keep = None if problems is None else set(problems)
    counts, outcomes, look = of or verdicts(run, verifier)
    by_cell: dict[int, Cell] = {i: {} for i in range(len(run.cells))}
    for i, cell in counts.items():
        by_cell[i] = {problem: tally for problem, tally in cell.items() if keep is None or problem in keep}
    drawn = {i: only(cell, by_cell[i]) for i, cell in outcomes.items()}
    alone, steered = fresh_cell(run), steered_cells(run)
    baseline = by_cell[alone] if alone is not None else {}
    solos = drawn.get(alone) if alone is not None else None
    lines = [
        line(name, by_cell[i], baseline, corrected=look.done)._replace(**_beside(drawn.get(i), solos))
        for i, name in steered
        if cells
    ]
    all_ = [drawn[i] for i, _ in steered if i in drawn]
    whole = line("all steered", joined(by_cell[i] for i, _ in steered), baseline, corrected=look.done)
    whole = whole._replace(**_beside(together(all_) if all_ else None, solos))
    fresh_ = line("alone", baseline, {})._replace(**_beside(solos, None)) if alone is not None else None
    return Effect(fresh_, lines, whole, look)


def _beside(cell: Outcomes | None, alone: Outcomes | None) -> dict[str, Any]:
    """What hangs on which rollouts share a distractor or a stratum."""
    if cell is None or not len(cell.problem):
        return {}
    found: dict[str, Any] = {"interval": interval(cell)}
    if alone is None or not len(alone.problem):
        return found
    return {**found, "minus_alone": between(cell, alone), "equal": equal(cell, alone), "test": differ(cell, alone)}


def line(name: str, cell: Cell, alone: Cell, *, corrected: bool = False) -> Line:
    """One cell beside the baseline."""
    sum_ = Tally()
    for tally in cell.values():
        sum_ = sum_.plus(tally)
    return Line(
        name,
        sum(tally.graded > 0 for tally in cell.values()),
        sum_.missing,
        sum_.correct,
        sum_.graded,
        of_problems([tally.counts for tally in cell.values()]),
        difference([(tally.counts, alone[p].counts) for p, tally in cell.items() if p in alone]),
        spoiled(name, cell.values()) if corrected else None,
        difference([(tally.corrected, alone[p].counts) for p, tally in cell.items() if p in alone])
        if corrected
        else None,
    )


def joined(cells: Iterable[Cell]) -> dict[int, Tally]:
    """Several cells together, by problem."""
    sums: dict[int, Tally] = {}
    for cell in cells:
        for problem, tally in cell.items():
            sums[problem] = sums.get(problem, Tally()).plus(tally)
    return sums


def as_data(of: Line) -> dict[str, Any]:
    """A line as JSON has it; shares in 0..1. Only guidability's cells have spoilers."""
    found: dict[str, Any] = {
        "correct": of.correct,
        "graded": of.graded,
        "score": of.score,
        "interval": of.interval and of.interval._asdict(),
    }
    if of.spoiled is not None:
        found |= corrected_data(of.spoiled)
        found["corrected"]["minus_alone"] = of.corrected_minus_alone and of.corrected_minus_alone._asdict()
    return found


def beside(of: Line) -> dict[str, Any]:
    """A steered line as JSON has it."""
    found = {**as_data(of), "missing": of.missing, "minus_alone": of.minus_alone and of.minus_alone._asdict()}
    if of.equal is not None and of.test is not None:
        found |= {"equal": {"verdict": of.equal.verdict, "margin": of.equal.margin}, "test": of.test._asdict()}
    return found


def rows(run: Run, verifier: str = "") -> dict[str, dict[str, Any]]:
    """What stands beside the score of each cell in `relay report --json`, by the cell's name."""
    found = effect(run, verifier)
    clean = {each.cell: corrected_data(each) for each in corrections(run, verifier)}
    minus = {each.cell: each.minus_alone and each.minus_alone._asdict() for each in found.cells} if found.alone else {}
    none = {"spoiler_rate": None, "score_minus_spoilers": None, "corrected": None}
    unknown = none if found.looked.steers else {}
    return {
        name: {
            "minus_alone": minus.get(name),
            **clean.get(name, unknown),
            **({"spoilers_looked_for": found.looked._asdict()} if found.looked.steers else {}),
        }
        for name in run.cells
    }


def corrected_data(of: Spoiled) -> dict[str, Any]:
    """What stands beside a score in which there may be spoilers."""
    correct, graded = of.corrected
    return {
        "spoilers": of.spoilers,
        "spoiler_rate": of.rate,
        "score_minus_spoilers": of.minus_spoilers,
        "corrected": {
            "correct": correct,
            "graded": graded,
            "score": of.corrected_score,
            "interval": of.interval and of.interval._asdict(),
        },
    }
