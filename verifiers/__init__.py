"""Verifiers: what says whether an answer is right. One verb, `grade`, and `aclose`.

A verifier is found by its name through the entry-point group `relay.verifiers`, which holds a factory that needs no
arguments or, for one with options, a class derived from `relay.language.verifying.Verify`; built-ins register the way
a third party does.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple, Protocol

from relay.problems import Problem

SHOWN = 200  # characters of an answer that a verdict keeps


class Outcome(StrEnum):
    """What a verdict says."""

    CORRECT = "correct"
    WRONG = "wrong"
    UNDECIDED = "undecided"  # it could not be found out; `why` says what stood in the way


class Reply(NamedTuple):
    """What a model that was asked for a verdict said, and its cost."""

    model: str
    text: str
    computed: int = 0  # prompt tokens
    cached: int = 0
    decoded: int = 0
    thrown: int = 0


class Verdict(NamedTuple):
    """What a verifier found."""

    outcome: Outcome
    answer: str  # the answer as found in the text, shortened; text that any store can hold
    why: str  # how it was decided, or what stood in the way
    seconds: float  # time spent on it, waiting for a free worker not counted
    reply: Reply | None = None  # of a model that was asked
    parts: tuple[tuple[str, "Verdict"], ...] = ()  # the verdicts that led to it, by their verifiers' names


class Question(NamedTuple):
    """One answer to grade."""

    text: str  # everything to grade: what follows the thinking or, for models without one, the last steer
    finished: bool  # the thinking was closed, or the turn of a model without thinking ended
    reference: str  # the right answer
    kind: str = "math"  # the problem's kind: math, code, choice, text
    problem: Problem | None = None  # where it is known
    sample: int = 0  # which continuation of the problem this is
    said: Mapping[str, Verdict] = {}  # verdicts that it has already, by their verifiers' names
    cell: str = ""  # the name of its cell; for recordings alone, no verdict may hang on it


class Verifier(Protocol):
    """Grades answers; may be called by many tasks at once."""

    async def grade(self, question: Question) -> Verdict:
        """The verdict on this answer. Never raises for what a model wrote."""
        ...

    async def aclose(self) -> None:
        """Give back what it holds."""
        ...


def shown(answer: str) -> str:
    """An answer as a verdict keeps it: shortened, without lone surrogates and NUL, which no store can hold."""
    if len(answer) > SHOWN:
        answer = answer[: SHOWN - 1] + "…"
    return storable(answer)


def storable(text: str) -> str:
    """A text without lone surrogates and NUL, which no store can hold."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")
