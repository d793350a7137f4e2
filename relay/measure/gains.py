"""What a relay gains: each cell minus its baselines (`compare:`) on the same problems, and what a right answer costs.

The word is "gain" only where the interval excludes zero, and the p-value too, adjusted for all comparisons of the run.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from relay.measure.declared import GRID, LEVEL, NAMED
from relay.measure.joint import Ratio, common
from relay.measure.outcomes import Outcomes
from relay.measure.paid import KINDS, Paid, paid, ratio
from relay.measure.paired import Difference, Equality, between, equal
from relay.measure.power import least_seen
from relay.measure.price import Prices
from relay.measure.significance import Tested, benjamini_hochberg, differ, holm, shares
from relay.store.reader import Run

GAIN, LOSS, NONE, UNKNOWN = "gain", "loss", "no gain", "cannot tell"


class Gain(NamedTuple):
    """One cell beside one of its baselines, over the problems graded in both; shares in 0..1."""

    cell: str
    against: str
    score: float  # the mean over these problems
    baseline: float
    difference: Difference  # the cell minus the baseline
    test: Tested  # by itself
    adjusted: float  # its p-value among all comparisons of the run
    equal: Equality
    least: float | None  # the true difference that such a comparison finds in 80 of 100; None: none is seen
    times: Mapping[str, Ratio | None]  # by kind of cost: how many times as much a right answer costs

    @property
    def answer(self) -> str:
        """ "gain", "loss", "no gain" or "cannot tell"; a difference that surely is a small one says so."""
        return answer(self.difference, self.adjusted, self.equal)


def answer(difference: Difference, adjusted: float, equal: Equality) -> str:
    """In words; "no gain": the two are equal, by two one-sided tests."""
    none = equal.verdict == "equal"
    if adjusted < LEVEL and not difference.low <= 0 <= difference.high:
        small = f", within {100 * equal.margin:g} points" if none else ""
        return (GAIN if difference.mean > 0 else LOSS) + small
    return NONE if none else UNKNOWN


def pairs(run: Run) -> list[tuple[str, str]]:
    """Which cells are compared with which: (cell, baseline), by name."""
    return [(cell, against) for cell, against in run.meta.get("compared") or ()]


def gains(
    run: Run, verifier: str = "", prices: Prices | None = None, of: Mapping[int, Paid] | None = None
) -> list[Gain]:
    """Every comparison that has a problem graded on both sides, in the run's order; by its own verifier or this.

    `of`: its cells with what they cost, where they were read already.
    """
    wanted = pairs(run)
    if not wanted:
        return []
    names = run.cells
    cells = {names[i]: cell for i, cell in (of or paid(run, verifier, prices)).items()}
    found = [_gain(c, a, cells[c], cells[a]) for c, a in wanted if c in cells and a in cells]
    return adjusted([each for each in found if each is not None])


def _gain(name: str, against: str, cell: Paid, base: Paid) -> Gain | None:
    gained = compared(name, against, cell.outcomes, base.outcomes)
    return gained and gained._replace(times={kind: ratio(cell, base, kind) for kind in KINDS})


def compared(name: str, against: str, cell: Outcomes, base: Outcomes) -> Gain | None:
    """One comparison, by itself, without its costs; None where no problem is graded in both."""
    moved, test = between(cell, base), differ(cell, base)
    if moved is None or test is None:
        return None
    score, baseline = (float(shares(each).mean()) for each in common([cell, base]))
    least = least_seen(cell, base)
    return Gain(name, against, score, baseline, moved, test, test.p, equal(cell, base), least, {})


def adjusted(found: Sequence[Gain]) -> list[Gain]:
    """With p-values adjusted together: after Holm where one cell has its baselines, else a grid's way."""
    adjust = holm if family(found) == NAMED else benjamini_hochberg
    together = adjust([each.test.p for each in found])
    return [each._replace(adjusted=p) for each, p in zip(found, together, strict=True)]


def family(found: Sequence[Gain]) -> str:
    """By whom the p-values of these comparisons are adjusted together."""
    return family_of(each.cell for each in found)


def family_of(cells: Iterable[str]) -> str:
    """The same of the cells of comparisons, by name: one cell with its baselines is no grid."""
    return NAMED if len(set(cells)) == 1 else GRID


def gain_data(each: Gain) -> dict[str, Any]:
    """A gain as JSON has it; shares in 0..1."""
    return {
        **each._asdict(),
        "difference": each.difference._asdict(),
        "test": each.test._asdict(),
        "equal": {"verdict": each.equal.verdict, "margin": each.equal.margin},
        "times": {kind: times and times._asdict() for kind, times in each.times.items()},
        "answer": each.answer,
    }
