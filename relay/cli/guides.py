"""Guidability by guide, where runs of several guides are told together."""

from collections.abc import Sequence
from pathlib import Path


def print_guides(runs: Sequence[Path]) -> None:
    """Where several of these runs guide one model, their table by guide."""
    from contextlib import ExitStack

    from relay.store.opening import opened
    from relay.tui.console import Plain
    from relay.tui.safe import visible
    from relay.tui.twin_tables import guides_table, percent
    from relay.twin.guides import guides_of

    with ExitStack() as stack:
        for found in guides_of([stack.enter_context(opened(path)) for path in runs]):
            console = Plain()
            console.print(guides_table(found))
            means = f"mean over guides {percent(found.over_guides)}, over n {percent(found.over_n)}"
            console.print(f"note: {visible(f'{means}. {found.told}')}")


def print_guides_json(runs: Sequence[Path]) -> None:
    """The same for machines."""
    from contextlib import ExitStack
    from json import dumps

    from relay.store.opening import opened
    from relay.twin.guides import data, guides_of

    with ExitStack() as stack:
        for found in guides_of([stack.enter_context(opened(path)) for path in runs]):
            print(dumps({"model": found.model, "by_guide": data(found)}))
