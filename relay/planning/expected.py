"""How many problems and samples an adaptive run would take, were what is believed true."""

from bisect import bisect_left
from typing import NamedTuple

from relay.language.reading import Reading
from relay.planning.sight import Beliefs, widest


class Size(NamedTuple):
    """Of every cell."""

    problems: int
    samples: int

    @property
    def rollouts(self) -> int:
        """In each cell."""
        return self.problems * self.samples


def expected(reading: Reading, problems: int, beliefs: Beliefs) -> Size:
    """All that the scenario says or, of an adaptive one, as much as makes its widest interval narrow enough."""
    scenario = reading.cells[0].scenario
    if scenario.adaptive is None or not problems:
        return Size(problems, scenario.most_samples)
    target = scenario.adaptive.adaptive

    def narrow(size: Size) -> bool:
        return widest(reading, size.problems, size.samples, beliefs) <= target

    if narrow(Size(problems, 1)):
        numbers = range(1, problems + 1)
        found = bisect_left(numbers, True, key=lambda n: narrow(Size(n, 1)))
        return Size(max(numbers[found], min(problems, scenario.adaptive.batch)), 1)
    most = scenario.adaptive.at_most
    return Size(problems, next((k for k in range(2, most) if narrow(Size(problems, k))), most))
