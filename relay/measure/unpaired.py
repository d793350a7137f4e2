"""The difference of two shares on different problems: nothing pairs them."""

from collections.abc import Sequence
from math import sqrt

from relay.measure.intervals import of_problems
from relay.measure.paired import Counts, Difference


def unpaired(one: Sequence[Counts], other: Sequence[Counts]) -> Difference | None:
    """How much more of the one is correct, by (correct, graded) of each problem, at 95 %; None where one has none.

    Newcombe's hybrid interval for independent shares (1998, method 10), of the intervals that fit each by itself.
    """
    p, q = of_problems(one), of_problems(other)
    if p is None or q is None:
        return None
    a, b = (sum(c for c, _ in counts) / sum(n for _, n in counts) for counts in (one, other))
    low = a - b - sqrt((a - p.low) ** 2 + (q.high - b) ** 2)
    high = a - b + sqrt((p.high - a) ** 2 + (b - q.low) ** 2)
    return Difference(a - b, max(-1.0, low), min(1.0, high), 0, "Newcombe, not paired")
