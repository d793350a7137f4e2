"""Tables of `relay doctor`: models, and who reads whom."""

from collections.abc import Sequence

from rich.table import Table

from relay.measure.traps import Check, PairCheck
from relay.tui.safe import one_line, visible


def model_table(checks: Sequence[Check]) -> Table:
    """A model a column."""
    table = Table(box=None, header_style="bold")
    table.add_column("")
    for c in checks:
        table.add_column(one_line(c.name, 40), overflow="fold")
    rows = {
        "ids": [f"{c.vocabulary:,}" for c in checks],
        "context": [f"{c.context:,}" for c in checks],
        "ends a turn": [one_line(" ".join(c.eos), 40) for c in checks],
        "tags": [f"{len(c.tags):,}" for c in checks],
        "tags of thinking": [c.think for c in checks],
        "opened by": [c.opens for c in checks],
        "a begun thought": [c.prefill for c in checks],
    }
    for joiner in checks[0].joiners:
        rows[f"encoded otherwise, joined by {joiner}"] = [_share(c.joiners[joiner]) for c in checks]
    rows["tokens that end within a character"] = [_share(c.halves) for c in checks]
    for head, cells in rows.items():
        table.add_row(head, *map(visible, cells))
    return table


def pair_table(pairs: Sequence[PairCheck]) -> Table:
    """An author and a reader a line."""
    table = Table(box=None, header_style="bold")
    for column in ("author", "reader", "handed over as", "why"):
        table.add_column(column)
    table.add_column("tags moved", justify="right")
    table.add_column("cuts that change ids", justify="right")
    for p in pairs:
        recut = _share(p.recut) if p.policy == "text" else "–"
        names = one_line(p.author, 40), one_line(p.reader, 40)
        table.add_row(*names, p.policy, one_line(p.why, 80), f"{len(p.moved):,}", recut)
    return table


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"
