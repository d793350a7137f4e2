"""Graphs in use: each node with `use:` gives place to the nodes of the graph that it names.

They are called after it, `check.write`; what leads to `end` within leads to a node `check`, which does nothing, and
whose edges are those of the node that used the graph. Everything knows where it stood before.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from relay.language.graphs import GraphSpec, Used
from relay.language.imports import is_file
from relay.language.referring import listed, renamed, unplaced, users
from relay.language.shapes import Known
from relay.language.sweeps import VARIABLE, is_variable
from relay.language.telling import Fault, Path, Type, did_you_mean, one_of

MOST_NODES = 1000
MOST_LEVELS = 40


class Flat(NamedTuple):
    """A tree without graphs in use."""

    tree: dict[str, Any]
    origins: Mapping[Path, Path]  # where a part of it stood before; all else stands where it stood
    values: Mapping[Path, Path]  # where a value stands that took the place of its name
    faults: list[Fault]  # what is wrong with the graphs, and with the nodes that use them
    idle: list[Fault]  # graphs that nothing uses: told where all else is right

    def told(self, fault: Fault) -> Fault:
        """The fault, where what is wrong stood before."""
        path = fault.path
        for i in range(len(path), 0, -1):
            before = self.values.get(path[:i]) if i < len(path) or not fault.at_key else None
            before = before or self.origins.get(path[:i])
            if before is not None:
                return fault._replace(path=(*before, *path[i:]))
        return fault


class _Part(NamedTuple):
    """A graph with other names."""

    nodes: dict[str, Any]
    edges: dict[str, Any]
    start: str
    answers: list[tuple[str, Path]]  # each with the place that names it
    origins: dict[Path, Path]
    values: dict[Path, Path]


class _Value(NamedTuple):
    """A value with a name, and where it stands."""

    value: Any
    at: Path


class _Scope(NamedTuple):
    """Where a graph comes to stand."""

    prefix: str = ""  # of its nodes' names
    leads_to: str = "end"  # where its end leads
    chain: tuple[str, ...] = ()  # the graphs around it


def flat(tree: dict[str, Any]) -> Flat:
    """The tree with every graph in its place."""
    graph, graphs = tree.get("graph"), tree.get("graphs")
    if graphs is None and not unplaced(graph):
        return Flat(tree, {}, {}, [], [])
    found, faults = _Flattening(graphs if isinstance(graphs, dict) else {}), _misshapen(graphs)
    body = {key: value for key, value in tree.items() if key != "graphs"}
    if not isinstance(graph, dict) or not _is_graph(graph):
        return Flat(body, {}, {}, faults, [])
    part = found.part(graph, ("graph",), _Scope(), {})
    whole = {**graph, "nodes": part.nodes}
    if "edges" in graph:
        whole["edges"] = part.edges
    origins = dict(part.origins)
    if isinstance(graph.get("start"), str):
        whole["start"] = part.start
    if part.answers:
        whole["answer"] = [name for name, _ in part.answers]
        origins |= {("graph", "answer", i): at for i, (_, at) in enumerate(part.answers)}
    faults += found.faults if graphs is None or isinstance(graphs, dict) else ()
    return Flat({**body, "graph": whole}, origins, part.values, faults, list(found.idle()))


class _Flattening:
    """The graphs of one scenario, which of them were used, and what is wrong."""

    def __init__(self, graphs: Mapping[str, Any]) -> None:
        self.graphs = graphs
        self.used: set[str] = set()
        self.faults: list[Fault] = []
        self.count = 0

    def part(self, graph: Mapping[str, Any], path: Path, scope: _Scope, places: Mapping[Path, Path]) -> _Part:
        """This graph in its place; `places` tells where values in it stand that took the place of names."""
        within = {name: self.inner(node, name, path, scope, places) for name, node in users(graph)}
        inner = {name: part for name, part in within.items() if part is not None}
        edges: Any = graph.get("edges", {})
        start, prefix = str(graph.get("start")), scope.prefix

        def named(name: str, known: Known) -> str:
            if name in known.more:
                return scope.leads_to if name == "end" else name
            if is_variable(name):
                return name
            return inner[name].start if known.enters and name in inner else prefix + name

        out = _Part({}, {}, inner[start].start if start in inner else f"{prefix}{start}", [], {}, {})
        for name, said in graph["nodes"].items():
            node = said
            if name in inner:
                for twice in inner[name].nodes.keys() & out.nodes.keys():
                    self.faults.append(_there(twice, (*path, "nodes", name)))
                out.nodes.update(inner[name].nodes)
                out.edges.update(inner[name].edges)
                out.origins.update(inner[name].origins)
                out.values.update(inner[name].values)
                node = {"leave": said["use"]}
            if prefix + name in out.nodes:
                self.faults.append(_there(prefix + name, (*path, "nodes", name)))
            out.nodes[prefix + name] = renamed(_types("nodes"), node, named)
            out.origins[("graph", "nodes", prefix + name)] = (*path, "nodes", name)
        for name, exits in edges.items():
            out.edges[prefix + name] = renamed(_types("edges"), exits, named)
            out.origins[("graph", "edges", prefix + name)] = (*path, "edges", name)
        for name, at in listed(graph.get("answer"), (*path, "answer")):
            out.answers.extend(inner[name].answers if name in inner else [(f"{prefix}{name}", at)])
        return out

    def inner(
        self, node: Mapping[str, Any], name: str, path: Path, scope: _Scope, places: Mapping[Path, Path]
    ) -> _Part | None:
        """The graph that this node uses, in its place; None: something is wrong, and told."""
        here, wanted, given = (*path, "nodes", name), node["use"], node.get("with", {})
        if not isinstance(wanted, str) or not isinstance(given, dict) or not node.keys() <= {"use", "with"}:
            return None  # the types tell it
        if wanted not in self.graphs:
            near = one_of(wanted, self.graphs) or "name one of `graphs:`, or a scenario"
            self.faults.append(Fault((*here, "use"), f"there is no graph {wanted!r}", near))
            return None
        self.used.add(wanted)
        if wanted in scope.chain:
            circle = " -> ".join((*scope.chain[scope.chain.index(wanted) :], wanted))
            self.faults.append(Fault((*here, "use"), f"goes in a circle: {circle}"))
            return None
        graph, at = self.graphs[wanted], ("graphs", wanted)
        if not _is_graph(graph) or not isinstance(graph.get("start"), str) or not self._is_whole(graph, at):
            return None
        self.count += len(graph["nodes"])
        if self.count > MOST_NODES or len(scope.chain) >= MOST_LEVELS:
            deep = f"is {len(scope.chain) + 1} graphs deep; {MOST_LEVELS} are allowed"
            many = f"with this graph there are {self.count:,} nodes; {MOST_NODES:,} are allowed"
            self.faults.append(Fault((*here, "use"), many if self.count > MOST_NODES else deep))
            return None
        inside = _Scope(f"{scope.prefix}{name}.", scope.prefix + name, (*scope.chain, wanted))
        values = {k: _Value(v, places.get(("nodes", name, "with", k), (*here, "with", k))) for k, v in given.items()}
        self._tell_idle(graph, wanted, given, here)
        return self._filled(graph, at, values, inside)

    def _tell_idle(self, graph: Mapping[str, Any], name: str, given: Iterable[str], here: Path) -> None:
        names = {name for _, name in _variables(graph)}
        for each in given:
            if each not in names:
                near = did_you_mean(each, sorted(names)) or "leave it out"
                what = f'nothing uses "{{{each}}}" in the graph {name!r}'
                self.faults.append(Fault((*here, "with", each), what, near, True))

    def _filled(self, graph: Mapping[str, Any], at: Path, given: Mapping[str, _Value], scope: _Scope) -> _Part:
        """The graph with its values, in its place."""
        own = {name: _Value(value, (*at, "let", name)) for name, value in graph.get("let", {}).items()}
        places: dict[Path, Path] = {}
        part = self.part(_put(graph, {**own, **given}, (), places), at, scope, places)
        for path, origin in places.items():
            if path[0] in ("nodes", "edges"):
                key, *rest = path[1:]
                part.values.setdefault(("graph", str(path[0]), f"{scope.prefix}{key}", *rest), origin)
        return part

    def _is_whole(self, graph: Mapping[str, Any], at: Path) -> bool:
        """Whether the names that are not looked up later are those of nodes."""
        nodes = graph["nodes"]
        wrong = [
            Fault(path, f"there is no node {name!r}", one_of(name, nodes))
            for name, path in [(graph["start"], (*at, "start")), *listed(graph.get("answer"), (*at, "answer"))]
            if name not in nodes
        ]
        lost = [name for name in graph.get("edges", {}) if name not in nodes]
        edges = [Fault((*at, "edges", n), f"there is no node {n!r}", one_of(n, nodes), True) for n in lost]
        self.faults += [fault for fault in (*wrong, *edges) if fault not in self.faults]
        return not wrong

    def idle(self) -> Iterator[Fault]:
        """Graphs of the scenario's own that nothing uses."""
        for name in self.graphs:
            if name not in self.used and not is_file(name):
                yield Fault(("graphs", name), f"no node uses the graph {name!r}", "leave it out", True)


def _there(name: str, path: Path) -> Fault:
    return Fault(path, f"there is a node {name!r} already", "take another name", True)


def _misshapen(graphs: Any) -> list[Fault]:
    """What is wrong with the shape of the graphs."""
    if graphs is None:
        return []
    _, faults = _type(dict[str, Used]).read(graphs, {})
    return [fault._replace(path=("graphs", *fault.path)) for fault in faults]


def _is_graph(tree: Any) -> bool:
    """Whether it has the shape of a graph, as far as it matters here."""
    is_map = isinstance(tree, dict) and isinstance(tree.get("nodes"), dict)
    return is_map and all(isinstance(tree.get(key, {}), dict) for key in ("edges", "let"))


def _variables(tree: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Where the tree stands a variable in for a value."""
    if isinstance(tree, str) and (found := VARIABLE.fullmatch(tree)):
        yield path, found[1]
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield from _variables(value, (*path, key))


def _put(tree: Any, values: Mapping[str, _Value], path: Path, places: dict[Path, Path]) -> Any:
    """The tree with these values in place of their names; `places` learns where each comes from."""
    if isinstance(tree, dict):
        return {key: _put(value, values, (*path, key), places) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_put(value, values, (*path, i), places) for i, value in enumerate(tree)]
    found = VARIABLE.fullmatch(tree) if isinstance(tree, str) else None
    if found is None or found[1] not in values:
        return tree
    places[path] = values[found[1]].at
    return values[found[1]].value


_type = cache(Type)


@cache
def _types(key: str) -> Any:
    """The type of what stands behind a name in `nodes` or `edges`."""
    kind = _type(GraphSpec)
    return kind, kind.below(kind.below(kind.root, key) or {}, "x")
