"""What a condition is about: how a segment stopped, what a text holds, how often and how much.

`test()` compiles a condition to a closure over plain values; the loop calls it on every hop, after the hop has
been folded into the pen, with what draws a number for an edge that hangs on chance.
"""

import operator
import re
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from relay.language.shapes import Frozen, Known, Text, Whole, wrong
from relay.trajectory import Segment, Trajectory
from relay.walk import Pen

Luck: TypeAlias = Callable[[], float]  # a draw from 0..1, the same at every call
Test: TypeAlias = Callable[[Pen, Luck], bool]


class Condition(Frozen):
    """What may hold of a pen. A subclass's first field is the key that tells it from the others."""

    def test(self) -> Test:
        """A fast closure that says whether it holds."""
        return self._compiled()

    @abstractmethod
    def _compiled(self) -> Test: ...


class Answered(Condition):
    """The answering node's turn ended. Written as the word alone: `answered`."""

    @model_serializer
    def _word(self) -> str:
        return "answered"

    def _compiled(self) -> Test:
        return lambda pen, luck: pen.answered

    def __str__(self) -> str:
        return "answered"


class Stopped(Condition):
    """What ended the last segment: the text that matched, or a word such as `tokens` or `turn`."""

    stopped: Text

    def _compiled(self) -> Test:
        what = self.stopped

        def holds(pen: Pen, luck: Luck) -> bool:
            last = pen.trajectory.segment
            return last is not None and what in (last.matched, last.stop)

        return holds

    def __str__(self) -> str:
        return f"stopped by {self.stopped!r}"


def thought(trajectory: Trajectory) -> str:
    """The text up to and with the closing of the thinking; all of it while it is open."""
    return "".join(s.text if s.closed < 0 else s.text[: s.closed] for s in _thinking(trajectory))


def _thinking(trajectory: Trajectory) -> Sequence[Segment]:
    """The segments up to the one that closes the thinking, and with it."""
    segments = trajectory.segments
    closing = next((i for i, segment in enumerate(segments) if segment.closed >= 0), len(segments))
    return segments[: closing + 1]


Within = Annotated[Literal["segment", "thought", "trajectory"], Field(alias="in")]
READ: dict[str, Callable[[Trajectory], str]] = {
    "segment": lambda trajectory: trajectory.segment.text if trajectory.segment is not None else "",
    "thought": thought,
    "trajectory": lambda trajectory: trajectory.text,
}
SEGMENTS: dict[str, Callable[[Trajectory], Sequence[Segment]]] = {  # the same in whole segments
    "segment": lambda trajectory: [trajectory.segment] if trajectory.segment is not None else [],
    "thought": _thinking,
    "trajectory": lambda trajectory: trajectory.segments,
}


class EndsWith(Condition):
    """The last segment (or the thought, or the trajectory) ends with this text."""

    ends_with: Text
    within: Within = "segment"

    def _compiled(self) -> Test:
        end, read = self.ends_with, READ[self.within]
        return lambda pen, luck: read(pen.trajectory).endswith(end)

    def __str__(self) -> str:
        return f"{self.within} ends with {self.ends_with!r}"


class Contains(Condition):
    """The last segment (or the thought, or the trajectory) contains this text."""

    contains: Text
    within: Within = "segment"

    def _compiled(self) -> Test:
        part, read = self.contains, READ[self.within]
        return lambda pen, luck: part in read(pen.trajectory)

    def __str__(self) -> str:
        return f"{self.within} contains {self.contains!r}"


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise wrong(f"this is no regular expression: {error}") from None
    return pattern


class Matches(Condition):
    """A regular expression (Python's) is found in the last segment (or the thought, or the trajectory)."""

    matches: Annotated[Text, AfterValidator(_compiles)]
    within: Within = "segment"

    def _compiled(self) -> Test:
        search, read = re.compile(self.matches).search, READ[self.within]
        return lambda pen, luck: search(read(pen.trajectory)) is not None

    def __str__(self) -> str:
        return f"{self.within} matches /{self.matches}/"


Read: TypeAlias = Callable[[Pen], float | None]  # None: there is no such number yet, and no comparison holds
_COMPARE: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "equals": ("=", operator.eq),
    "over": (">", operator.gt),
    "under": ("<", operator.lt),
    "at_least": (">=", operator.ge),
    "at_most": ("<=", operator.le),
}


class Compared(Condition):
    """A number of a pen, compared once. A subclass says of which kind the numbers are."""

    @model_validator(mode="after")
    def _compares_once(self) -> "Compared":
        said = [name for name in _COMPARE if getattr(self, name) is not None]
        if not said:
            raise wrong(f"compares with nothing; one of these must stand here: {', '.join(map(repr, _COMPARE))}")
        if len(said) > 1:
            raise wrong(f"{said[1]!r} cannot stand beside {said[0]!r}: one comparison is enough", at=(said[1],))
        return self

    @model_serializer(mode="wrap")
    def _without_blanks(self, dump: SerializerFunctionWrapHandler) -> dict[str, object]:
        said = {key: value for key, value in dump(self).items() if value is not None}
        return dict(sorted(said.items(), key=lambda item: item[0] in _COMPARE))  # the subject first

    @abstractmethod
    def _read(self) -> Read: ...

    @property
    def comparison(self) -> tuple[str, float]:
        """The one comparison: its key and the number."""
        return next((name, k) for name in _COMPARE if (k := getattr(self, name)) is not None)

    def _compiled(self) -> Test:
        name, k = self.comparison
        read, holds = self._read(), _COMPARE[name][1]

        def test(pen: Pen, luck: Luck) -> bool:
            value = read(pen)
            return value is not None and holds(value, k)

        return test

    def _compared(self, what: str) -> str:
        name, k = self.comparison
        return f"{what} {_COMPARE[name][0]} {k:g}"


class Counted(Compared):
    """A whole number of a pen, compared once."""

    equals: Whole | None = None
    over: Whole | None = None
    under: Whole | None = None
    at_least: Whole | None = None
    at_most: Whole | None = None


class Measured(Compared):
    """A number of a pen, compared once."""

    equals: float | None = None
    over: float | None = None
    under: float | None = None
    at_least: float | None = None
    at_most: float | None = None


def _visits_of(node: str) -> Read:
    return lambda pen: pen.visits.get(node, 0)


class Visits(Counted):
    """How often this pen, or those it came from, visited a node."""

    visits: Annotated[str, Known("node")]

    def _read(self) -> Read:
        return _visits_of(self.visits)

    def __str__(self) -> str:
        return self._compared(f"visits of {self.visits}")


class Trips(Counted):
    """How often a watcher stopped this pen, or those it came from."""

    trips: Annotated[str, Known("node")]

    def _read(self) -> Read:
        return _visits_of(self.trips)

    def __str__(self) -> str:
        return self._compared(f"trips of {self.trips}")


class TokensSpent(Counted):
    """How many tokens the last segment has, or the pen has spent along its path."""

    tokens: Literal["segment", "rollout"]

    def _read(self) -> Read:
        if self.tokens == "rollout":
            return lambda pen: pen.tokens
        return lambda pen: len(pen.trajectory.segment.ids) if pen.trajectory.segment is not None else 0

    def __str__(self) -> str:
        return self._compared(f"tokens of the {self.tokens}")
