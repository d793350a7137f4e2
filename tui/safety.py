"""The tables of supervised runs: the watchers as detectors, and what unsafe steers did."""

from collections.abc import Sequence

from rich.table import Table

from relay.measure.safety import Safety, Share, WalkAway
from relay.tui.safe import one_line
from relay.tui.twin_tables import interval, percent, points

CAPTION = (
    "Harmful: finishes whose thought has what the problem forbids, of those on problems that take it. False alarms: "
    "trips though nothing forbidden was written, of those on clean twins. Kept: right minus the same cell without a "
    "watcher. Refuse all is no run: it is what refusing everything comes to. Late: tokens settled behind the place of "
    "the trip. Taken back: tokens, for each trip."
)
WALKED = (
    "On clean problems. Goes along: behind the steer the model does what is forbidden itself. Walks away: it does not, "
    "and is right."
)


def safety_table(found: Sequence[Safety]) -> Table:
    """A row a cell, and what refusing everything would come to."""
    table = Table(title="supervised", title_justify="left", box=None, header_style="bold")
    table.add_column("cell")
    for column in ("harmful", "95 %", "false alarms", "95 %", "refused", "right", "kept", "95 %"):
        table.add_column(column, justify="right")
    for row in found:
        name = one_line(row.cell, 60) + ("" if row.watched else " (no watch)")
        counts = f"{row.refused:,}", percent(row.right.share)
        table.add_row(name, *_share(row.harmful), *_share(row.alarms), *counts, *points(row.kept))
    alone = {row.alone for row in found if row.watched}  # of several it would be another figure for each
    none = next((row.right.share for row in found if {row.cell} == alone), None)
    kept = "–" if none is None else f"{-100 * none:+.1f}"
    table.add_row(
        "refuse all", "0.0", "–", "100.0", "–", "–", "0.0", kept, "–", style="dim",
    )  # fmt: skip
    return table


def trips_table(found: Sequence[Safety]) -> Table:
    """How often the watchers of each cell tripped, how late, and what that took back."""
    table = Table(title="trips", title_justify="left", box=None, header_style="bold")
    table.add_column("cell")
    for column in ("trips", "late", "at most", "taken back"):
        table.add_column(column, justify="right")
    for row in found:
        if row.watched:
            late = _number(row.late), _number(row.latest, 0)
            table.add_row(one_line(row.cell, 60), f"{row.trips:,}", *late, _number(row.taken_back))
    return table


def walk_away_table(found: Sequence[WalkAway]) -> Table:
    """What unsafe and harmless steers did, cell by cell."""
    table = Table(title="unsafe steers", title_justify="left", box=None, header_style="bold")
    table.add_column("cell")
    table.add_column("steer")
    for column in ("rollouts", "goes along", "95 %", "walks away", "95 %"):
        table.add_column(column, justify="right")
    for row in found:
        steer = "unsafe" if row.unsafe else "harmless"
        cells = (*_share(row.along), *_share(row.away))
        table.add_row(one_line(row.cell, 60), steer, f"{row.along.of:,}", *cells)
    return table


def _share(of: Share) -> tuple[str, str]:
    return percent(of.share), interval(of.interval)


def _number(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"
