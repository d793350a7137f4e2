"""The difference of two shares on different problems: nothing pairs them."""

from math import sqrt

from relay.measure.intervals import interval
from relay.measure.outcomes import Outcomes
from relay.measure.paired import Difference


def unpaired(one: Outcomes, other: Outcomes) -> Difference | None:
    """How much more of the one is correct, in shares, at 95 %; None where nothing is graded in one of them.

    Newcombe's hybrid interval for independent shares (1998, method 10), of the intervals that fit each by itself.
    """
    p, q = interval(one), interval(other)
    if p is None or q is None:
        return None
    a, b = (float(cell.correct.mean()) for cell in (one, other))
    low = a - b - sqrt((a - p.low) ** 2 + (q.high - b) ** 2)
    high = a - b + sqrt((p.high - a) ** 2 + (b - q.low) ** 2)
    return Difference(a - b, max(-1.0, low), min(1.0, high), 0, "Newcombe, not paired")
