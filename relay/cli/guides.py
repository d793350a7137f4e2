"""Guidability by guide, where runs of several guides are told together."""

from collections.abc import Sequence
from pathlib import Path

from relay.cli.printing import print_parts


def print_guides(runs: Sequence[Path]) -> None:
    """Where several of these runs guide one model, their table by guide."""
    from contextlib import ExitStack

    from relay.reports.parts import guides
    from relay.store.opening import opened
    from relay.tui.console import Plain

    with ExitStack() as stack:
        print_parts(Plain(), guides([stack.enter_context(opened(path)) for path in runs]))


def print_guides_json(runs: Sequence[Path]) -> None:
    """The same for machines."""
    from contextlib import ExitStack
    from json import dumps

    from relay.store.opening import opened
    from relay.twin.guides import data, guides_of

    with ExitStack() as stack:
        for found in guides_of([stack.enter_context(opened(path)) for path in runs]):
            print(dumps({"model": found.model, "by_guide": data(found)}))
