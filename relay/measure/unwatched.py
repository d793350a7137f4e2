"""Which cells of a run a supervisor watches, and which is the same one that nobody watches."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from relay.language.sweeps import uses
from relay.store.reader import Run


class Seen(NamedTuple):
    """One cell."""

    watched: bool
    alone: int | None  # of a watched one: the number of the cell that differs in nothing but that nobody watches


def watchers(scenario: Mapping[str, Any]) -> frozenset[str]:
    """The nodes that watch."""
    return frozenset(name for name, node in _nodes(scenario).items() if isinstance(node, dict) and "watch" in node)


def seen(run: Run) -> list[Seen]:
    """Every cell, in the run's order; a baseline of another graph is neither watched nor alone."""
    scenario = run.meta["scenario"]
    watching, matters = watchers(scenario), _settled(scenario)
    settings = [json.loads(text) for (text,) in run.query("SELECT settings FROM cell ORDER BY id")]
    own = [values.get("baseline", "without ").startswith("without ") for values in settings]
    on = [mine and bool(watching - set(values.get("without", ()))) for mine, values in zip(own, settings, strict=True)]

    def rest(i: int) -> tuple[object, ...]:
        without = frozenset(settings[i].get("without", ())) - watching
        return without, *(json.dumps(settings[i].get(name)) for name in matters)

    alone = {rest(i): i for i in reversed(range(len(settings))) if own[i] and not on[i]}
    return [Seen(watches, alone.get(rest(i)) if watches else None) for i, watches in enumerate(on)]


def _nodes(scenario: Mapping[str, Any]) -> Mapping[str, Any]:
    return (scenario.get("graph") or {}).get("nodes") or {}


def _settled(scenario: Mapping[str, Any]) -> list[str]:
    """The variables that mean something where nobody watches: not those of the watchers and what they alone lead to."""
    graph, watching = scenario.get("graph") or {}, watchers(scenario)
    nodes, edges = _nodes(scenario), graph.get("edges") or {}
    reached, more = set[str](), [str(graph.get("start"))]
    while more:
        node = more.pop()
        if node in nodes and node not in watching and node not in reached:
            reached.add(node)
            more += [*_words(nodes[node]), *_words(edges.get(node))]
    apart = set(nodes) - reached
    found = {
        name for path, name in uses(dict(scenario))
        if not (path[:2] in {("graph", "nodes"), ("graph", "edges")} and path[2] in apart)
    }  # fmt: skip
    return sorted(found)


def _words(tree: Any) -> Iterator[str]:
    """Every text in a tree: some name nodes."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict | list):
        for each in tree.values() if isinstance(tree, dict) else tree:
            yield from _words(each)
