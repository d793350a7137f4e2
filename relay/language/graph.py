"""The graph of a scenario: plain dicts and compiled conditions for the loop, and the checks before it runs."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from relay.errors import UserError
from relay.language import branching, watching
from relay.language.conditions import parts
from relay.language.rulings import Entropy
from relay.language.scenario import ENDS, Edge, GraphSpec, Node, Scenario
from relay.language.subjects import Test
from relay.language.telling import Fault

if TYPE_CHECKING:
    import networkx as nx

    from relay.language.yaml_places import Places


class Exit(NamedTuple):
    """A way out of a node."""

    when: Test | None  # None: always
    to: str
    number: int  # among the node's edges
    drops: str = ""  # the trajectory is cut before this node's last segment


class Graph(NamedTuple):
    """A graph that can be walked."""

    start: str
    answer: frozenset[str]
    nodes: dict[str, Node]
    edges: dict[str, tuple[Exit, ...]]
    passed: frozenset[str]  # nodes that are passed over: visited, without a segment
    unsure: frozenset[str] = frozenset()  # nodes of whose segments an edge asks the entropy
    ahead: Mapping[str, str] = MappingProxyType({})  # the node whose next visit begins while this one is asked
    races: frozenset[str] = frozenset()  # nodes that go on from the first pen of a branch to rest
    watched: Mapping[str, tuple[watching.Watcher, ...]] = MappingProxyType({})  # who reads what is written there


def build(scenario: Scenario, without: frozenset[str] = frozenset()) -> Graph:
    """The graph with its conditions compiled."""
    spec = scenario.graph
    edges = {
        name: tuple(
            Exit(edge.when.test() if edge.when else None, edge.to, i, edge.drop or "") for i, edge in enumerate(exits)
        )
        for name, exits in spec.edges.items()
    }
    unsure = frozenset(name for name, exits in spec.edges.items() if any(_asks_entropy(edge) for edge in exits))
    judges = {name: ahead for name, node in spec.nodes.items() if (ahead := getattr(node, "ahead", None)) is not None}
    ahead = {name: node for name, node in judges.items() if not {name, node} & without}
    races = frozenset(name for name, node in spec.nodes.items() if node.races()) - without
    watched = watching.watched(spec, without)
    answers = frozenset(spec.answer)
    return Graph(spec.start, answers, dict(spec.nodes), edges, without, unsure, ahead, races, watched)


def _asks_entropy(edge: Edge) -> bool:
    return edge.when is not None and any(isinstance(part, Entropy) for part in parts(edge.when))


def check(scenario: Scenario, places: "Places | None" = None, without: frozenset[str] = frozenset()) -> None:
    """Refuse a graph that cannot be walked to an end. Raises UserError with all that is wrong."""
    from relay.language.reading import placed

    if found := list(faults(scenario.graph, without)):
        raise UserError.of(placed(found, places or {}, ""))


def faults(spec: GraphSpec, without: frozenset[str] = frozenset()) -> Iterator[Fault]:
    """What is wrong with a graph whose names are all known."""
    import networkx as nx

    edged: nx.DiGraph[str] = nx.DiGraph()
    edged.add_nodes_from(spec.nodes)
    for name, exits in spec.edges.items():
        edged.add_edges_from((name, edge.to) for edge in exits)
    edged.add_edges_from(watching.edges_of(spec))
    yield from branching.faults(spec, edged)
    yield from watching.faults(spec)
    edged.add_edges_from((name, begins) for name, node in spec.nodes.items() if (begins := node.starts()) is not None)
    reached = {spec.start} | nx.descendants(edged, spec.start)
    yield from _ways(spec, edged, reached)
    yield from _answers(spec, reached, without)


def _ways(spec: GraphSpec, edged: "nx.DiGraph[str]", reached: set[str]) -> Iterator[Fault]:
    import networkx as nx

    ends = [end for end in ENDS if end in edged]
    ending = set(ends).union(*(nx.ancestors(edged, end) for end in ends))
    beside = watching.asked(spec)
    loose = {name for name in spec.nodes if name not in spec.edges and name not in beside}
    for name in spec.nodes:
        at = ("graph", "nodes", name)
        if name in beside and name not in spec.edges:
            continue
        if name not in spec.edges:
            yield Fault(at, f"no edges lead on from {name!r}", _leading_on(spec, name), True)
        elif name not in reached and not loose & reached:  # whose edges may be the way
            yield Fault(at, f"no way leads from the start to {name!r}", "add an edge to it, or leave it out", True)
        elif name not in ending and not loose:
            yield Fault(at, f"no way leads from {name!r} to an end", "add an edge 'to: end'", True)


def _leading_on(spec: GraphSpec, name: str) -> str:
    """What to write where no edges lead on: in a graph in use its nodes have names of their own."""
    around = max(
        (n for n, node in spec.nodes.items() if node.leaves() and name.startswith(f"{n}.")), key=len, default=""
    )
    own = name.removeprefix(f"{around}.")
    return f"write 'edges: {{{own}: end}}'" + (" in that graph" if around else "")


def _answers(spec: GraphSpec, reached: set[str], without: frozenset[str]) -> Iterator[Fault]:
    for i, name in enumerate(spec.answer):
        at = ("graph", "answer", i)
        if not spec.nodes[name].ends_turns():
            yield Fault(at, f"{name!r} cannot answer: no model writes there", "name a node that writes")
    for name, node in spec.nodes.items():
        until = tuple(getattr(node, "until", None) or ())
        if name not in spec.answer and "answered" in until:
            path = ("graph", "nodes", name, "until", until.index("answered"))
            yield Fault(path, f"{name!r} may not answer, so it is never answered", f"add {name!r} to 'answer:'")
        if name in spec.answer and "closing" in until:
            path = ("graph", "nodes", name, "until", until.index("closing"))
            yield Fault(path, f"{name!r} may answer, so its closing is no end", f"take {name!r} out of 'answer:'")
    for what, instead in kept_out(spec, without):
        yield Fault(("sweep", "also"), what, instead, True)
    if not set(spec.answer) - without:
        yield Fault(("sweep", "also"), "passes over every node that may answer", "leave another one in", True)


def kept_out(spec: GraphSpec, without: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Which of these nodes cannot be passed over, and what to do instead."""
    asked = watching.asked(spec)
    for name in sorted(without):
        node = spec.nodes[name]
        if node.leaves():
            yield f"{name!r} uses a graph, which cannot be passed over", "name the nodes in it"
        elif node.picks() or node.starts() is not None:
            yield f"{name!r} {'picks' if node.picks() else 'branches'}", "name a node that writes or judges"
        elif name in asked and asked[name] not in without:
            yield f"{name!r} is asked by {asked[name]!r}, which watches", f"pass over {asked[name]!r}"


def most_tokens(spec: GraphSpec) -> int | None:
    """At most so many tokens along any way through the graph; None: only the budget limits them."""
    import networkx as nx

    limits = {name: node.most_tokens() for name, node in spec.nodes.items()}
    edged: nx.DiGraph[str] = nx.DiGraph()
    for name, exits in spec.edges.items():
        edged.add_edges_from((name, edge.to, {"tokens": limits[name]}) for edge in exits)
    edged.add_edges_from((name, watcher, {"tokens": limits[name]}) for name, watcher in watching.edges_of(spec))
    if None in limits.values() or not nx.is_directed_acyclic_graph(edged):
        return None
    return int(nx.dag_longest_path_length(edged, "tokens"))
