"""The table of the tests that a scenario declared."""

from collections.abc import Sequence

from rich.table import Table

from relay.measure.declared import Answer, said
from relay.tui.safe import one_line
from relay.tui.twin_tables import points


def tests_table(found: Sequence[Answer]) -> Table:
    """Every declared comparison with its difference, its adjusted p-value and what follows."""
    table = Table(title="tests declared before the run", title_justify="left", box=None, header_style="bold")
    table.add_column("cell")
    table.add_column("against")
    for column in ("difference", "95 % interval", "p, adjusted"):
        table.add_column(column, justify="right")
    table.add_column("by")
    table.add_column("answer")
    for each in found:
        p = "–" if each.adjusted is None else "< 0.0001" if each.adjusted < 1e-4 else f"{each.adjusted:.4f}"
        names = (one_line(each.asked.cell, 80), one_line(each.asked.against, 80))
        by = f"{each.test.method if each.test else '–'}; {each.asked.family}"
        table.add_row(*names, *points(each.difference), p, by, said(each))
    return table
