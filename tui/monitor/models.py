"""Each model's speed, cache hits and failed tries."""

from collections.abc import Iterator, Mapping

from rich.text import Text
from textual.widgets import Static

from relay.store.following import Seen, Work
from relay.tui.safe import one_line, visible


class Models(Static):
    """A line or two a model."""

    def show(self, seen: Seen, rates: Mapping[str, float]) -> None:
        """Show these counts; `rates` are tokens a second by model."""
        self.update(Text("\n").join(lines(seen, rates)))


def lines(seen: Seen, rates: Mapping[str, float]) -> Iterator[Text]:
    """The words."""
    for model, work in sorted(seen.work.items(), key=lambda item: -item[1].decoded):
        if not model or not work.segments:
            continue
        line = Text(f"{one_line(model, 12):<12}", no_wrap=True)
        yield line.append(f"{work.decoded:>11,} tok")
        beside = [f"{rates[model]:,.0f} tok/s"] if seen.state == "running" and model in rates else []
        beside += [f"cache {cache}"] if (cache := _cache(work)) is not None else []
        beside += [f"{work.thrown:,} thrown"] if work.thrown else []
        if beside:
            yield Text(f"  {' · '.join(beside)}", style="dim", no_wrap=True)
    yield from _errors(seen)


def _cache(work: Work) -> str | None:
    read = work.computed + work.cached
    return f"{100 * work.cached / read:.0f} %" if read else None


def _errors(seen: Seen) -> Iterator[Text]:
    failed = sum(n for end, n in seen.ends.items() if end.stop == "failed")
    if failed:
        yield Text(f"✗ {failed:,} rollouts failed", style="bold")
    missing = sum(n for end, n in seen.ends.items() if end.stop == "missing")
    if missing:
        yield Text(f"· {missing:,} left out: no such unit", style="dim")
    for model, kinds in seen.failures.items():
        told = ", ".join(f"{kind}: {n:,}" for kind, n in kinds.items() if n)
        if told:
            yield Text(visible(f"✗ {one_line(model, 12)} {told}"))


def model_of(node: str, scenario: Mapping[str, object]) -> str:
    """The model that writes at a node, as far as the scenario says; else the node itself."""
    graph = scenario.get("graph")
    nodes = graph.get("nodes", {}) if isinstance(graph, dict) else {}
    spec = nodes.get(node) or {}
    for verb in ("write", "judge"):
        if isinstance(spec.get(verb), str):
            return str(spec[verb])
    return node
