"""Where names of nodes stand in a tree: the types know; and which nodes stand for graphs."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from relay.language.phrases import Schema
from relay.language.shapes import Known
from relay.language.telling import Path, Type

Named: TypeAlias = Callable[[str, Known], str]


def renamed(kind: tuple[Type[Any], Schema], tree: Any, named: Named) -> Any:
    """The tree, which should be of this type, with other names of nodes. What is of no type stays as it is."""
    language, schema = kind
    known: Known | None = None
    while "schema" in schema or schema.get("type") in ("definition-ref", "tagged-union"):
        if schema["type"] == "tagged-union":
            tag = schema["discriminator"](tree)
            if tag not in schema["choices"]:
                return tree
            schema = schema["choices"][tag]
            continue
        known = _known(schema) or known
        schema = language.unwrapped(schema)
    if isinstance(tree, str):
        return named(tree, known) if known is not None and known.kind == "node" else tree
    if isinstance(tree, dict):
        return {key: _below(language, schema, key, value, named) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_below(language, schema, i, value, named) for i, value in enumerate(tree)]
    return tree


def _below(language: Type[Any], schema: Schema, item: str | int, value: Any, named: Named) -> Any:
    below = language.below(schema, item)
    return value if below is None else renamed((language, below), value, named)


def _known(schema: Schema) -> Known | None:
    """What checks a text of this type against the names there are."""
    function = schema.get("function")
    owner = getattr(function.get("function"), "__self__", None) if isinstance(function, dict) else None
    return owner if isinstance(owner, Known) else None


def users(graph: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The nodes of this graph that stand for others."""
    nodes = graph.get("nodes") if isinstance(graph, dict) else None
    for name, node in nodes.items() if isinstance(nodes, dict) else ():
        if isinstance(node, dict) and "use" in node:
            yield name, node


def unplaced(graph: Any) -> tuple[str, ...]:
    """What the names of nodes begin with that are nowhere, for a graph in use could not be put in its place."""
    return tuple(f"{name}." for name, _ in users(graph))


def texts(tree: Any) -> Iterator[str]:
    """All texts in this tree, keys too."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        yield from tree
    for value in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from texts(value)


def listed(tree: Any, path: Path) -> list[tuple[str, Path]]:
    """The names of a list or a single one, each with its path."""
    if isinstance(tree, list):
        return [(name, (*path, i)) for i, name in enumerate(tree) if isinstance(name, str)]
    return [(tree, path)] if isinstance(tree, str) else []
