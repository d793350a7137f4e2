"""What a study of this size could see: the width of each cell's interval, and the least difference between cells."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from relay.language.reading import Cell, Reading
from relay.prepare.jobs import CellPlan, cell_plans
from relay.prepare.run import needs_of
from relay.simulate import truth
from relay.simulate.rates import logit_normal
from relay.simulate.study import Cell as Known
from relay.simulate.study import Study

WIDE = 2 * 1.959964  # standard deviations in a 95 % interval
SEEN = 1.959964 + 0.841621  # standard errors that a true difference must be, to be told from none 80 times in 100


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
    difference: float | None  # the least that is told from none: 5 % two-sided, 80 % power


def sights(reading: Reading, problems: int, beliefs: Beliefs) -> list[Sight]:
    """For every cell. The comparison is with the cell that passes the steer over or, without one, the first."""
    cells = cell_plans(reading)
    known = [Known(c.name, steered=float(_distracted(c))) for c in cells]
    steers = max((_distractors(c, problems) for c in cells), default=0)
    samples = reading.cells[0].scenario.most_samples
    base = _compared_with(reading.cells)
    study = Study(
        logit_normal(beliefs.accuracy, beliefs.icc), max(1, problems), samples, tuple(known), max(1, steers),
        beliefs.distractor_sd,
    )  # fmt: skip
    spread = lru_cache(maxsize=None)(lambda kinds: _spread(study, kinds))

    def seen() -> Iterator[Sight]:
        for i, cell in enumerate(known):
            width = WIDE * spread((cell.steered,))
            least = SEEN * spread((cell.steered, known[base].steered)) if i != base else None
            yield Sight(cell.name, min(1.0, width), known[base].name if i != base else "", least)

    return list(seen())


def _spread(study: Study, kinds: tuple[float, ...]) -> float:
    """Of one cell's share, or of the difference of two, by how much of a distractor each has."""
    pair = study.of(*(Known(str(i), steered=kind) for i, kind in enumerate(kinds)))
    return truth.spread(pair, {0: 1.0} if len(kinds) == 1 else {0: 1.0, 1: -1.0})


def _distracted(cell: CellPlan) -> bool:
    return any(need.of == "another problem" for need in needs_of(cell))


def _distractors(cell: CellPlan, problems: int) -> int:
    """How many distractions are dealt out in it."""
    return max((need.among or problems for need in needs_of(cell) if need.of == "another problem"), default=0)


def _compared_with(cells: tuple[Cell, ...]) -> int:
    return next((i for i, cell in enumerate(cells) if cell.without), 0)
