"""The table of what each author of a run cost."""

from collections.abc import Sequence

from rich.table import Table

from relay.measure.cost import Cost, Held, InAll
from relay.tui.safe import one_line

COUNTS = ("visits", "computed", "cached", "decoded", "thrown", "discarded")


def author_table(costs: Sequence[Cost]) -> Table:
    """Tokens, seconds and, where there are prices, money by author; the sum of all at its end."""
    table = Table(title="cost", title_justify="left", box=None, header_style="bold")
    cells = len({c.cell for c in costs}) > 1
    priced = any(c.money is not None for c in costs)
    for column in (*(("cell",) if cells else ()), "node", "model"):
        table.add_column(column)
    for column in (*COUNTS, "seconds", "critical", *(("money",) if priced else ())):
        table.add_column(column, justify="right")
    for c in costs:
        names = (*((c.cell,) if cells else ()), c.node, c.model or "–")
        table.add_row(*(one_line(name, 60) for name in names), *_figures(c, priced))
    if len(costs) > 1:
        blanks = ("",) * (1 + cells)
        table.add_row("all", *blanks, *_figures(total(costs), priced), style="bold")
    return table


def held_table(held: Sequence[Held]) -> Table:
    """What the models held by the hour, used or not."""
    table = Table(title="held, used or not", title_justify="left", box=None, header_style="bold")
    table.add_column("model")
    for column in ("an hour", "hours", "money"):
        table.add_column(column, justify="right")
    for each in held:
        hours = "–" if each.seconds is None else f"{each.seconds / 3600:,.4f}"
        money = "–" if each.money is None else f"{each.money:,.4f}"
        table.add_row(one_line(", ".join([each.model, *each.also]), 60), f"{each.hour:,.2f}", hours, money)
    if len(held) > 1:
        table.add_row("all", "", "", f"{sum(each.money or 0.0 for each in held):,.4f}", style="bold")
    return table


def in_all_told(paid: InAll) -> str:
    """The money of tokens and hours together, in words; what has no price is named."""
    parts = {"tokens": paid.tokens, "GPU hours": paid.hours}
    said = " + ".join(f"{name} {amount:,.4f}" for name, amount in parts.items() if amount is not None)
    free = f"; of {', '.join(one_line(model, 60) for model in paid.free)} no price is said" if paid.free else ""
    return f"in all: {paid.money:,.4f} ({said}){free}"


def total(costs: Sequence[Cost]) -> Cost:
    """All of them together; what is not known counts as nothing."""
    counts = (sum(getattr(c, name) for c in costs) for name in COUNTS)
    amounts = (sum(getattr(c, name) or 0.0 for c in costs) for name in ("seconds", "critical", "money"))
    return Cost._make(("", "", "", *counts, *amounts))


def _figures(cost: Cost, priced: bool) -> list[str]:
    counts = [f"{getattr(cost, name):,}" for name in COUNTS]
    times = ["–" if value is None else f"{value:,.1f}" for value in (cost.seconds, cost.critical)]
    return [*counts, *times, *(["–" if cost.money is None else f"{cost.money:,.4f}"] if priced else ())]
