"""What is wrong with a graph's branches, picks, judges and cuts, whose names are all known."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from relay.language.conditions import Every, Not, Some
from relay.language.rulings import Label, Score, never_said
from relay.language.scenario import GraphSpec
from relay.language.subjects import Condition
from relay.language.telling import Fault, Path
from relay.language.verbs import Node

if TYPE_CHECKING:
    import networkx as nx


def faults(spec: GraphSpec, edged: "nx.DiGraph[str]") -> Iterator[Fault]:
    """Branches that lead to no pick, picks and joins without a branch, rulings without a judge, idle cuts."""
    yield from _branches(spec)
    yield from _joins(spec, edged)
    for name, exits in spec.edges.items():
        for i, edge in enumerate(exits):
            if edge.when is not None:
                yield from _rulings(spec, edge.when, ("graph", "edges", name, i, "when"))
            if edge.drop is not None and spec.nodes[edge.drop].leaves():
                what = f"nothing is written at {edge.drop!r} itself"
                yield Fault(("graph", "edges", name, i, "drop"), what, _within(spec, edge.drop))
    for name, node in spec.nodes.items():
        best = getattr(getattr(node, "pick", None), "best", None)
        if best is not None and not _judges(spec.nodes[best]):
            there = [each for each, judge in spec.nodes.items() if _judges(judge)]
            yield Fault(("graph", "nodes", name, "pick", "best"), f"{best!r} judges nothing", _name_of(there))
        ahead = getattr(node, "ahead", None)
        if ahead is not None:
            yield from _ahead(spec, name, ahead)


def _branches(spec: GraphSpec) -> Iterator[Fault]:
    branches = {name for name, node in spec.nodes.items() if node.starts() is not None}
    for name, exits in spec.edges.items():
        for i, edge in enumerate(exits):
            picks = edge.to in spec.nodes and spec.nodes[edge.to].picks()
            at = ("graph", "edges", name, i, "to") if len(exits) > 1 or edge.when else ("graph", "edges", name)
            if name in branches and not picks:
                yield Fault(at, f"{name!r} branches, and {edge.to!r} does not pick", "lead to a node with `pick:`")
            if name not in branches and picks:
                yield Fault(at, f"{edge.to!r} picks, and {name!r} does not branch", "lead to it from a `branch:`")
            if edge.drop is not None and name in branches:
                yield Fault((*at[:3], i, "drop"), "a branch drops nothing", "let the pick's edge drop it")


def _joins(spec: GraphSpec, edged: "nx.DiGraph[str]") -> Iterator[Fault]:
    """`join` where no pen of a branch comes by."""
    import networkx as nx

    alone = {spec.start} | nx.descendants(edged, spec.start)
    for name, exits in spec.edges.items():
        if name in alone and any(edge.to == "join" for edge in exits):
            yield Fault(("graph", "edges", name), f"there is no branch to join from {name!r}", "write 'end'", True)


def _rulings(spec: GraphSpec, when: Condition, at: Path) -> Iterator[Fault]:
    match when:
        case Every() | Some():
            key = "all" if isinstance(when, Every) else "any"
            for i, part in enumerate(getattr(when, key)):
                yield from _rulings(spec, part, (*at, key, i))
        case Not():
            yield from _rulings(spec, when.denied, (*at, "not"))
        case Score() | Label():
            key = "score" if isinstance(when, Score) else "label"
            node: Any = getattr(when, key)
            if not spec.nodes[node].rules():
                there = [name for name, each in spec.nodes.items() if each.rules()]
                yield Fault((*at, key), f"{node!r} judges nothing", _name_of(there))
            elif isinstance(when, Label):
                yield from never_said(when, spec.nodes[when.label].may_say(), (*at, "equals"))


def _within(spec: GraphSpec, used: str) -> str:
    there = [name for name, node in spec.nodes.items() if name.startswith(f"{used}.") and node.ends_turns()]
    return f"name a node in it: {', '.join(there)}" if there else "name a node that writes"


def _judges(node: Node) -> bool:
    """Whether it says what a text is worth; what a watcher says is only what tripped it."""
    return node.rules() and node.watches() is None


def _name_of(there: list[str]) -> str:
    return f"name one that does: {', '.join(there)}" if there else "add a node with `judge:`"


def _ahead(spec: GraphSpec, name: str, ahead: str) -> Iterator[Fault]:
    at = ("graph", "nodes", name, "ahead")
    if not spec.nodes[ahead].ends_turns():
        yield Fault(at, f"no model writes at {ahead!r}", "name a node that writes")
    elif ahead not in {edge.to for edge in spec.edges.get(name, ()) if edge.drop is None}:
        yield Fault(at, f"no edge leads from {name!r} to {ahead!r} and drops nothing", "name a node that one leads to")
