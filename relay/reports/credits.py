"""The credit of a run's authors as parts of its report."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from relay.reports.told import Caption, Note

if TYPE_CHECKING:
    from rich.table import Table

    from relay.store.reader import Run


def credited(run: "Run") -> "Iterator[Table | Note | Caption]":
    """Nothing where nobody was given credit (`relay credit RUN`)."""
    from relay.measure.credits import credits_of, drawn
    from relay.tui.credits import caption, credit_table, drawn_told, sums_told

    found = credits_of(run)
    if not found:
        return
    for each in found:
        yield credit_table(each)
        yield Note(sums_told(each))
    yield Note(drawn_told(drawn(run)))
    yield Caption(caption(found))
