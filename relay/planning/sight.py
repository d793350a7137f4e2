"""What a study of this size could see: the width of each cell's interval, and the least difference between cells."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from relay.language.cells import Cell
from relay.language.reading import Reading
from relay.measure.power import least_difference
from relay.prepare.jobs import CellPlan, cell_plans
from relay.prepare.run import needs_of
from relay.simulate import truth
from relay.simulate.rates import logit_normal
from relay.simulate.study import Cell as Known
from relay.simulate.study import Study

WIDE = 2 * 1.959964  # standard deviations in a 95 % interval
STUDIES = 300  # that are simulated for one least difference


class Beliefs(NamedTuple):
    """What is taken for true of the models before they are run."""

    accuracy: float = 0.5  # of every cell; half is the worst case
    icc: float = 0.4  # the correlation of two continuations of one problem
    distractor_sd: float = 0.5  # how much distractions differ, in log-odds


class Sight(NamedTuple):
    """One cell, and its difference from the run's cell of comparison; shares of rollouts."""

    cell: str
    width: float  # of the 95 % interval of its accuracy
    against: str  # the cell it is compared with; empty for that cell itself
    difference: float | None  # the least that the report's test tells from none: 5 %, in 80 of 100 studies


def sights(reading: Reading, problems: int, samples: int, beliefs: Beliefs) -> list[Sight]:
    """For every cell. The comparison is with the cell that passes the steer over, or the first baseline, or cell."""
    study = _study(reading, problems, samples, beliefs)
    base = _compared_with(reading.cells)
    width = lru_cache(maxsize=None)(lambda kind: _width(study, kind))
    least = lru_cache(maxsize=None)(lambda *kinds: _least(study, *kinds))

    def seen() -> Iterator[Sight]:
        for i, cell in enumerate(study.cells):
            against = study.cells[base]
            difference = least(against.steered, cell.steered) if i != base else None
            yield Sight(cell.name, width(cell.steered), against.name if i != base else "", difference)

    return list(seen())


def widest(reading: Reading, problems: int, samples: int, beliefs: Beliefs) -> float:
    """The width of the widest cell's interval."""
    study = _study(reading, problems, samples, beliefs)
    return max(_width(study, kind) for kind in {cell.steered for cell in study.cells})


def _study(reading: Reading, problems: int, samples: int, beliefs: Beliefs) -> Study:
    cells = cell_plans(reading)
    known = tuple(Known(c.name, steered=float(_distracted(c))) for c in cells)
    steers = max((_distractors(c, problems) for c in cells), default=0)
    rates = logit_normal(beliefs.accuracy, beliefs.icc)
    return Study(rates, max(1, problems), samples, known, max(1, steers), beliefs.distractor_sd)


def _width(study: Study, kind: float) -> float:
    """Of the interval of a cell with so much of a distractor, for one who knows how far its share strays."""
    return min(1.0, WIDE * truth.spread(study.of(Known("", steered=kind)), {0: 1.0}))


def _least(study: Study, *kinds: float) -> float | None:
    """By how much of a distractor the two cells have."""
    return least_difference(study.of(*(Known(str(i), steered=k) for i, k in enumerate(kinds))), studies=STUDIES)


def _distracted(cell: CellPlan) -> bool:
    return any(need.of == "another problem" for need in needs_of(cell))


def _distractors(cell: CellPlan, problems: int) -> int:
    """How many distractions are dealt out in it."""
    return max((need.among or problems for need in needs_of(cell) if need.of == "another problem"), default=0)


def _compared_with(cells: tuple[Cell, ...]) -> int:
    passed = (i for i, cell in enumerate(cells) if cell.without and not cell.baseline)
    return next(passed, next((i for i, cell in enumerate(cells) if cell.baseline), 0))
