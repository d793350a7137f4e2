"""The verifier `number`: is this answer a number as near to the reference as was asked for?"""

import time
from fractions import Fraction

from relay.verifiers import Outcome, Question, Verdict, shown
from relay.verifiers.answer import find
from relay.verifiers.plain import Number, agree, comparable, read
from relay.verifiers.spelling import tidy, unnamed


class NumberVerifier:
    """Compares plain numbers, as exactly as they are written, within a tolerance."""

    def __init__(self, tolerance: float = 0.0, *, relative: bool = False) -> None:
        self._tolerance = Fraction(repr(tolerance)) if tolerance else Fraction(0)
        self._relative = relative

    async def grade(self, question: Question) -> Verdict:
        """The verdict on this answer."""
        if not question.finished:
            return Verdict(Outcome.WRONG, "", "unfinished", 0.0)
        started = time.perf_counter()
        answer = find(question.text)
        outcome, why = self._compared(question.reference, answer)
        return Verdict(outcome, shown(answer), why, time.perf_counter() - started)

    async def aclose(self) -> None:
        """It holds nothing."""

    def _compared(self, reference: str, answer: str) -> tuple[Outcome, str]:  # noqa: PLR0911  a ladder of tests
        if not reference.strip():
            return Outcome.UNDECIDED, "there is no reference"
        ours, theirs = _number(reference), _number(answer)
        if ours is None and "####" in reference:
            ours = _number(find(reference))
        if ours is None:
            return Outcome.UNDECIDED, "the reference is no plain number"
        if not answer:
            return Outcome.WRONG, "no answer found"
        if theirs is None:
            return Outcome.UNDECIDED, "the answer is no plain number"
        values = comparable(ours, theirs)
        if values is None:
            return Outcome.WRONG, "of another kind"
        if agree(ours, theirs) or any(self._near(*pair) for pair in values):
            return Outcome.CORRECT, "near enough" if self._tolerance else "equal numbers"
        return Outcome.WRONG, "too far away" if self._tolerance else "unequal numbers"

    def _near(self, reference: Fraction, answer: Fraction) -> bool:
        most = self._tolerance * abs(reference) if self._relative else self._tolerance
        return abs(reference - answer) <= most


def _number(text: str) -> Number | None:
    return read(unnamed(tidy(text))[0])
