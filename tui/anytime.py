"""The table of intervals that hold at every look."""

from collections.abc import Sequence

from rich.table import Table

from relay.measure.anytime import Anytime
from relay.tui.safe import one_line
from relay.tui.twin_tables import percent


def anytime_table(found: Sequence[Anytime]) -> Table:
    """Each cell's score by problem with its interval, and how many times as wide it is."""
    table = Table(title="anytime", title_justify="left", box=None, header_style="bold")
    table.add_column("cell")
    for column in ("score by problem", "95 % at every look", "problems", "of each", "times as wide"):
        table.add_column(column, justify="right")
    for each in found:
        interval = f"{100 * each.low:.1f}–{100 * each.high:.1f}"
        wide = "–" if each.times is None else f"{each.times:.2f}"
        score = percent(each.score)
        table.add_row(one_line(each.cell, 100), score, interval, f"{each.problems:,}", str(each.samples), wide)
    return table
