"""What a simulated study is: its problems, its cells, and what is random in it."""

from collections.abc import Mapping
from typing import NamedTuple

from relay.simulate.rates import Rates


class Cell(NamedTuple):
    """One cell: what it does to the log-odds that a problem is solved."""

    name: str
    shift: float = 0.0  # for every problem alike
    slope: float = 0.0  # how much of each problem's own slope
    steered: float = 0.0  # how much of the distractor's effect, and of its effect on this problem; 0: no steer


class Selection(NamedTuple):
    """Problems are taken by how many of their solo samples were right; the solos are not used again."""

    at_least: int = 8
    at_most: int = 8
    of: int = 8


class Lengths(NamedTuple):
    """Tokens of a continuation: log-normal over problems and over continuations of one problem."""

    mean: float = 1000.0  # tokens, over all
    sd: float = 0.5  # of the logarithm, over continuations of one problem
    problem_sd: float = 0.5  # of the logarithm, over problems
    most: int = 32768  # the budget: longer ones are cut; outcomes do not hang on it


class Study(NamedTuple):
    """All that the outcomes of a study depend on, beside a seed."""

    rates: Rates  # the population of the problems' solve rates
    problems: int  # after selection
    samples: int = 1  # continuations of each problem in each cell
    cells: tuple[Cell, ...] = (Cell("solo"),)
    distractors: int = 50  # shared by all problems, dealt out evenly over (problem, sample) as relay does
    distractor_sd: float = 0.0  # of the distractors' effects, in log-odds
    interaction_sd: float = 0.0  # of a distractor's effect on one problem, in log-odds
    slope_sd: float = 0.0  # of the problems' own slopes, in log-odds
    selection: Selection | None = None
    lengths: Lengths | None = None

    def of(self, *cells: Cell) -> "Study":
        """The same study with these cells."""
        return self._replace(cells=cells)


def recoverability(study: Study, by_m: Mapping[float, float]) -> tuple[Cell, ...]:
    """A cell for each m, with this true accuracy; the less is kept of the original, the more problems differ."""
    from relay.simulate.truth import aimed

    return tuple(aimed(study, Cell(f"m={m:g}", slope=1 - m, steered=1.0), p) for m, p in by_m.items())


def guidability(study: Study, by_n: Mapping[float, float]) -> tuple[Cell, ...]:
    """A cell for each n, with this true accuracy; the more is given, the more problems differ. Guides are fixed."""
    from relay.simulate.truth import aimed

    return tuple(aimed(study, Cell(f"n={n:g}", slope=n), p) for n, p in by_n.items())
