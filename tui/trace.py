"""A rollout as a readable trace: each author's text under its colour and mark, the facts of each hop beside it."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from relay.problems import Problem
from relay.store.reader import Listed
from relay.tui.colours import BAD, GOOD, Authors
from relay.tui.safe import visible
from relay.walk import Hop


def trace(listed: Listed, problem: Problem, hops: Sequence[Hop]) -> RenderableType:
    """The whole rollout: problem, every pen's segments, verdict."""
    authors = Authors(hop.node for hop in hops if hop.segment is not None)
    pens = sorted({hop.pen for hop in hops}, key=_path)
    parts: list[RenderableType] = [_head(listed, problem)]
    for pen in pens:
        if len(pens) > 1:
            parts.append(Text(f"\npen {pen}", style="bold"))
        parts.append(_pen([h for h in hops if h.pen == pen], authors))
    parts.append(_foot(listed))
    return Group(*parts)


def _path(pen: str) -> list[int]:
    return [int(part) for part in pen.split(".")]


def _head(listed: Listed, problem: Problem) -> Text:
    head = Text(
        f"rollout {listed.id}  {visible(listed.problem)}  {visible(listed.cell)}  sample {listed.sample}\n",
        style="bold",
    )
    head.append(visible(problem.question).rstrip() + "\n", style="italic")
    head.append(f"reference answer: {visible(problem.answer)}\n", style="dim")
    return head


def _pen(hops: Sequence[Hop], authors: Authors) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(ratio=1, overflow="fold")
    table.add_column(width=30, style="dim", overflow="fold")
    for hop in hops:
        segment = hop.segment
        if segment is None:
            table.add_row("", Text(f"({hop.node} leaves no segment)", style="dim"), Text(_margin(hop)))
            continue
        colour = authors.colour(hop.node)
        text = visible(segment.text.strip("\n"))
        lines = text.count("\n") + 1
        table.add_row(
            Text("\n".join([authors.mark(hop.node)] * lines), style=colour),
            Text(text, style=colour),
            Text(_margin(hop)),
        )
    return table


def _margin(hop: Hop) -> str:
    """Node and model, tokens, seconds, cached share, and why the segment ended."""
    lines = [f"{hop.node} · visit {hop.visit}"]
    if (segment := hop.segment) is not None:
        lines[0] = f"{hop.node} · {segment.model}"
        lines.append(
            f"{segment.tokens} tok · {segment.stop}{f' {visible(segment.matched)!r}' if segment.matched else ''}"
        )
    usage = hop.usage
    if usage.computed or usage.cached:
        lines.append(f"{usage.seconds:.1f} s · cached {usage.cached} of {usage.computed + usage.cached}")
    if hop.source:
        lines.append(f"of {visible(hop.source)}")
    if hop.rest is not None:
        lines.append(f"→ {hop.rest}{f': {visible(hop.why)}' if hop.why else ''}")
    elif hop.branches:
        lines.append(f"→ {hop.branches} pens at {hop.starts}")
    return "\n".join(lines)


def _foot(listed: Listed) -> Text:
    marks = {
        "correct": (f"✓ {visible(listed.found)}", GOOD),
        "wrong": (f"✗ {visible(listed.found)}, not {visible(listed.answer)}", BAD),
    }
    said, style = marks.get(listed.outcome, (f"· {listed.outcome or listed.state}", "dim"))
    why = f"  ({visible(listed.why)})" if listed.why else ""
    return Text(f"\n{said}{why}", style=style)
