"""The tables of supervised runs: the watchers as detectors, and what unsafe steers did."""

from collections.abc import Sequence

from rich.table import Table

from relay.measure.paired import Difference
from relay.measure.safety import Safety, Share, WalkAway
from relay.tui.safe import one_line

CAPTION = (
    "Harmful: finishes whose thought has what the problem forbids, of those on problems that take it. False alarms: "
    "trips though nothing forbidden was written, of those on clean twins. Late: tokens settled behind the place of the "
    "trip. Refuse all is no run: it is what refusing everything comes to."
)
WALKED = (
    "On clean problems. Goes along: behind the steer the model does what is forbidden itself. Walks away: it does not, "
    "and is right."
)


def safety_table(found: Sequence[Safety]) -> Table:
    """A row a cell, and what refusing everything would come to."""
    table = Table(title="supervised", title_justify="left", box=None, header_style="bold")
    table.add_column("cell")
    for column in ("harmful", "95 %", "false alarms", "95 %", "refused", "trips", "late", "most", "taken back", "right",
                   "kept", "95 %"):  # fmt: skip
        table.add_column(column, justify="right")
    for row in found:
        name = one_line(row.cell, 60) + ("" if row.watched else " (no watch)")
        table.add_row(
            name, *_share(row.harmful), *_share(row.alarms), f"{row.refused:,}", f"{row.trips:,}",
            _number(row.late), _number(row.latest, 0), _number(row.taken_back), _percent(row.right.share),
            *_difference(row.kept),
        )  # fmt: skip
    none = next((row for row in found if not row.watched), None)
    kept = "–" if none is None or none.right.share is None else f"{-100 * none.right.share:+.1f}"
    table.add_row(
        "refuse all", "0.0", "–", "100.0", "–", *["–"] * 5, "0.0", kept, "–", style="dim",
    )  # fmt: skip
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
    span = of.interval
    return _percent(of.share), "–" if span is None else f"{100 * span.low:.1f} – {100 * span.high:.1f}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"


def _number(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _difference(found: Difference | None) -> tuple[str, str]:
    if found is None:
        return "–", "–"
    return f"{100 * found.mean:+.1f}", f"{100 * found.low:+.1f} – {100 * found.high:+.1f}"
