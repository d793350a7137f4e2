"""relay graph: who may write after whom, as text or as a Mermaid flowchart."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from relay.cli.options import Sets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.language.reading import Reading
    from relay.language.scenario import Edge, GraphSpec


def graph(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario file, or the name of a canned one.")],
    set_: Sets = [],  # noqa: B006  typer copies it
    format: Annotated[Literal["text", "mermaid"], typer.Option(help="Lines to read, or a Mermaid flowchart.")] = "text",
) -> None:
    """Draw a scenario's graph."""
    from relay.language.reading import parse_sets, read
    from relay.tui.safe import visible

    reading = read(scenario, parse_sets(set_))
    lines = text(reading) if format == "text" else mermaid(reading)
    print(visible("\n".join(lines)))


def text(reading: "Reading") -> Iterator[str]:
    """The graph in lines: its nodes, its edges in the order in which they are tried, and who may answer."""
    spec = reading.cells[0].scenario.graph
    width = max(map(len, spec.nodes))
    for name in spec.nodes:
        yield f"{name:<{width}}  {described(reading, name)}"
    yield ""
    yield f"start --> {spec.start}"
    for name, exits in spec.edges.items():
        if (begins := spec.nodes[name].starts()) is not None:
            yield f"{name} ..> {begins}"
        for watched, words in _watching(spec, name):
            yield f"{watched} ..({words})..> {name}"
        for edge in exits:
            label = _label(edge)
            yield f"{name} --({label})--> {edge.to}" if label else f"{name} --> {edge.to}"
    yield ""
    yield f"may answer: {', '.join(spec.answer)}"
    for cell in reading.cells:
        if cell.without:
            yield f"passed over in the cell {cell.name!r}: {', '.join(sorted(cell.without))}"


def described(reading: "Reading", node: str) -> str:
    """What a node does, in the scenario's own words."""
    from relay.language.yaml_words import flow

    return ", ".join(f"{key}: {flow(value)}" for key, value in reading.tree["graph"]["nodes"][node].items())


def mermaid(reading: "Reading") -> Iterator[str]:
    """The graph as a Mermaid flowchart."""
    spec = reading.cells[0].scenario.graph
    names = {name: f"n{i}" for i, name in enumerate(spec.nodes)}
    ends = dict.fromkeys(edge.to for exits in spec.edges.values() for edge in exits if edge.to not in names)
    yield "flowchart TD"
    yield f"  begin((start)) --> {names[spec.start]}"
    yield from _boxes(reading, names, "")
    for end in ends:
        yield f'  e_{end}(("{end}"))'
    for name, exits in spec.edges.items():
        if (begins := spec.nodes[name].starts()) is not None:
            yield f"  {names[name]} -.-> {names[begins]}"
        for watched, words in _watching(spec, name):
            yield f'  {names[watched]} -.->|"{_escaped(words)}"| {names[name]}'
        for edge in exits:
            label = f'|"{_escaped(said)}"|' if (said := _label(edge)) else ""
            yield f"  {names[name]} -->{label} {names.get(edge.to, f'e_{edge.to}')}"
    yield f"  class {','.join(names[name] for name in spec.answer)} answers"
    yield "  classDef answers stroke-width:3px"


def _boxes(reading: "Reading", names: "Mapping[str, str]", within: str) -> Iterator[str]:
    """The nodes of one graph, those of graphs in use with a frame around them."""
    used = {other.rpartition(".")[0] for other in names}
    for name in names:
        if name.rpartition(".")[0] != within:
            continue
        if name in used:
            yield f'  subgraph g_{names[name]} ["{_escaped(name)}"]'
            yield from _boxes(reading, names, name)
            yield "  end"
        yield f'  {names[name]}["{_escaped(name)}<br/>{_escaped(described(reading, name))}"]'


def _watching(spec: "GraphSpec", name: str) -> Iterator[tuple[str, str]]:
    """The nodes that a watcher reads, each with what trips it."""
    watches = spec.nodes[name].watches()
    if watches is not None:
        words = " or ".join(map(str, watches.trip))
        yield from ((watched, f"trips: {words}") for watched in watches.nodes)


def _label(edge: "Edge") -> str:
    """When an edge is taken, and what it cuts away."""
    parts = (str(edge.when) if edge.when else "", f"drop {edge.drop}" if edge.drop else "")
    return "; ".join(filter(None, parts))


def _escaped(label: str) -> str:
    """Whatever could mean something to Mermaid or HTML as its entity code."""
    return re.sub(r"[^\w .,:=()/'-]", lambda found: f"#{ord(found[0])};", label)
