"""Conditions of edges: one subject, at most one comparison, no code; and all, any, not."""

from collections.abc import Callable, Iterator
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field

from relay.language.repeating import Repeated
from relay.language.rulings import Chance, Entropy, Label, Score
from relay.language.shapes import Kind, OneOf
from relay.language.subjects import (
    Answered,
    Condition,
    Contains,
    EndsWith,
    Matches,
    Stopped,
    Test,
    TokensSpent,
    Trips,
    Visits,
)


class Every(Condition):
    """All of these hold."""

    all: Annotated[tuple["AnyCondition", ...], Field(min_length=1)]

    def _compiled(self) -> Test:
        return _folded([part.test() for part in self.all], lambda a, b: lambda pen, luck: a(pen, luck) and b(pen, luck))

    def __str__(self) -> str:
        return " and ".join(f"({part})" if isinstance(part, Some) else str(part) for part in self.all)


class Some(Condition):
    """At least one of these holds."""

    any: Annotated[tuple["AnyCondition", ...], Field(min_length=1)]

    def _compiled(self) -> Test:
        return _folded([part.test() for part in self.any], lambda a, b: lambda pen, luck: a(pen, luck) or b(pen, luck))

    def __str__(self) -> str:
        return " or ".join(f"({part})" if isinstance(part, Every) else str(part) for part in self.any)


class Not(Condition):
    """This does not hold."""

    denied: Annotated["AnyCondition", Field(alias="not")]

    def _compiled(self) -> Test:
        holds = self.denied.test()
        return lambda pen, luck: not holds(pen, luck)

    def __str__(self) -> str:
        return f"not ({self.denied})" if isinstance(self.denied, Every | Some) else f"not {self.denied}"


def parts(condition: Condition) -> Iterator[Condition]:
    """A condition and all that it is made of."""
    yield condition
    match condition:
        case Every():
            within = condition.all
        case Some():
            within = condition.any
        case Not():
            within = (condition.denied,)
        case _:
            within = ()
    for part in within:
        yield from parts(part)


def _folded(tests: list[Test], join: Callable[[Test, Test], Test]) -> Test:
    """Pairs of pairs, so that a long list costs calls and no stack."""
    while len(tests) > 1:
        tests = [join(*tests[i : i + 2]) if i + 1 < len(tests) else tests[i] for i in range(0, len(tests), 2)]
    return tests[0]


def _word(_: str) -> Answered:
    return Answered()


AnyCondition: TypeAlias = Annotated[
    Condition,
    OneOf(
        Kind("<word>", Annotated[Literal["answered"], AfterValidator(_word)], of=(str,)),
        Kind("<stopped>", Stopped, "stopped"),
        Kind("<ends_with>", EndsWith, "ends_with"),
        Kind("<contains>", Contains, "contains"),
        Kind("<matches>", Matches, "matches"),
        Kind("<repeated>", Repeated, "repeated"),
        Kind("<visits>", Visits, "visits"),
        Kind("<tokens>", TokensSpent, "tokens"),
        Kind("<trips>", Trips, "trips"),
        Kind("<score>", Score, "score"),
        Kind("<label>", Label, "label"),
        Kind("<entropy>", Entropy, "entropy"),
        Kind("<chance>", Chance, "chance"),
        Kind("<all>", Every, "all"),
        Kind("<any>", Some, "any"),
        Kind("<not>", Not, "not"),
    ),
]
