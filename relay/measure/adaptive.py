"""Where further continuations go until every cell's interval is narrow enough: new problems first, then samples.

Only the width decides, batch by batch, never what a single problem's outcomes were: stopping on those would move the
estimate. How many are still needed follows from the width so far, which falls with the root of their number.
"""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

from relay.draws import generator


class Progress(NamedTuple):
    """How far one cell has come."""

    cell: str
    problems: int  # tried
    left: int  # not tried yet
    samples: int  # continuations of each problem that was tried
    width: float | None  # of its interval; None: nothing graded yet


class More(NamedTuple):
    """What to add to a cell: new problems, with as many continuations each, or one more of every problem."""

    cell: str
    problems: int
    samples: int


def order(problems: int, seed: int) -> list[int]:
    """In which cells take problems, a draw: files may be sorted, and the first problems of one are no sample of it."""
    found = list(range(problems))
    generator(seed, "", 0, "adaptive").shuffle(found)
    return found


def allocate(cells: Sequence[Progress], target: float, batch: int) -> list[More]:
    """The next batch: at most so many new problems a cell, for each cell that is wider than the target."""
    found = []
    for each in cells:
        if each.width is not None and each.width <= target:
            continue
        wanted = batch
        if each.width is not None and each.problems:
            wanted = min(batch, max(1, ceil(each.problems * ((each.width / target) ** 2 - 1))))
        new = min(wanted, each.left)
        found.append(More(each.cell, new, 0) if new else More(each.cell, 0, 1))
    return found
