"""Gains as flat rows, for CSV and frames: one origin of their columns."""

from collections.abc import Iterator

from relay.measure.gains import gains
from relay.measure.paid import KINDS
from relay.measure.price import Prices
from relay.store.reader import Run

COLUMNS = (
    "cell", "against", "score", "baseline", "difference", "low", "high", "problems", "p", "test", "adjusted", "equal",
    "least_seen", "answer", *(f"{kind}{end}" for kind in KINDS for end in ("", "_low", "_high")),
)  # fmt: skip
Row = tuple[str | int | float | None, ...]


def rows(run: Run, prices: Prices | None = None) -> Iterator[Row]:
    """A row for each comparison, in the order of COLUMNS; shares in -1..1, costs as multiples of the baseline's."""
    for each in gains(run, prices=prices):
        of, test = each.difference, each.test
        ratios = (each.times.get(kind) for kind in KINDS)
        multiples = (value for r in ratios for value in ((r.ratio, r.low, r.high) if r else (None, None, None)))
        yield (
            each.cell, each.against, each.score, each.baseline, of.mean, of.low, of.high, of.problems, test.p,
            test.method, each.adjusted, each.equal.verdict, each.least, each.answer, *multiples,
        )  # fmt: skip
