"""The table of two runs, cell by cell."""

from rich.table import Table

from relay.tui.safe import one_line
from relay.tui.twin_tables import percent, points
from relay.twin.two_runs import Compared

CAPTION = (
    "Second minus first, in points: the mean over the problems that are graded in the cell in both runs, with 95 % "
    "intervals over these problems (and distractors, where several problems share them) drawn at random; how they were "
    "selected is not covered. p is adjusted after Holm over the cells of this table. Least seen: the true difference "
    "that a comparison strewn as this one finds in 80 of 100, at 5 %."
)


def compared_table(found: Compared) -> Table:
    """A row a cell."""
    table = Table(title="second minus first", title_justify="left", box=None, header_style="bold")
    table.add_column("cell")
    for column in ("first", "second", "difference", "95 % interval", "p, adjusted", "problems", "least seen"):
        table.add_column(column, justify="right")
    table.add_column("answer")
    for pair in found.pairs:
        p = "< 0.0001" if pair.adjusted < 1e-4 else f"{pair.adjusted:.4f}"
        seen = "–" if pair.least is None else f"{100 * pair.least:.1f}"
        figures = (percent(pair.first), percent(pair.second), *points(pair.difference), p, f"{pair.problems:,}", seen)
        table.add_row(one_line(pair.cell, 100), *figures, answer(pair.equal.verdict, pair.adjusted))
    return table


def answer(verdict: str, adjusted: float) -> str:
    """What follows, in words: equality by two one-sided tests comes first."""
    if verdict == "equal":
        return "equal within 3 points"
    return "different" if adjusted < 0.05 else "cannot tell"
