"""The JSON Schema for editors accepts what relay reads and refuses what relay refuses."""

import re
from pathlib import Path
from typing import Any

import pytest

from relay.language.schema import schema
from relay.language.yaml_places import parse, plain
from relay.scenarios import canned

HERE = Path(__file__).parent
SCHEMA = schema()
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def accepts(kind: dict[str, Any], value: Any) -> bool:  # noqa: PLR0912  a validator in one function
    """As much of JSON Schema as relay's own uses; an unknown word fails the test."""
    for word, wanted in kind.items():
        match word:
            case "title" | "description" | "default" | "$schema" | "$defs" | "then" | "else":
                good = True
            case "$ref":
                good = accepts(SCHEMA["$defs"][wanted.removeprefix("#/$defs/")], value)
            case "if":
                good = accepts(kind["then" if accepts(wanted, value) else "else"], value)
            case "anyOf":
                good = any(accepts(each, value) for each in wanted)
            case "type" if wanted in ("integer", "number"):
                good = isinstance(value, int if wanted == "integer" else int | float) and not isinstance(value, bool)
            case "type":
                good = isinstance(value, TYPES[wanted])
            case "const":
                good = value == wanted
            case "enum":
                good = value in wanted
            case "pattern":
                good = not isinstance(value, str) or re.search(wanted, value) is not None
            case "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum":
                compare = {"minimum": "__ge__", "exclusiveMinimum": "__gt__", "maximum": "__le__"}.get(word, "__lt__")
                good = not isinstance(value, int | float) or getattr(float(value), compare)(wanted)
            case "minLength" | "minItems" | "minProperties":
                good = not hasattr(value, "__len__") or len(value) >= wanted
            case "required":
                good = not isinstance(value, dict) or set(wanted) <= value.keys()
            case "items":
                good = not isinstance(value, list) or all(accepts(wanted, item) for item in value)
            case "properties":
                good = not isinstance(value, dict) or all(accepts(k, value[n]) for n, k in wanted.items() if n in value)
            case "patternProperties":
                good = not isinstance(value, dict) or all(
                    accepts(k, v) for k in wanted.values() for v in value.values()
                )
            case "additionalProperties":
                others = (
                    [v for n, v in value.items() if n not in kind.get("properties", {})] if type(value) is dict else []
                )
                good = not others if wanted is False else wanted is True or all(accepts(wanted, v) for v in others)
            case "propertyNames":
                good = not isinstance(value, dict) or all(accepts(wanted, name) for name in value)
            case _:
                raise AssertionError(f"the test's validator does not know {word!r}")
        if not good:
            return False
    return True


def tree(path: Any) -> Any:
    return plain(parse(path.read_text(encoding="utf-8"), "f"))


@pytest.mark.parametrize(
    "path", [*(HERE / n for n in ("everything.yaml", "short.yaml")), *canned().values()], ids=lambda p: p.name
)
def test_it_accepts_every_scenario_that_ships_and_every_key(path: Any) -> None:
    assert accepts(SCHEMA, tree(path))


def test_it_refuses_an_unknown_key_at_every_level() -> None:
    whole = tree(HERE / "everything.yaml")
    maps = [whole]
    free = [
        whole["let"],
        whole["models"],
        whole["models"]["small"]["says"],
        whole["models"]["known"]["recovers"],
        whole["models"]["known"]["guided"],
        whole["problems"]["where"],
        whole["graph"]["nodes"],
        whole["graph"]["edges"],
        whole["graph"]["nodes"]["check"]["labels"],
        whole["graph"]["nodes"]["choice"]["labels"],
        whole["graph"]["nodes"]["look"]["with"],
        whole["graphs"],
        whole["prices"],
        *(graph[key] for graph in whole["graphs"].values() for key in ("let", "nodes", "edges") if key in graph),
    ]
    for each in maps:
        children = each.values() if isinstance(each, dict) else each
        maps += [child for child in children if isinstance(child, dict | list)]
        if isinstance(each, dict) and not any(each is other for other in free):
            each["nobody"] = 1
            assert not accepts(SCHEMA, whole), each
            del each["nobody"]
    assert accepts(SCHEMA, whole)


def test_with_extends_what_the_other_file_says_may_be_left_out() -> None:
    part = {"relay": 1, "extends": "relay/strict", "graph": {"nodes": {"steer": {"take": 0.3, "stitch": None}}}}
    assert accepts(SCHEMA, part)
    assert not accepts(SCHEMA, {**part, "graph": {"nodes": {"steer": {"takes": 0.3}}}})
    assert not accepts(SCHEMA, {"relay": 1})


def test_short_forms_and_variables_are_known() -> None:
    short = tree(HERE / "short.yaml")
    assert accepts(SCHEMA, short)
    short["samples"] = "{m}"
    assert accepts(SCHEMA, short)
    short["samples"] = "m"
    assert not accepts(SCHEMA, short)


def test_every_key_that_a_comment_explains_is_explained_to_editors() -> None:
    assert SCHEMA["$defs"]["Problems"]["properties"]["where"]["description"] == "column: its good values"
    assert SCHEMA["$defs"]["ScriptedModel"]["properties"]["context"]["description"].endswith(
        "null: what the model allows"
    )


def test_a_model_is_told_by_its_engine() -> None:
    model = SCHEMA["$defs"]["ScriptedModel"]
    assert model["properties"]["engine"] == {"const": "scripted"}
    assert "engine" in model["required"]
