"""A third party's types are told about in the same words: nothing of pydantic's comes through."""

from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator, Field

from relay.language.shapes import Frozen, Kind, OneOf, Several
from relay.language.telling import Fault, Type


def _even(number: int) -> int:
    if number % 2:
        raise ValueError("should be even")
    return number


class Inner(Frozen):
    deep: list[int]


class Third(Frozen):
    plain: int | str = 0
    items: Annotated[list[int], Field(max_length=2)] = []  # noqa: RUF012
    word: Literal["red", "green"] = "red"
    even: Annotated[int, AfterValidator(_even)] = 0
    rate: Annotated[float, Field(gt=0, lt=1)] = 0.5
    flag: bool = False
    inner: Inner | None = None
    table: dict[str, Inner] = {}  # noqa: RUF012
    either: Annotated[Inner | float, OneOf(Kind("<inner>", Inner, "deep"), Kind("<n>", float, of=(int, float)))] = 0.0
    several: Annotated[tuple[Inner, ...], Several()] = ()


@pytest.mark.parametrize(
    ("tree", "path", "what"),
    [
        ({"plain": 1.5}, ("plain",), "should be a whole number or text, not 1.5"),
        ({"items": [1, "x"]}, ("items", 1), "should be a whole number, not 'x'"),
        ({"items": 3}, ("items",), "should be a list of at most 2, not 3"),
        ({"word": "gren"}, ("word",), "should be 'red' or 'green', not 'gren'"),
        ({"even": 3}, ("even",), "should be even"),
        ({"rate": 1}, ("rate",), "should be a number above 0 and below 1, not 1"),
        ({"flag": 0}, ("flag",), "should be true or false, not 0"),
        ({"inner": {"deep": [1, None]}}, ("inner", "deep", 1), "should be a whole number, not null"),
        ({"inner": {}}, ("inner",), "the key 'deep' is missing"),
        ({"table": {"a": {"deep": [], "x": 1}}}, ("table", "a", "x"), "unknown key 'x'"),
        ({"table": {"<inner>": {"deep": {}}}}, ("table", "<inner>", "deep"), "should be a list, not an empty map"),
        ({"either": "x"}, ("either",), "should be a number or a map with the key 'deep', not 'x'"),
        ({"either": {"dep": []}}, ("either", "dep"), "unknown key 'dep'"),
        ({"several": [{"deep": "x" * 99}]}, ("several", 0, "deep"), f"should be a list, not '{'x' * 47}...'"),
        ({"several": {"deep": True}}, ("several", "deep"), "should be a list, not true"),
        (None, (), "should be a map, not null"),
    ],
)
def test_what_is_wrong_is_told_in_plain_words(tree: object, path: tuple[str | int, ...], what: str) -> None:
    value, (fault,) = Type(Third).read(tree, {})
    assert value is None
    assert (fault.path, fault.what) == (path, what)


def test_what_is_right_is_the_value_itself() -> None:
    assert Type(Third).read({"several": {"deep": [1]}}, {}) == (Third(several=(Inner(deep=[1]),)), [])


def test_too_long_a_list_is_told_too() -> None:
    _, faults = Type(Third).read({"items": [1, 2, 3]}, {})
    assert faults == [Fault(("items",), "should be a list of at most 2, not a list of 3")]
