"""Tables of credit: what each author earned beside what it cost, and what the continuations cost."""

from collections.abc import Sequence

from rich.table import Table

from relay.measure.credits import Credits, Drawn, Moves
from relay.tui.safe import one_line
from relay.tui.twin_tables import percent, points

CAPTION = (
    "Credit: how far an author's segments moved the chance of a right answer, were this model to go on alone from "
    "there, in points a rollout; with 95 % intervals (Student's t) over {drawn} drawn at random, the luck of the "
    "continuations included. All of them add up to the score less the model's chance at the start. Tokens: those "
    "decoded in a rollout."
)


def caption(found: Sequence[Credits]) -> str:
    """What the figures are, and over what their intervals are."""
    shared = any("distractor" in each.total.method for each in found)
    return CAPTION.format(drawn="problems and distractors" if shared else "problems")


def credit_table(found: Credits) -> Table:
    """An author a row; then all of them, from the start to the outcome."""
    title = f"credit in {one_line(found.cell, 80)}: if {one_line(found.by, 40)} went on alone"
    table = Table(title=title, title_justify="left", box=None, header_style="bold")
    table.add_column("author")
    table.add_column("model")
    for column in ("credit", "95 % interval", "segments", "tokens"):
        table.add_column(column, justify="right")
    for each in found.authors:
        names = (one_line(each.node, 60), one_line(each.model, 60))
        table.add_row(*names, *points(each.credit), f"{each.segments:.1f}", f"{each.tokens:,.0f}")
    whole = f"{percent(found.start)} → {percent(found.end)}"
    counts = (f"{sum(each.segments for each in found.authors):.1f}", f"{sum(e.tokens for e in found.authors):,.0f}")
    table.add_row("all together", whole, *points(found.total), *counts, style="bold")
    return table


def sums_told(found: Credits) -> str:
    """Whether the sum is the gain that it should explain, in words."""
    if found.gain is None:
        return f"{found.rollouts:,} rollouts of {found.problems:,} problems."
    low, high = 100 * found.gain.low, 100 * found.gain.high
    return (
        f"{found.rollouts:,} rollouts of {found.problems:,} problems. The credits add up to "
        f"{100 * found.total.mean:+.1f} points; beside fresh solos of {one_line(found.by, 40)} the gain on these "
        f"problems is {100 * found.gain.mean:+.1f} ({low:+.1f} – {high:+.1f})."
    )


def drawn_told(found: Sequence[Drawn]) -> str:
    """What the continuations cost, in words."""
    return " ".join(
        f"{each.by} went on from {each.prefixes:,} prefixes, {each.continuations:,} times: {each.decoded:,} tokens, "
        f"{each.seconds:,.0f} s of calls{f'; {each.failed:,} failed' if each.failed else ''}."
        for each in found
    )


def moved(found: Sequence[Moves]) -> str:
    """Beside a segment of a trace how it moved the chance; a line for each model that went on."""
    told = []
    for each in found:
        after = "?" if each.after is None else f"{each.after:.2f}"
        change = "" if each.after is None else f" ({100 * (each.after - each.before):+.0f})"
        told.append(f"chance {each.before:.2f} → {after}{change} by {each.by}")
    return "\n".join(told)
