"""Watchers: which nodes are read while they write, by whom, and what is wrong with that; all names are known."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from relay.language.amounts import Paragraphs, Sentences, Share, Tokens
from relay.language.conditions import parts
from relay.language.rulings import Label, Score, never_said
from relay.language.subjects import Condition, Test, Trips
from relay.language.telling import Fault, Path

if TYPE_CHECKING:
    from relay.language.scenario import GraphSpec


class Watches(NamedTuple):
    """What a node that watches says of it."""

    nodes: Sequence[str]  # those whose visits it reads
    every: Sentences | Tokens | Paragraphs
    trip: Sequence[Condition]  # any of these
    hold: bool
    back: Share | Tokens | Sentences | Paragraphs | None


class Trip(NamedTuple):
    """A condition that trips, compiled."""

    words: str
    holds: Test
    asks: tuple[str, ...]  # judges whose word it needs


class Watcher(NamedTuple):
    """A watcher, ready for the loop."""

    name: str
    unit: str  # "sentences", "paragraphs" or "tokens"
    every: int
    trips: tuple[Trip, ...]
    hold: bool  # nothing is settled that it has not passed
    back: tuple[str, float] | None  # unit and amount; None: to the last place that it passed

    @property
    def asks(self) -> tuple[str, ...]:
        """The judges that it asks at each place, each once."""
        return tuple(dict.fromkeys(name for trip in self.trips for name in trip.asks))


def watched(spec: "GraphSpec", without: frozenset[str] = frozenset()) -> Mapping[str, tuple[Watcher, ...]]:
    """The watchers of each node that is watched, in the order of the graph; those passed over do not watch."""
    found: dict[str, tuple[Watcher, ...]] = {}
    for name, node in spec.nodes.items():
        watches = node.watches()
        if watches is not None and name not in without:
            watcher = _compiled(name, watches)
            for watched in dict.fromkeys(watches.nodes):
                found[watched] = (*found.get(watched, ()), watcher)
    return found


def _compiled(name: str, watches: Watches) -> Watcher:
    trips = tuple(Trip(str(trip), trip.test(), tuple(judges_in(trip))) for trip in watches.trip)
    back = None if watches.back is None else amount(watches.back)
    unit, every = amount(watches.every)
    return Watcher(name, unit, int(every), trips, watches.hold, back)


def amount(said: Share | Tokens | Sentences | Paragraphs) -> tuple[str, float]:
    """An amount as its unit and number."""
    match said:
        case Share(share=share):
            return "share", share
        case Tokens(tokens=tokens):
            return "tokens", tokens
        case Sentences(sentences=sentences):
            return "sentences", sentences
        case Paragraphs(paragraphs=paragraphs):
            return "paragraphs", paragraphs


def judges_in(condition: Condition) -> Iterator[str]:
    """The nodes whose word a condition goes by."""
    for part in parts(condition):
        if isinstance(part, Label):
            yield part.label
        elif isinstance(part, Score):
            yield part.score


def edges_of(spec: "GraphSpec") -> Iterator[tuple[str, str]]:
    """Ways that no edge tells of: from a watched node to its watcher."""
    for name, node in spec.nodes.items():
        if (watches := node.watches()) is not None:
            yield from ((watched, name) for watched in watches.nodes)


def asked(spec: "GraphSpec") -> Mapping[str, str]:
    """The judges that watchers ask, each with who asks: they stand beside the graph, and no edge leads to them."""
    found: dict[str, str] = {}
    for name, node in spec.nodes.items():
        if (watches := node.watches()) is not None:
            for trip in watches.trip:
                found |= {judge: name for judge in judges_in(trip) if judge not in found}
    return found


def faults(spec: "GraphSpec") -> Iterator[Fault]:
    """What is wrong with watchers, those they watch, and those they ask."""
    watchers = [name for name, node in spec.nodes.items() if node.watches() is not None]
    for name in watchers:
        yield from _watched(spec, name)
        yield from _asked(spec, name)
    yield from _no_way(spec, frozenset(watchers), "watches: a pen comes there by a trip alone")
    yield from _no_way(spec, frozenset(asked(spec)), "is asked by a watcher, and no pen comes there")
    for name, exits in spec.edges.items():
        for i, edge in enumerate(exits):
            for part in parts(edge.when) if edge.when is not None else ():
                if isinstance(part, Trips) and part.trips not in watchers:
                    instead = f"name one that does: {', '.join(watchers)}" if watchers else "add a node with `watch:`"
                    yield Fault(("graph", "edges", name, i, "when"), f"{part.trips!r} watches nothing", instead)


def _watched(spec: "GraphSpec", name: str) -> Iterator[Fault]:
    watches = spec.nodes[name].watches()
    assert watches is not None  # it is one of the watchers
    begun = {ahead: judge for judge, node in spec.nodes.items() if (ahead := getattr(node, "ahead", None)) is not None}
    for i, node in enumerate(watches.nodes):
        at: Path = ("graph", "nodes", name, "watch", i)
        if not spec.nodes[node].ends_turns():
            yield Fault(at, f"no model writes at {node!r}", "name a node that writes")
        elif node in begun:
            what = f"{node!r} begins ahead of {begun[node]!r}, and cannot be watched"
            yield Fault(at, what, f"leave out the 'ahead' of {begun[node]!r}")


def _asked(spec: "GraphSpec", name: str) -> Iterator[Fault]:
    watches = spec.nodes[name].watches()
    assert watches is not None  # it is one of the watchers
    by = asked(spec)
    for i, trip in enumerate(watches.trip):
        at: Path = ("graph", "nodes", name, "trip", i)
        for part in parts(trip):
            if isinstance(part, Label):
                yield from never_said(part, spec.nodes[part.label].may_say(), at)
        for judge in judges_in(trip):
            node = spec.nodes[judge]
            if not node.rules() or node.watches() is not None:
                there = [each for each, n in spec.nodes.items() if n.rules() and n.watches() is None]
                instead = f"name one that does: {', '.join(there)}" if there else "add a node with `judge:`"
                yield Fault(at, f"{judge!r} judges nothing", instead)
            elif getattr(node, "place", None) is not None:
                what = f"{judge!r} puts its word into the thought, and is asked while that is written"
                yield Fault(at, what, f"leave out the 'place' of {judge!r}")
            elif by[judge] != name:
                yield Fault(at, f"{judge!r} is asked by {by[judge]!r} too", "let each watcher ask a judge of its own")


def _no_way(spec: "GraphSpec", beside: frozenset[str], why: str) -> Iterator[Fault]:
    """Edges that lead to nodes where a pen comes in another way, or not at all."""
    if spec.start in beside:
        yield Fault(("graph", "start"), f"{spec.start!r} {why}", "start elsewhere")
    for name, exits in spec.edges.items():
        for i, edge in enumerate(exits):
            if edge.to in beside:
                at: Path = (
                    ("graph", "edges", name, i, "to") if edge.when or len(exits) > 1 else ("graph", "edges", name)
                )
                yield Fault(at, f"{edge.to!r} {why}", "lead elsewhere")
