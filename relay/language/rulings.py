"""Conditions on what judges said, on how unsure a writer was, and on chance."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from relay.language.shapes import Fraction, Known, OneOrMore, Text
from relay.language.subjects import Condition, Measured, Read, Test
from relay.language.telling import Fault, Path, one_of


class Score(Measured):
    """What a judge's last word was worth. It holds of no pen that has not come by that judge."""

    score: Annotated[str, Known("node")]

    def _read(self) -> Read:
        node = self.score
        return lambda pen: ruling.score if (ruling := pen.rulings.get(node)) is not None else None

    def __str__(self) -> str:
        return self._compared(f"score of {self.score}")


class Label(Condition):
    """A judge's last word is this one, or one of these."""

    label: Annotated[str, Known("node")]
    equals: OneOrMore[Text]

    def _compiled(self) -> Test:
        node, good = self.label, frozenset(self.equals)
        return lambda pen, luck: (ruling := pen.rulings.get(node)) is not None and ruling.label in good

    def __str__(self) -> str:
        return f"label of {self.label} is {' or '.join(map(repr, self.equals))}"


def never_said(when: Label, labels: Sequence[str], at: Path) -> Iterator[Fault]:
    """The labels that a condition waits for, and that are none of this judge's; where it names none it may say any."""
    for label in when.equals if labels else ():
        if label and label not in labels:
            yield Fault(at, f"{label!r} is none of the labels of {when.label!r}", one_of(label, labels))


class Entropy(Measured):
    """How unsure its author was of the last segment's first token, in nats."""

    entropy: Literal["segment"]

    def _read(self) -> Read:
        return lambda pen: pen.entropy

    def __str__(self) -> str:
        return self._compared("entropy of the segment")


class Chance(Condition):
    """It holds so often, by a draw of the run's seed."""

    chance: Fraction

    def _compiled(self) -> Test:
        share = self.chance
        return lambda pen, luck: luck() < share

    def __str__(self) -> str:
        return f"a chance of {self.chance:g}"
