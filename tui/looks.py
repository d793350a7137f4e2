"""Tables of what recovery looks like, by cell."""

from collections.abc import Sequence

from rich.table import Table

from relay.measure.recovery import KINDS
from relay.tui.safe import one_line
from relay.twin.looks import Looks


def looks_table(found: Sequence[Looks]) -> Table:
    """How the steered rollouts of each cell go on: shares in percent, the return in tokens, doubts, length."""
    table = Table(title="what recovery looks like", title_justify="left", box=None, header_style="bold")
    table.add_column("cell")
    for column in ("rollouts", *KINDS, "anew", "back after", "doubts", "length", "95 % interval"):
        table.add_column(column, justify="right")
    for each in found:
        back = each.rollouts - each.kinds["never"]
        kinds = (f"{100 * each.kinds[kind] / each.rollouts:.1f}" for kind in KINDS)
        length = each.overhead
        spread = f"{length.low:.2f} – {length.high:.2f}" if length and length.low and length.high else "–"
        table.add_row(
            one_line(each.cell, 100),
            f"{each.rollouts:,}",
            *kinds,
            f"{100 * each.anew / back:.1f}" if back else "–",
            "–" if each.back is None else f"{each.back:,.0f}",
            "–" if each.doubts is None else f"{each.doubts:.2f}",
            f"{length.mean:.2f}" if length else "–",
            spread,
        )
    return table


def right_table(found: Sequence[Looks]) -> Table:
    """How many are right, by how they go on."""
    table = Table(title="right, by how it goes on", title_justify="left", box=None, header_style="bold")
    table.add_column("cell")
    for kind in KINDS:
        table.add_column(kind, justify="right")
    for each in found:
        counts = (
            f"{100 * each.correct[kind] / each.graded[kind]:.1f} of {each.graded[kind]:,}" if each.graded[kind] else "–"
            for kind in KINDS
        )
        table.add_row(one_line(each.cell, 100), *counts)
    return table
