"""Knobs: in what two scenarios differ, whichever way they say it."""

from typing import Any

import pytest

from relay.language.reading import read
from relay.twin.knobs import Knob, knobs, shown


def between(sets: dict[str, str], preset: str = "") -> list[Knob]:
    return knobs(read("recoverability").tree, read("recoverability", sets, preset).tree)


def test_the_same_scenario_has_none() -> None:
    assert between({}) == between({"title": "Another", "let.cut": "before"}, "strict") == []


def test_one_is_told_by_its_path_and_in_words() -> None:
    (knob,) = between({"let.cut": "nearest"})
    assert knob == Knob("let.cut", "before", "nearest")
    assert str(knob) == "where a cut falls (let.cut): before -> nearest"
    assert str(Knob("models.main.dtype", None, "float16")) == "models.main.dtype: not said -> float16"


def test_a_value_is_the_same_by_name_and_in_its_place() -> None:
    sets = {"graph.nodes.main.opens_with.cut": "before", "graph.nodes.steer.cut": "before"}
    assert between(sets) == []
    assert [knob.path for knob in between({**sets, "graph.nodes.steer.cut": "after"})] != []


def test_an_amount_of_another_unit_is_one_value() -> None:
    (knob,) = between({"let.shortest": "{tokens: 9}"})
    assert (knob.path, knob.after) == ("let.shortest", {"tokens": 9})
    (knob,) = knobs({"let": {"k": {"share": 1}}, "graph": ["{k}"]}, {"let": {"k": {"tokens": 1}}, "graph": ["{k}"]})
    assert knob == Knob("let.k", {"share": 1}, {"tokens": 1})


def test_true_is_not_one() -> None:
    assert [k.path for k in knobs({"a": True}, {"a": 1})] == ["a"]


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "not said"), ("before", "before"), ("\nWait.\n", '"\\nWait.\\n"'), ("\x1b[31m", '"\\u001b[31m"'), (0, "0"),
     (True, "true"), ({"tokens": 9}, '{"tokens": 9}'), ("", '""')],
)  # fmt: skip
def test_a_value_is_shown_on_one_line(value: Any, said: str) -> None:
    assert shown(value) == said
