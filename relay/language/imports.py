"""Graphs of other scenario files, for nodes with `use:`: they join the scenario's own, by the names of their files."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from relay.errors import Mistake, UserError
from relay.language.telling import Path
from relay.language.yaml_places import Entry, Value

PARTS = ("start", "answer", "nodes", "edges")


class Other(NamedTuple):
    """Another scenario's file."""

    name: str  # as a user names it
    compose: Callable[[], Value]  # its whole tree. Raises UserError


Find: TypeAlias = Callable[[str, str], "Other | Mistake"]  # by its name and the file that says it; empty: none does


def is_file(name: str) -> bool:
    """Whether this names the graph of a file: a scenario's own have neither slash nor dot."""
    return "/" in name or "." in name


def in_its_file(path: Path) -> Path:
    """The path that leads there in the file where it stands."""
    if path[:1] != ("graphs",) or len(path) < 2 or not is_file(str(path[1])):
        return path
    _, own, name = str(path[1]).rpartition(":")
    if own:
        return "graphs", name, *path[2:]
    return path[2:] if path[2:3] == ("let",) else ("graph", *path[2:])


class Whole(NamedTuple):
    """A scenario with the graphs of all the files that it uses among its own."""

    tree: Value
    mistakes: list[Mistake]  # what is wrong with these files
    lost: frozenset[str]  # the places that name them


def with_graphs(tree: Value, find: Find) -> Whole:
    """The scenario as a whole, as far as it can be had."""
    gathering = _Gathering(find)
    return Whole(gathering.whole(tree), list(dict.fromkeys(gathering.mistakes)), frozenset(gathering.lost))


class _Gathering:
    """The graphs found so far."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._found: dict[str, Entry] = {}
        self.mistakes: list[Mistake] = []
        self.lost: list[str] = []

    def whole(self, tree: Value) -> Value:
        """The scenario, each of whose `use:` names a graph by the name that it has there."""
        data = _map(tree)
        own = {name: name for name in _map(_at(data, "graphs"))}
        graphs = {name: Entry(e.key, self._named(e.value, own)) for name, e in _map(_at(data, "graphs")).items()}
        graph = {"graph": Entry(data["graph"].key, self._named(data["graph"].value, own))} if "graph" in data else {}
        if not self._found:
            return tree._replace(data={**data, **graph} if data else tree.data)
        at = data["graphs"] if "graphs" in data else Entry(tree.at, Value(tree.at, {}))
        return tree._replace(
            data={**data, **graph, "graphs": at._replace(value=at.value._replace(data={**graphs, **self._found}))}
        )

    def _named(self, graph: Value, own: Mapping[str, str]) -> Value:
        """The graph with these names for what is its scenario's own, and the names of their files for others."""
        if "nodes" not in _map(graph):
            return graph
        nodes = _map(graph)["nodes"]
        named = {name: e._replace(value=self._node(e.value, own)) for name, e in _map(nodes.value).items()}
        within = nodes._replace(value=nodes.value._replace(data=named)) if named else nodes
        return graph._replace(data={**_map(graph), "nodes": within})

    def _node(self, node: Value, own: Mapping[str, str]) -> Value:
        use = _map(node).get("use")
        if use is None or not isinstance(use.value.data, str):
            return node
        name = own.get(use.value.data) or self._file(use.value, use.value.data)
        return node._replace(data={**_map(node), "use": use._replace(value=use.value._replace(data=name))})

    def _file(self, said: Value, name: str) -> str:
        """The name under which the graph of this file is found; one that is nothing stays as it is."""
        other = self._find(name, said.at.file if said.at.line else "")
        if isinstance(other, Mistake):
            if is_file(name):
                self.mistakes.append(other._replace(where=str(said.at), what=f"use: {other.what}"))
                self.lost.append(str(said.at))
            return name
        key = other.name if is_file(other.name) else f"./{other.name}"
        if key not in self._found:
            self._take(key, other, said)
        return key

    def _take(self, key: str, other: Other, said: Value) -> None:
        try:
            tree = _map(other.compose())
        except UserError as error:
            self.mistakes += error.mistakes
            self.lost.append(str(said.at))
            return
        if "graph" not in tree:
            self.mistakes.append(Mistake(str(said.at), f"use: {other.name} has no graph", "name a whole scenario"))
            self.lost.append(str(said.at))
            return
        entry, let = tree["graph"], _map(_at(tree, "let"))
        own = {name: f"{key}:{name}" for name in _map(_at(tree, "graphs"))}
        self._found[key] = entry  # so that a circle ends here; it is told later
        for name, each in _map(_at(tree, "graphs")).items():
            self._found[own[name]] = each._replace(value=_lent(self._named(each.value, own), let))
        graph = self._named(entry.value, own)
        kept = {part: e for part, e in _map(graph).items() if part in PARTS}
        self._found[key] = entry._replace(value=_lent(graph._replace(data=kept), let))


def _lent(graph: Value, let: Mapping[str, Entry]) -> Value:
    """The graph with these values by name where it has none of its own."""
    if not let or not isinstance(graph.data, dict):
        return graph
    own = _at(graph.data, "let")
    both = Value(graph.at, {**let, **_map(own)})
    return graph._replace(data={**graph.data, "let": Entry(graph.at, both)})


def _map(value: Value | None) -> dict[str, Entry]:
    return value.data if value is not None and isinstance(value.data, dict) else {}


def _at(entries: Mapping[str, Entry], key: str) -> Value | None:
    return entries[key].value if key in entries else None
