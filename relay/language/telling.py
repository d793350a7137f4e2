"""What is wrong, in plain words and at its path: from pydantic's errors to faults of the tree.

The path of an error is walked along the core schema of the types, tags and all: so the keys that are good at
that place are known, and the words for what should stand there come from the types themselves.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from pydantic import TypeAdapter, ValidationError

from relay.language.phrases import Schema, phrase, shown, words
from relay.language.shapes import OneOf, Scene

Path: TypeAlias = tuple[str | int, ...]
T = TypeVar("T")
SURE = 0.75  # difflib's likeness from which a typo is taken for the key that was meant


class Fault(NamedTuple):
    """Something wrong in a tree: at which path from its root, what, and what instead."""

    path: Path
    what: str
    instead: str = ""
    at_key: bool = False  # the key is wrong, or all of what it stands for: not one value
    meant: str = ""  # the key, or the name, that this unknown one was surely meant to be
    said: str = ""  # that unknown name, as it stands there


class Stand(NamedTuple):
    """Where the path of an error leads."""

    path: Path  # without tags
    spot: Schema  # the type of what stands there, as declared
    here: Schema  # the member of that type which was tried
    union: OneOf | None  # what told the members apart


class Type(Generic[T]):
    """A type of the language, with words for what is wrong with a tree that is not of it."""

    def __init__(self, kind: type[T]) -> None:
        self._adapter = TypeAdapter(kind)
        self._definitions: dict[str, Schema] = {}

    def read(self, tree: object, scene: Scene) -> tuple[T | None, list[Fault]]:
        """The tree as this type, or None and all that is wrong."""
        try:
            return self._adapter.validate_json(json.dumps(tree), context=scene), []
        except ValidationError as errors:
            return None, list(self._told(errors, tree))

    def below(self, schema: Schema, item: str | int) -> Schema | None:
        """The type of this key's value or this item; None when there is none."""
        bare = self.bare(schema)
        match bare.get("type"):
            case "model-fields":
                fields = bare["fields"].items()
                return next((f["schema"] for name, f in fields if f.get("validation_alias", name) == item), None)
            case "dict" if isinstance(item, str) and item != "[key]":
                found: Schema | None = bare.get("values_schema")
                return found
            case "list" if isinstance(item, int):
                return bare.get("items_schema") or {}
            case "tuple" if isinstance(item, int):
                return next(iter(bare["items_schema"]), None)
        return None

    def merges(self, schema: Schema, base: object, over: object) -> Schema | None:
        """The type to merge two maps by; None when the second is of another kind and replaces the first."""
        bare = self.bare(schema)
        while bare.get("type") == "tagged-union":
            tell = bare["discriminator"]
            old, new = tell.exact(base), tell.exact(over)
            if old is None or new not in {None, old}:
                return None
            bare = self.bare(bare["choices"][old])
        return bare

    @property
    def root(self) -> Schema:
        """The type's own schema."""
        return self._adapter.core_schema

    def bare(self, schema: Schema) -> Schema:
        """The schema inside its wrappings."""
        while "schema" in schema or schema.get("type") == "definition-ref":
            schema = self.unwrapped(schema)
        return schema

    def unwrapped(self, schema: Schema) -> Schema:
        """The schema inside its outermost wrapping."""
        if schema["type"] == "definition-ref":
            found: Schema = self._definitions[schema["schema_ref"]]
            return found
        self._definitions |= {each["ref"]: each for each in schema.get("definitions", ())}
        inner: Schema = schema["schema"]
        return inner

    def _told(self, errors: ValidationError, tree: object) -> Iterator[Fault]:
        faults: dict[Fault, None] = {}
        misspelt: set[Path] = set()  # what is not missing
        missing: set[Fault] = set()
        for error in errors.errors(include_url=False):
            loc = error["loc"]
            match error["type"]:
                case "extra_forbidden":
                    fault, guess = _unknown(self._stand(loc[:-1], tree), str(loc[-1]), tree)
                    misspelt.add((*fault.path[:-1], guess))
                case "missing":
                    path = self._stand(loc[:-1], tree).path
                    fault = Fault(path, f"the key {str(loc[-1])!r} is missing", at_key=True)
                    missing.add(fault)
                case "too_short" if _length(at(tree, self._stand(loc, tree).path)) >= error["ctx"]["min_length"]:
                    continue  # it has items, and what is wrong with them is told
                case _ if loc[-1:] == ("[key]",):
                    fault = _bad_key(self._stand(loc[:-2], tree), str(loc[-2]), error)
                case _:
                    fault = self._bad_value(self._stand(loc, tree), error, tree)
            faults[fault] = None
        for fault in faults:
            if fault not in missing or (*fault.path, fault.what.split("'")[1]) not in misspelt:
                yield fault

    def _stand(self, loc: Path, tree: object) -> Stand:
        path: list[str | int] = []
        spot, here, union = self.root, self.bare(self.root), None
        for item in loc:
            if here.get("type") == "union":
                break
            if item in here.get("choices", ()):
                union = here["discriminator"] if isinstance(here["discriminator"], OneOf) else union
                here = self.bare(here["choices"][item])
                continue
            below = self.below(here, item)
            if below is None and not _has(at(tree, path), item):
                continue  # a label of pydantic's, not a step
            path.append(item)
            spot, union = below or {}, None
            here = self.bare(spot)
        return Stand(tuple(path), spot, here, union)

    def _bad_value(self, stand: Stand, error: Mapping[str, Any], tree: object) -> Fault:
        value = at(tree, stand.path)
        if error["type"].startswith("union_tag") and isinstance(stand.here.get("discriminator"), OneOf):
            missed = stand.here["discriminator"].missed(value)
            if missed is not None:
                error = {"type": "relay", "ctx": missed.context}
        if error["type"] == "relay":
            path = (*stand.path, *error["ctx"]["at"])
            return _said(path, error["ctx"], at(tree, path))
        if error["type"] in {"value_error", "assertion_error"}:
            return Fault(stand.path, str(error["ctx"]["error"]) or "is not good")
        wanted = phrase(stand.spot, self.bare)
        if wanted is None:
            return Fault(stand.path, f"{error['msg'][:1].lower()}{error['msg'][1:]}")
        instead = did_you_mean(value, words(stand.spot, self.bare))
        size = f" of {_length(value)}" if error["type"].startswith("too_") and value else ""
        return Fault(stand.path, f"should be {wanted}, not {shown(value)}{size}", instead)


def at(tree: object, path: Iterable[str | int]) -> object:
    """What stands at this path; None where there is nothing."""
    for item in path:
        if not _has(tree, item):
            return None
        tree = tree[item]  # type: ignore[index]
    return tree


def _has(tree: object, item: str | int) -> bool:
    if isinstance(tree, dict):
        return item in tree
    return isinstance(tree, list) and isinstance(item, int) and item < len(tree)


def _length(value: object) -> int:
    return len(value) if isinstance(value, dict | list) else 0


def near_names(said: str, names: Iterable[str], likeness: float = 0.6) -> list[str]:
    """The names like this one, the nearest first; difflib alone misses 'tests' in 'tsets'."""
    names = list(names)
    swapped = [name for name in names if sorted(name) == sorted(said)]
    return swapped + [name for name in get_close_matches(said, names, cutoff=likeness) if name not in swapped]


def did_you_mean(said: object, names: Iterable[str]) -> str:
    """The nearest good name as a question, or nothing."""
    near = near_names(said, names) if isinstance(said, str) else []
    return f"did you mean {near[0]!r}?" if near else ""


def one_of(said: object, names: Iterable[str], what: str = "known:") -> str:
    """The nearest good name as a question, or the good names if they are few."""
    names = tuple(names)
    few = f"{what} {', '.join(names)}" if 0 < len(names) <= 8 else ""
    return did_you_mean(said, names) or few


def _said(path: Path, context: Mapping[str, Any], said: object, at_key: bool = False) -> Fault:
    near = did_you_mean(said, context["names"])
    fault = Fault(path, context["what"], near or context["instead"] or one_of(said, context["names"]), at_key)
    if at_key or not isinstance(said, str):
        return fault
    return fault._replace(meant=next(iter(near_names(said, context["names"], SURE)), ""), said=said)


def _unknown(stand: Stand, key: str, tree: object) -> tuple[Fault, str]:
    """The fault of an unknown key, and the missing key that was meant."""
    here = at(tree, stand.path)
    present = here if isinstance(here, dict) else {}
    path = (*stand.path, key)
    head = next((said for said in present if said in stand.union.heads), None) if stand.union else None
    if stand.union and head and key in stand.union.heads:
        return Fault(path, f"{key!r} cannot stand beside {head!r}", "leave one out", True), ""
    good = [field.get("validation_alias", name) for name, field in stand.here.get("fields", {}).items()]
    missing = [near for near in near_names(key, good, SURE) if near not in present]
    for near in missing[:1] or near_names(key, good)[:1]:
        too = ", which stands here too" if near in present else ""
        sure = "" if too or not near_names(key, [near], SURE) else near
        return Fault(path, f"unknown key {key!r}", f"did you mean {near!r}{too}?", True, sure), "" if too else near
    for kind in stand.union.kinds if stand.union and head else ():
        if kind.key and key in getattr(kind.type, "model_fields", ()):
            return Fault(path, f"unknown key {key!r} beside {head!r}", f"it goes with {kind.key!r}", True), ""
    others = [name for name in good if name not in present]
    return Fault(path, f"unknown key {key!r}", one_of(key, others, "the other keys here:"), True), ""


def _bad_key(stand: Stand, key: str, error: Mapping[str, Any]) -> Fault:
    path = (*stand.path, key)
    match error["type"]:
        case "relay":
            return _said(path, error["ctx"], key, at_key=True)
        case "literal_error":
            names = stand.here["keys_schema"]["expected"]
            return Fault(path, f"unknown key {key!r}", one_of(key, names, "the keys here:"), True)
        case "says":
            return Fault(path, f"should be {error['msg']}, not {key!r}", at_key=True)
    return Fault(path, f"the key {key!r} is not good: {error['msg'].lower()}", at_key=True)
