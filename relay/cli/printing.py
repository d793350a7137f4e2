"""Tables of a run, and what there is to know about them, on the terminal."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console
    from rich.table import Table

    from relay.measure.price import Price
    from relay.reports.parts import Caption, Note


def print_report(runs: Sequence[Path], prices: "Sequence[dict[str, Price]]" = ()) -> None:
    """Print the tables of each run, with what there is to know about them."""
    from relay.reports.parts import parts
    from relay.store.opening import opened
    from relay.tui.console import Plain

    console = Plain()
    for i, path in enumerate(runs):
        with opened(path) as run:
            print_parts(console, parts(run, prices[i] if prices else None))


def print_parts(console: "Console", found: "Iterable[Table | Note | Caption]") -> None:
    """One after another; their words are made safe for a terminal."""
    from relay.reports.parts import Caption, Note
    from relay.tui.safe import visible

    for part in found:
        if isinstance(part, Note):
            console.print(f"note: {visible(part.text)}")
        elif isinstance(part, Caption):
            console.print(visible(part.text), style="dim")
        else:
            console.print(part)
