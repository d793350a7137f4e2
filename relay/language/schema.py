"""The JSON Schema of scenario files, for editors: from the types that read them and the comments at their fields."""

import inspect
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from pydantic import TypeAdapter

from relay.language.scenario import Scenario
from relay.language.shapes import Frozen

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_VARIABLE = {"type": "string", "pattern": r"^\{[A-Za-z_][A-Za-z0-9_]*\}$", "description": "a variable of the sweep"}
_FIELD = re.compile(r"^    (\w+): .*?  # (.+)$", re.MULTILINE)


def schema() -> dict[str, Any]:
    """The schema of a whole file. Where `extends` stands, all that the extended file says may be left out."""
    whole = TypeAdapter(Scenario).json_schema(by_alias=True, mode="validation")
    kinds = {**whole.pop("$defs"), "Scenario": whole}
    for kind in _classes(Frozen):
        _describe(kinds.get(kind.__name__, {}), kind)
    whole["properties"]["extends"] = {"type": "string", "description": "what to start from: a file, or relay/NAME"}
    full = {name: _opened(kind, part=False) for name, kind in kinds.items()}
    part = {f"{name}Part": _opened(kind, part=True) for name, kind in kinds.items()}
    return {
        "$schema": DIALECT,
        "title": "relay scenario",
        "if": {"required": ["extends"]},
        "then": {"$ref": "#/$defs/ScenarioPart"},
        "else": {"$ref": "#/$defs/Scenario"},
        "$defs": {"variable": _VARIABLE, **full, **part},
    }


def _classes(root: type[Frozen]) -> Iterator[type[Frozen]]:
    for kind in root.__subclasses__():
        yield kind
        yield from _classes(kind)


def _describe(kind: dict[str, Any], of: type[Frozen]) -> None:
    """Take the comments beside the fields for their descriptions."""
    for each in reversed(of.__mro__):
        if not issubclass(each, Frozen) or each is Frozen:
            continue
        with suppress(OSError):  # no source, no words
            for name, comment in _FIELD.findall(inspect.getsource(each)):
                field = of.model_fields.get(name)
                shown = kind.get("properties", {}).get((field and field.alias) or name)
                if shown is not None:
                    shown.setdefault("description", comment.replace("None", "null"))


def _opened(tree: Any, part: bool) -> Any:
    """The same type, where every value may also be a variable; of a part, nothing is required and null removes."""
    if isinstance(tree, list):
        return [_opened(item, part) for item in tree]
    if not isinstance(tree, dict):
        return tree
    found: dict[str, Any] = {}
    for key, value in tree.items():
        match key:
            case "properties" | "patternProperties":
                found[key] = {name: _or_else(_opened(each, part), part) for name, each in value.items()}
            case "items" | "additionalProperties" if isinstance(value, dict):
                found[key] = _or_else(_opened(value, part), part)
            case "oneOf" | "anyOf":
                found["anyOf"] = _opened(value, part)
            case "$ref":
                found[key] = value + "Part" * part
            case "title" | "required" if key == "title" or part:
                continue
            case _:
                found[key] = value
    return found


def _or_else(kind: dict[str, Any], part: bool) -> dict[str, Any]:
    if "const" in kind:
        return kind
    others = [{"$ref": "#/$defs/variable"}, *([{"type": "null"}] if part else [])]
    words: dict[str, Any] = {key: kind.pop(key) for key in ("description", "default") if key in kind}
    return {"anyOf": [*(kind["anyOf"] if kind.keys() == {"anyOf"} else [kind]), *others], **words}
