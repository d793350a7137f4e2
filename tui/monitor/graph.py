"""The graph beside the thought: where each pen stands, and how often each edge was taken; and the tree of pens."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text
from textual.widgets import Static

from relay.tui.colours import Authors
from relay.tui.monitor.story import Live, edges_taken, pens, standing
from relay.tui.safe import one_line
from relay.walk import Hop


class Graph(Static):
    """Nodes with their edges; the node where a pen stands is lit."""

    def show(
        self, scenario: Mapping[str, Any], hops: Sequence[Hop], live: Mapping[str, Live], authors: Authors
    ) -> None:
        """Show the graph as it stands."""
        self.update(Text("\n").join(graph_lines(scenario, hops, live, authors)))


def graph_lines(
    scenario: Mapping[str, Any], hops: Sequence[Hop], live: Mapping[str, Live], authors: Authors
) -> Iterator[Text]:
    """A line a node, and below it one for each edge."""
    graph = scenario.get("graph") or {}
    taken = edges_taken(hops)
    at = standing(hops, live, str(graph.get("start", "")))
    for node in graph.get("nodes") or {}:
        here = sum(place == node for place in at.values())
        line = Text("● " if here else "○ ", "bold" if here else "")
        line.append(one_line(node, 18), f"{authors.colour(node)}{' bold reverse' if here else ''}")
        line.append(f" ×{here}" if here > 1 else "")
        yield line
        there = dict.fromkeys([*targets(graph, node), *(to for was, to in taken if was == node)])
        for to in there:
            n = taken[node, to]
            yield Text(f"  → {one_line(to, 10):<10} {n or '·':>4}", "" if n else "dim")
    ends = [place for place in at.values() if place not in (graph.get("nodes") or {})]
    for end in dict.fromkeys(ends):
        yield Text(f"■ {end}" + (f" ×{ends.count(end)}" if ends.count(end) > 1 else ""), "bold")


def targets(graph: Mapping[str, Any], node: str) -> list[str]:
    """Where a node's edges lead, as the scenario says them."""
    edges = (graph.get("edges") or {}).get(node)
    if edges is None:
        return []
    listed = edges if isinstance(edges, list) else [edges]
    return [str(edge["to"]) if isinstance(edge, dict) else str(edge) for edge in listed]


class Pens(Static):
    """The tree of pens, where there are several."""

    def show(self, hops: Sequence[Hop], live: Mapping[str, Live], chosen: str, start: str) -> None:
        """Show them, the chosen one marked."""
        found = pens(hops)
        at = standing(hops, live, start)
        self.display = len(found) > 1
        rests = {hop.pen: str(hop.rest) for hop in hops if hop.rest is not None}
        lines = [Text("pens  [ and ] choose", "dim")]
        for pen in found:
            mark = "▶" if pen == chosen else " "
            deep = "  " * pen.count(".")
            line = Text(f"{mark}{deep}{pen} {one_line(rests.get(pen, at.get(pen, '')), 12)}")
            line.stylize("bold" if pen == chosen else "")
            lines.append(line)
        self.update(Text("\n").join(lines))
