"""Words for types and values: what should stand at a place, and what stands there."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from relay.language.shapes import OneOf, Several

Schema: TypeAlias = Mapping[str, Any]  # a core schema of pydantic's
Bare: TypeAlias = Callable[[Schema], Schema]

_BOUNDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
_LONGEST = 50  # characters of a user's text that a message repeats


def phrase(schema: Schema, bare: Bare) -> str | None:  # noqa: PLR0911  a table of types
    """What should stand here: "a whole number of at least 1"; None when there are no words for it."""
    if (own := _own_words(schema)) is not None:
        return own
    schema = bare(schema)
    match schema.get("type"):
        case "int":
            return "a whole number" + _bounds(schema)
        case "float":
            return "a number" + _bounds(schema)
        case "str":
            return "text" + _size(schema)
        case "bool":
            return "true or false"
        case "literal":
            return _listed([shown(each) for each in schema["expected"]])
        case "list" | "tuple":
            return "a list" + _size(schema)
        case "dict" | "model-fields":
            return "a map" + _size(schema)
        case "tagged-union":
            if isinstance(schema["discriminator"], Several):
                return f"{phrase(schema['choices']['<one>'], bare)} or a list of these"
            return _listed(list(dict.fromkeys(_members(schema, bare))))
        case "union":
            members = [phrase(each[0] if isinstance(each, tuple) else each, bare) for each in schema["choices"]]
            return _listed([each for each in members if each is not None]) or None
    return None


def words(schema: Schema, bare: Bare) -> list[str]:
    """The words that are good here."""
    schema = bare(schema)
    match schema.get("type"):
        case "literal":
            return [each for each in schema["expected"] if isinstance(each, str)]
        case "tagged-union":
            return [word for choice in schema["choices"].values() for word in words(choice, bare)]
    return []


def shown(value: object) -> str:  # noqa: PLR0911  a table of types
    """What stands there, short and without control characters."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case dict():
            return "a map" if value else "an empty map"
        case list():
            return "a list" if value else "an empty list"
        case str() if not value:
            return "an empty text"
        case str():
            return repr(value if len(value) <= _LONGEST else value[: _LONGEST - 3] + "...")
    return str(value)


def _own_words(schema: Schema) -> str | None:
    """The words of `Says`, if this type bears it."""
    while "schema" in schema:
        if schema["type"] == "custom-error":
            return str(schema["custom_error_message"])
        schema = schema["schema"]
    return None


def _members(union: Schema, bare: Bare) -> Iterator[str]:
    tell = union["discriminator"]
    heads = tell.heads if isinstance(tell, OneOf) else {}
    for tag, choice in union["choices"].items():
        if tag not in heads.values() and (words := phrase(choice, bare)) is not None:
            yield words
    if heads:
        keys = ", ".join(map(repr, heads))
        yield f"a map with the key {keys}" if len(heads) == 1 else f"a map with one of the keys {keys}"


def _bounds(schema: Schema) -> str:
    if "ge" in schema and "le" in schema:
        return f" from {schema['ge']:g} to {schema['le']:g}"
    said = [f"{word} {schema[bound]:,}".replace(",", "") for bound, word in _BOUNDS.items() if bound in schema]
    return (" of " if said[:1] and said[0][:2] == "at" else " ") + " and ".join(said) if said else ""


def _size(schema: Schema) -> str:
    least, most = schema.get("min_length"), schema.get("max_length")
    if least == 1 and most is None:
        return " that is not empty"
    said = [f"{word} {n}" for word, n in (("at least", least), ("at most", most)) if n]
    return " of " + " and ".join(said) if said else ""


def _listed(parts: list[str]) -> str:
    *firsts, last = parts or [""]
    return f"{', '.join(firsts)} or {last}" if firsts else last
