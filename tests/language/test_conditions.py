"""Conditions hold or do not hold of a pen; a compiled one touches nothing but the pen."""

import json
import timeit
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import TypeAdapter

from relay.language.conditions import AnyCondition
from relay.trajectory import Segment, Trajectory
from relay.walk import Pen

CONDITIONS: TypeAdapter[Any] = TypeAdapter(AnyCondition)


def pen(*segments: Segment, **more: Any) -> Pen:
    trajectory = Trajectory()
    for segment in segments:
        trajectory = trajectory.add(segment)
    return Pen("0", "a", trajectory, more.pop("visits", {}), **more)


def wrote(text: str, stop: str = "turn", matched: str = "", closed: int = -1, tokens: int = 3) -> Segment:
    return Segment("a", "m", text, tuple(range(tokens)), "t", stop, matched, closed)


def no_luck() -> float:
    raise AssertionError("nothing here hangs on chance")


def holds(condition: Any, of: Pen, draw: Callable[[], float] = no_luck) -> bool:
    return bool(CONDITIONS.validate_json(json.dumps(condition)).test()(of, draw))


def test_answered_is_what_the_pen_says() -> None:
    assert holds("answered", pen(answered=True))
    assert not holds("answered", pen())


def test_stopped_is_the_text_that_matched_or_the_word_for_why() -> None:
    assert holds({"stopped": "="}, pen(wrote("1 =", "text", "=")))
    assert holds({"stopped": "tokens"}, pen(wrote("1", "tokens")))
    assert not holds({"stopped": "="}, pen(wrote("1 =", "turn")))
    assert not holds({"stopped": "="}, pen())


def test_texts_are_looked_for_in_the_last_segment_whoever_wrote_it() -> None:
    two = pen(wrote("one two"), wrote("three"))
    assert holds({"contains": "ree"}, two)
    assert not holds({"contains": "two"}, two)
    assert holds({"ends_with": "three"}, two)
    assert holds({"matches": "^t.*e$"}, two)
    assert not holds({"contains": "x"}, pen())


def test_a_text_may_cross_segments_when_the_trajectory_is_searched() -> None:
    two = pen(wrote("one two"), wrote("three"))
    assert holds({"contains": "twothree", "in": "trajectory"}, two)
    assert holds({"ends_with": "o" + "three", "in": "trajectory"}, two)
    assert holds({"matches": "^one.*e$", "in": "trajectory"}, two)


def test_the_thought_ends_where_the_thinking_was_closed() -> None:
    closed = pen(wrote("so "), wrote("it is 3.</think>The answer is 4", closed=16))
    assert holds({"contains": "3.</think>", "in": "thought"}, closed)
    assert not holds({"contains": "4", "in": "thought"}, closed)
    assert holds({"contains": "4", "in": "trajectory"}, closed)
    assert holds({"contains": "so", "in": "thought"}, pen(wrote("so ")))


@pytest.mark.parametrize(
    ("comparison", "good"),
    [("equals", {2}), ("over", {3, 4}), ("under", {0, 1}), ("at_least", {2, 3, 4}), ("at_most", {0, 1, 2})],
)
def test_numbers_are_compared(comparison: str, good: set[int]) -> None:
    for k in range(5):
        assert holds({"visits": "a", comparison: 2}, pen(visits={"a": k} if k else {})) == (k in good)
        assert holds({"tokens": "segment", comparison: 2}, pen(wrote("x", tokens=k))) == (k in good)
        assert holds({"tokens": "rollout", comparison: 2}, pen(tokens=k)) == (k in good)
    assert holds({"tokens": "segment", "equals": 0}, pen())


def test_all_any_and_not_join_conditions() -> None:
    yes, no = {"visits": "a", "equals": 0}, "answered"
    assert holds({"all": [yes, yes, yes]}, pen())
    assert not holds({"all": [yes, no, yes]}, pen())
    assert holds({"any": [no, no, yes]}, pen())
    assert not holds({"any": [no]}, pen())
    assert holds({"not": no}, pen())
    assert holds({"all": [{"any": [no, {"not": no}]}, yes]}, pen())


def test_a_condition_says_in_words_what_it_asks() -> None:
    condition = {"all": [{"any": ["answered", {"visits": "a", "at_least": 2}]}, {"not": {"stopped": "="}},
                         {"contains": "x", "in": "thought"}, {"tokens": "rollout", "under": 9}, {"matches": "a|b"},
                         {"ends_with": "\n"}]}  # fmt: skip
    assert str(CONDITIONS.validate_json(json.dumps(condition))) == (
        "(answered or visits of a >= 2) and not stopped by '=' and thought contains 'x' and tokens of the rollout < 9"
        " and segment matches /a|b/ and segment ends with '\\n'"
    )


def test_a_compiled_condition_is_cheap() -> None:
    """The loop calls it on every hop; touching a pydantic field alone would take a tenth of this."""
    test = CONDITIONS.validate_json('{"all": [{"visits": "a", "equals": 1}, {"not": "answered"}]}').test()
    here = pen(visits={"a": 1})
    assert min(timeit.repeat(lambda: test(here, no_luck), number=1000, repeat=5)) / 1000 < 3e-6
