"""The labels that a judge or a person may give, and what each is worth."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from relay.language.shapes import Kind, OneOf, Scalar, wrong


def _each_once(labels: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
    said = [str(label) for label in labels]
    for i, label in enumerate(said):
        if label in said[:i]:
            raise wrong(f"{label!r} is a label already", at=(i,), instead="say each label once")
    return labels


_Listed = Annotated[tuple[Scalar, ...], Field(min_length=2), AfterValidator(_each_once)]
Labels = Annotated[
    tuple[Scalar, ...] | dict[str, float],
    OneOf(
        Kind("<labels>", _Listed, of=(list, tuple)),
        Kind("<values>", Annotated[dict[str, float], Field(min_length=2)], of=(dict,)),
    ),
]


def worth_of(labels: Labels | None) -> Mapping[str, float | None]:
    """What each is worth: as it says itself, or the number that it is; None: nothing."""
    if isinstance(labels, dict):
        return labels
    return {str(label): _number(label) for label in labels or ()}


def _number(label: object) -> float | None:
    """What a label that is a number is worth."""
    try:
        return float(str(label))
    except ValueError:
        return None
