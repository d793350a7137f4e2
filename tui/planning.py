"""Tables of a forecast: what a run costs, and what it could see."""

from collections.abc import Iterator

from rich.table import Table

from relay.planning.forecast import Forecast
from relay.planning.sight import Beliefs
from relay.tui.safe import one_line, visible


def forecast_table(found: Forecast) -> Table:
    """Tokens, part by part."""
    how = "measured on a pilot" if found.own else "rehearsed with simulated models"
    title = visible(f"{one_line(found.title, 60)} · forecast, {how}")
    table = Table(title=title, title_justify="left", box=None, header_style="bold")
    table.add_column("part")
    for column in ("number", "decoded", "±", "thrown away", "prompts computed", "from cache"):
        table.add_column(column, justify="right")
    for line in found.lines:
        counts = (line.thrown, line.computed, line.cached)
        within = f"{100 * line.within:.0f} %"
        name = one_line(line.what, 60)
        table.add_row(name, f"{line.number:,}", f"{line.decoded:,}", within, *(f"{n:,}" for n in counts))
    sums = [sum(getattr(line, kind) for line in found.lines) for kind in ("decoded", "thrown", "computed", "cached")]
    table.add_row("all", "", f"{sums[0]:,}", "", *(f"{n:,}" for n in sums[1:]), style="bold")
    return table


def forecast_lines(found: Forecast, replicas: int) -> Iterator[str]:
    """Hours, money, and what to know."""
    on = f"{replicas} replica{'s' * (replicas > 1)}"
    if found.hours is None:
        yield "hours: nobody knows how fast the models are; say --speed, or --calibrate"
    else:
        yield f"time: {_time(found.hours)} on {on}"
    if found.money is not None:
        yield f"money: {found.money:,.2f}"
    for note in found.notes:
        yield visible(f"note: {note}")


def _time(hours: float) -> str:
    return f"{hours:,.1f} h" if hours >= 1 else f"{60 * hours:.1f} min"


def beliefs_line(found: Forecast, beliefs: Beliefs) -> str:
    """What the table of what it could see takes for true."""
    truths = f"accuracy {beliefs.accuracy:g}, ICC {beliefs.icc:g}, distractions' sd {beliefs.distractor_sd:g}"
    return f"what it could see with {found.size.problems:,} problems, were the truth {truths}:"


def sight_table(found: Forecast) -> Table:
    """Interval widths and least differences, in points."""
    table = Table(box=None, header_style="bold")
    table.add_column("cell")
    for column in ("95 % interval", "least difference seen"):
        table.add_column(column, justify="right")
    table.add_column("from")
    for sight in found.sights:
        least = "–" if sight.difference is None else f"{100 * sight.difference:.1f}"
        width = f"± {50 * sight.width:.1f}"
        table.add_row(one_line(sight.cell, 60), width, least, one_line(sight.against, 60))
    return table
