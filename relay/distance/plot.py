"""The plot of recovery against the distance of the steer: a curve a cell, a point a third, with its interval."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from relay.errors import Mistake, UserError
from relay.measure.distances import ALL, Distance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENDINGS = (".svg", ".png", ".pdf")
NEEDS_EXTRA = "a plot needs the extra [plot]: pip install 'relay-cot[plot]'"


def check(file: Path) -> None:
    """Raise UserError where no plot can be made there."""
    if file.suffix not in ENDINGS:
        raise UserError(Mistake(f"--distance-plot {file}", "what kind of file?", f"end it with {', '.join(ENDINGS)}"))
    if not file.parent.is_dir():
        raise UserError(Mistake(f"--distance-plot {file}", f"there is no folder {file.parent}"))
    try:
        import matplotlib.figure  # noqa: F401  looked for
    except ImportError:
        raise UserError(NEEDS_EXTRA) from None


def draw(found: Sequence[Distance], title: str, file: Path) -> None:
    """Write the plot. Raises UserError where there is nothing to draw."""
    from matplotlib import rc_context

    cells = [each for each in found if each.thirds and each.cell != ALL]
    if not cells:
        what = "no cell has graded rollouts with three different distances"
        raise UserError(Mistake(f"--distance-plot {file}", what, "`--distance` measures them"))
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "relay", "text.parse_math": False}):
        figure_of(cells, title).savefig(file, metadata={"Date": None} if file.suffix == ".svg" else {})


def figure_of(cells: Sequence[Distance], title: str) -> "Figure":
    """The plot: mean distance of a third from left to right, share correct from 0 to 100 % upwards."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for each in cells:
        points = [(t.distance, 100 * t.correct / t.graded, t.interval) for t in each.thirds if t.interval]
        where, shares, intervals = zip(*points, strict=True)
        below = [max(0.0, share - 100 * i.low) for share, i in zip(shares, intervals, strict=True)]
        above = [max(0.0, 100 * i.high - share) for share, i in zip(shares, intervals, strict=True)]
        axes.errorbar(where, shares, yerr=[below, above], marker="o", capsize=3, label=each.cell)
    axes.set(xlabel="distance of the steer, nats a token", ylabel="correct, %", ylim=(-2, 102), title=title)
    axes.legend(fontsize="small")
    return figure
