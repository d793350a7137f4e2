"""relay report --anytime: intervals for those who look before a run ends."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

Peeking = Annotated[
    bool, typer.Option("--anytime", help="Intervals that hold at every look, before the run's end too; they are wider.")
]


def print_anytime(runs: Sequence[Path], *, as_json: bool) -> None:
    """A table of each run, or a JSON object for each cell."""
    from json import dumps

    from relay.measure.anytime import SAID, anytime
    from relay.store.opening import opened
    from relay.tui.anytime import anytime_table
    from relay.tui.console import Plain

    console = Plain()
    for path in runs:
        with opened(path) as run:
            found = list(anytime(run))
        if as_json:
            for each in found:
                print(dumps({"run": str(path), "anytime": True, **each._asdict()}))
            continue
        console.print(anytime_table(found))
        console.print(SAID, style="dim")
