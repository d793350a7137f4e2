"""The table of how far steers are, and of recovery from those near and far."""

from collections.abc import Sequence

from rich.table import Table

from relay.measure.distances import NAMES, Distance
from relay.tui.safe import one_line

CAPTION = (
    "Distance: minus the mean log-probability of a steer's tokens, under the model that went on from it, given all "
    "that came before; nats a token. Scores by thirds of each cell's distances, with 95 % intervals over problems that "
    "were drawn at random. Near and far steers meet other problems, so that a difference need not be their doing."
)


def distance_table(found: Sequence[Distance]) -> Table:
    """A row a cell."""
    table = Table(title="distance of the steers", title_justify="left", box=None, header_style="bold")
    table.add_column("cell")
    failed = any(each.failed for each in found)
    for column in ("steers", *(("not measured",) if failed else ()), "distance", "± sd", *NAMES):
        table.add_column(column, justify="right")
    for each in found:
        counts = [f"{each.steers:,}", *((f"{each.failed:,}",) if failed else ())]
        about = ["–" if value is None else f"{value:.3f}" for value in (each.mean, each.deviation)]
        table.add_row(one_line(each.cell, 100), *counts, *about, *(_thirds(each) or ["–"] * len(NAMES)))
    return table


def cost_told(found: Sequence[Distance]) -> str:
    """What it took to measure them."""
    whole = found[-1]
    return (
        f"to measure them {whole.computed:,} prompt tokens were read in {whole.seconds:,.1f} seconds, none from a cache"
    )


def _thirds(each: Distance) -> list[str]:
    return [
        f"{100 * third.correct / third.graded:.1f} ({100 * third.interval.low:.1f} – {100 * third.interval.high:.1f})"
        for third in each.thirds
        if third.interval
    ]
