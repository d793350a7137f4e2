"""Tables of the twin tests: what steers change, by cell, by solve rate."""

from collections.abc import Sequence

from rich.table import Table

from relay.measure.intervals import Interval
from relay.measure.paired import Difference
from relay.tui.safe import one_line
from relay.twin.effect import Effect, Line
from relay.twin.guides import Guides, share
from relay.twin.strata import Stratum


def effect_table(found: Effect) -> Table:
    """Every steered cell minus alone, the raw score beside it; corrected too where spoilers are known."""
    table = Table(title="steered minus alone, paired by problem", title_justify="left", box=None, header_style="bold")
    table.add_column("cell")
    corrected = found.steered.spoiled is not None
    for column in ("minus alone", "95 % interval", "score", "alone", "problems"):
        table.add_column(column, justify="right")
    if corrected:
        table.add_column("corrected minus alone", justify="right")
        table.add_column("95 % interval", justify="right")
    table.add_column("to alone, within 3 points")
    alone = percent(found.alone and found.alone.score)
    for line in (*found.cells, found.steered):
        minus = points(line.minus_alone)
        more = points(line.corrected_minus_alone) if corrected else ()
        style = "bold" if line is found.steered else ""
        name = one_line(line.cell, 100)
        told = line.equal.verdict if line.equal else "–"
        table.add_row(name, *minus, percent(line.score), alone, f"{line.problems:,}", *more, told, style=style)
    return table


def strata_table(found: Sequence[Stratum]) -> Table:
    """By the model's own solve rate, all steered cells together."""
    title = "by how often the model solves a problem alone, all steered cells together"
    table = Table(title=title, title_justify="left", box=None, header_style="bold")
    table.add_column("solved alone")
    for column in ("problems", "alone", "score", "95 % interval", "correct", "graded", "minus alone", "95 % interval"):
        table.add_column(column, justify="right")
    for each in found:
        line: Line = each.steered
        counts = (f"{line.correct:,}", f"{line.graded:,}")
        alone, span = percent(each.alone and each.alone.score), interval(line.interval)
        minus = points(line.minus_alone)
        table.add_row(each.rate, f"{each.problems:,}", alone, percent(line.score), span, *counts, *minus)
    return table


def guides_table(found: Guides) -> Table:
    """Guidability by guide and by n, with the mean of each."""
    title = one_line(f"guidability of {found.model} by guide", 120)
    table = Table(title=title, title_justify="left", box=None, header_style="bold")
    table.add_column("guide", overflow="fold")
    spoiled = found.corrected_by_cell() is not None
    more = ("spoilers", "corrected") if spoiled else ()
    missing = any(each.effect.steered.missing for each in found.guides)
    counts = ("problems", "not guided", *(["missing"] if missing else []))
    for column in (*counts, *found.cells, "mean", "minus alone", "95 % interval", *more):
        table.add_column(one_line(column, 40), justify="right")
    for each in found.guides:
        steered = each.effect.steered
        by_cell = {line.cell: percent(line.score) for line in each.effect.cells}
        clean = steered.spoiled
        table.add_row(
            one_line(each.guide, 60),
            *(f"{n:,}" for n in (each.problems, each.unguided, *([steered.missing] if missing else []))),
            *(by_cell.get(cell, "–") for cell in found.cells),
            percent(steered.score),
            *points(steered.minus_alone),
            *((percent(clean and clean.rate), percent(clean and clean.corrected_score)) if spoiled else ()),
        )
    by_n = (percent(share(counts)) for counts in found.by_cell().values())
    table.add_row("all, by n", *[""] * len(counts), *by_n, percent(found.over_n), style="bold")
    return table


def percent(share: float | None) -> str:
    """A share in percent."""
    return "–" if share is None else f"{100 * share:.1f}"


def interval(of: Interval | None) -> str:
    """Both ends in percent."""
    return "–" if of is None else f"{100 * of.low:.1f} – {100 * of.high:.1f}"


def points(of: Difference | None) -> tuple[str, str]:
    """The mean and the interval, in points."""
    if of is None:
        return "–", "–"
    return f"{100 * of.mean:+.1f}", f"{100 * of.low:+.1f} – {100 * of.high:+.1f}"
