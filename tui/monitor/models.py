"""Each model's speed, queue, cache hits and failed tries."""

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
    running = seen.state == "running"
    there = {model: work for model, work in seen.work.items() if model and work.segments}
    there |= {model: Work() for model in seen.queue if running and model not in there}
    for model, work in sorted(there.items(), key=lambda item: -item[1].decoded):
        line = Text(f"{one_line(model, 12):<12}", no_wrap=True)
        yield line.append(f"{work.decoded:>11,} tok")
        now = [f"{rates[model]:,.0f} tok/s"] if running and model in rates else []
        now += [f"queue {seen.queue[model][0]:,}"] if running and model in seen.queue else []
        ever = [f"cache {cache}"] if (cache := _cache(work)) is not None else []
        ever += [f"{work.thrown:,} thrown"] if work.thrown else []
        for beside in (now, ever):
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
