"""`compare:`: what a scenario has to beat, as further cells of its run: the same problems, samples and seed.

| said | cell |
| --- | --- |
| `solo MODEL` | the model alone, from the problem on |
| `self-consistency 4 of MODEL` | four of its solos, and what most of them say |
| `best of 4 of MODEL` | four of its solos, and one that is right where there is one: an upper bound |
| `without NODE` | the scenario itself, with this node passed over; `without each author`: a cell for each |
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from relay.language import graph
from relay.language.cells import Cell
from relay.language.scenario import EACH_AUTHOR, GraphSpec, Scenario
from relay.language.shapes import Scene, dumped
from relay.language.sweeps import Point
from relay.language.telling import Fault, Type
from relay.language.verifying import NONE

WITHOUT = "without "


def with_baselines(cells: Sequence[Cell], scene: Scene) -> tuple[list[Cell], list[Fault]]:
    """The cells of a sweep, those that `compare:` adds behind them, good or not, and what is wrong with it."""
    scenario = cells[0].scenario
    found = {_key(cell.scenario, cell.without): cell for cell in cells}
    for said in entries(scenario):
        fellows: dict[str, list[Cell]] = {}
        for cell in cells:
            without = _without(said, cell)
            good = said in scenario.compare or _can_answer(cell.scenario.graph, without)
            if (good and without != cell.without) or not said.startswith(WITHOUT):
                fellows.setdefault(_key(_of(said, cell.scenario, scene), without), []).append(cell)
        for key, group in fellows.items():
            base = found.get(key) or _made(said, group, cells, scene)
            found[key] = base._replace(beside=(*base.beside, *(cell.name for cell in group)))
    return list(found.values()), list(_faults(cells))


def entries(scenario: Scenario) -> list[str]:
    """What `compare:` says, one by one; each author of `without each author` by itself."""
    said = []
    for each in scenario.compare:
        said += [f"{WITHOUT}{name}" for name in _authors(scenario.graph)] if each == EACH_AUTHOR else [each]
    return list(dict.fromkeys(said))


def _authors(spec: GraphSpec) -> Iterator[str]:
    """The nodes that add to the thought, without which somebody can still answer."""
    for name, node in spec.nodes.items():
        adds = not (node.rules() or node.watches() is not None or any(graph.kept_out(spec, frozenset({name}))))
        if adds and _can_answer(spec, frozenset({name})):
            yield name


def _can_answer(spec: GraphSpec, without: frozenset[str]) -> bool:
    return bool(set(spec.answer) - without)


def _faults(cells: Sequence[Cell]) -> Iterator[Fault]:
    """Baselines that these cells cannot have."""
    scenario = cells[0].scenario
    spec = scenario.graph
    for i, said in enumerate(scenario.compare):
        at = ("compare", i)
        if said in scenario.compare[:i]:
            yield Fault(at, f"{said!r} stands here twice", "leave one out")
        if said.startswith(("self-", "best ")) and scenario.verify.name == NONE:
            yield Fault(at, "with 'verify: none' no answer is picked", "name a verifier in 'verify'")
        if said == EACH_AUTHOR and not any(_authors(spec)):
            yield Fault(at, "no author can be left out: nobody could answer", "leave this out")
        elif said.startswith(WITHOUT) and said != EACH_AUTHOR:
            yield from (Fault(at, *told) for told in dict.fromkeys(_left(said, cells)))


def _left(said: str, cells: Sequence[Cell]) -> Iterator[tuple[str, str]]:
    """Why a node cannot be left out, and what to do instead."""
    for cell in cells:
        spec, without = cell.scenario.graph, _without(said, cell)
        yield from graph.kept_out(spec, without)
        if not _can_answer(spec, without):
            yield f"without {' and '.join(map(repr, sorted(without)))} nobody can answer", "name another node"


def _without(said: str, cell: Cell) -> frozenset[str]:
    """What the baseline of a cell passes over: solos are walked in graphs of their own."""
    return cell.without | {said.removeprefix(WITHOUT)} if said.startswith(WITHOUT) else frozenset()


def _of(said: str, scenario: Scenario, scene: Scene) -> Scenario:
    """The baseline of a cell: everything but the graph is its own."""
    if said.startswith(WITHOUT):
        return scenario
    return scenario.model_copy(update={"graph": _graph(said, frozenset(scene.get("model", ())))})


def _key(scenario: Scenario, without: frozenset[str]) -> str:
    """What two cells differ in, if they do."""
    spec: Any = dumped(scenario.graph)
    nodes = {name: node for name, node in spec["nodes"].items() if name not in without}
    limits = [dumped(scenario.budget), dumped(scenario.sampling)]
    return json.dumps([limits, {**spec, "nodes": nodes}, sorted(without)], sort_keys=True)


def _made(said: str, group: Sequence[Cell], cells: Sequence[Cell], scene: Scene) -> Cell:
    """The cell of a baseline; where it differs between cells it is named by what these share."""
    first = group[0]
    without = _without(said, first)
    alike = {k: v for k, v in first.values.items() if all(c.values.get(k) == v for c in group)}
    values = alike if len(group) < len(cells) else {}
    scenario = _of(said, first.scenario, scene)
    if said.startswith(WITHOUT):
        return Cell(Point(values, without).name, first.values, without, scenario, said)
    name = f"{said} {Point(values).name}" if values else said
    return Cell(name, {}, frozenset(), scenario, said)


@cache
def _graph(said: str, models: frozenset[str]) -> GraphSpec:
    """The graph of a baseline that is not made of the scenario's own."""
    tree = tree_of(said)
    spec, faults = Type(GraphSpec).read(tree, Scene(node=frozenset(tree["nodes"]), model=models))
    assert spec is not None, faults  # a model of the scenario, in a graph that is good
    assert not list(graph.faults(spec))
    return spec


def tree_of(said: str) -> Mapping[str, Any]:
    """The graph of `solo MODEL`, `self-consistency K of MODEL` or `best of K of MODEL`, as a scenario would say it."""
    *how, model = said.split(" ")
    think = {"write": model}
    if how == ["solo"]:
        return {"start": "solo", "answer": "solo", "nodes": {"solo": think}, "edges": {"solo": "end"}}
    votes, times = how[0] == "self-consistency", int(how[-2])
    nodes = {
        "fork": {"branch": "solo", "times": times}, "solo": think, "choose": {"pick": "vote" if votes else "verifier"},
    }  # fmt: skip
    edges = {"fork": "choose", "solo": "join", "choose": "end"}
    return {"start": "fork", "answer": "solo", "nodes": nodes, "edges": edges}
