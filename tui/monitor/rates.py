"""Tokens a second and the time that is left, over the last seconds of looking."""

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from relay.store.following import Seen
from relay.tui.monitor.models import model_of
from relay.walk import BY_HAND

WINDOW = 15.0  # seconds


class _Point(NamedTuple):
    at: float
    done: int
    tokens: Mapping[str, int]  # by model


class Rates:
    """What has been seen in the last seconds."""

    def __init__(self) -> None:
        self._points: deque[_Point] = deque()

    def add(self, seen: Seen) -> None:
        """One more look; those that only catch up with the past say nothing about speed."""
        if seen.behind:
            self._points.clear()
            return
        tokens = {model: work.decoded for model, work in seen.work.items()}
        for node, (_, more) in seen.live.items():
            if node == BY_HAND or node in seen.facts.asks:
                continue  # nobody writes there
            model = model_of(node, seen.facts.scenario)
            tokens[model] = tokens.get(model, 0) + more
        self._points.append(_Point(seen.at, seen.done, tokens))
        while len(self._points) > 2 and self._points[-1].at - self._points[1].at > WINDOW:
            self._points.popleft()

    @property
    def by_model(self) -> dict[str, float]:
        """Tokens a second."""
        if (passed := self._passed) <= 0:
            return {}
        first, last = self._points[0], self._points[-1]
        return {m: max(0, n - first.tokens.get(m, 0)) / passed for m, n in last.tokens.items()}

    @property
    def all(self) -> float:
        """Tokens a second of all models."""
        return sum(self.by_model.values())

    def left(self, seen: Seen) -> float | None:
        """Seconds until the run is done, should it go on as in the last seconds; else as since it began."""
        missing = seen.facts.expected - seen.done
        if not seen.facts.expected or seen.behind or not seen.done:
            return None
        recent = self._points[-1].done - self._points[0].done if self._points else 0
        if recent >= 10 and self._passed > 5:
            return missing * self._passed / recent
        return missing * max(0.0, seen.at - seen.made) / seen.done

    @property
    def _passed(self) -> float:
        return self._points[-1].at - self._points[0].at if self._points else 0.0
