"""How long a run takes: what a call takes by its tokens and its neighbours, and many rollouts side by side."""

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from relay.planning.meter import Call, beside


class Pace(NamedTuple):
    """What a call takes: seconds + prompt * computed + (token + busy * calls at once) * decoded."""

    seconds: float
    prompt: float
    token: float
    busy: float = 0.0

    def each(self, at_once: float) -> float:
        """Seconds for one token of one call while so many run."""
        return self.token + self.busy * at_once


class Work(NamedTuple):
    """What one rollout asks of the engines, one call after another."""

    seconds: float  # that hang on nothing: before the first token of each call, and between calls
    tokens: float  # decoded


def fitted(calls: Sequence[Call]) -> Pace:
    """The pace at which these calls went, by least squares with no term below zero. Needs at least one call."""
    import numpy as np
    from scipy.optimize import nnls

    neighbours = beside(calls)
    rows = [(1.0, c.computed, c.decoded, c.decoded * n) for c, n in zip(calls, neighbours, strict=True)]
    matrix = np.array(rows)
    scale = np.maximum(matrix.max(axis=0), 1e-9)
    found, _ = nnls(matrix / scale, np.array([c.seconds for c in calls]))
    return Pace(*(float(x) for x in found / scale))


def work_of(calls: Iterable[Call], pace: Pace) -> Work:
    """The work of one rollout's calls."""
    listed = list(calls)
    waiting = sum(pace.seconds + pace.prompt * c.computed for c in listed)
    return Work(waiting, sum(c.decoded for c in listed))


def seconds(works: Iterable[Work], at_once: int, pace: Pace) -> float:
    """How long these take, so many at once, the next begun when one ends: each token is slower the more calls run."""
    coming: Iterator[Work] = iter(works)
    running: list[float] = []  # when each ends, in tokens that a call since the beginning would have decoded
    now = passed = 0.0

    def begin() -> None:
        if (work := next(coming, None)) is not None:
            each = pace.each(at_once) or 1e-9
            heappush(running, passed + work.tokens + work.seconds / each)

    for _ in range(at_once):
        begin()
    while running:
        n = len(running)
        end = heappop(running)
        now += (end - passed) * (pace.each(n) or 1e-9)
        passed = end
        begin()
    return now
