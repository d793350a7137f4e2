"""A rollout as a readable trace: each author's text under its colour and mark, the facts of each hop beside it."""

from collections.abc import Mapping, Sequence

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.segment import Segment as Strip
from rich.table import Table
from rich.text import Text

from relay.became import JUDGE, KEPT, Fate, as_written, became
from relay.problems import Problem
from relay.store.reader import Listed, Opinion
from relay.tui.colours import BAD, GOOD, Authors
from relay.tui.safe import one_line, visible
from relay.walk import ANSWER, BY_HAND, HUMAN, TRIP, Hop


def trace(
    listed: Listed, problem: Problem, hops: Sequence[Hop], opinions: Sequence[Opinion] = (),
    beside: Mapping[int, str] = {},
) -> RenderableType:  # fmt: skip
    """The whole rollout: problem, every pen's segments, verdict, and what else verifiers said.

    `beside` has more to say in the margin of a hop, by its place.
    """
    authors = Authors(hop.node for hop in hops if hop.segment is not None)
    pens = sorted({hop.pen for hop in hops}, key=_path)
    parts: list[RenderableType] = [_head(listed, problem)]
    for pen in pens:
        if len(pens) > 1:
            parts.append(Text(f"\npen {pen}", style="bold"))
        parts.append(_pen(hops, pen, beside, authors))
    parts.append(_foot(listed))
    others = [o for o in opinions if o.verifier != listed.verifier or o.reply]
    if len(opinions) > 1 or others:
        parts += map(_opinion, opinions)
    return Group(*parts)


def _path(pen: str) -> list[int]:
    return [int(part) for part in pen.split(".")]


def _head(listed: Listed, problem: Problem) -> Text:
    which = f"{one_line(listed.problem, 60)}  {one_line(listed.cell, 100)}  sample {listed.sample}"
    head = Text(f"rollout {listed.id}  {which}\n", style="bold")
    head.append(visible(problem.question).rstrip() + "\n", style="italic")
    head.append(f"reference answer: {visible(problem.answer)}\n", style="dim")
    return head


def _pen(hops: Sequence[Hop], pen: str, beside: Mapping[int, str], authors: Authors) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(overflow="fold")
    table.add_column(width=30, style="dim", overflow="fold")
    fates = became(hops, pen)
    took = taken_by(hops, fates)
    own = [at for at, hop in enumerate(hops) if hop.pen == pen]
    for at in (own[place] for place in as_written([hops[at] for at in own])):
        hop, word = hops[at], fates[at].word
        margin = Text(_margin(hop, took.get(id(hop), ""), word, beside.get(at, "")))
        if hop.segment is None:
            nothing = Text(f"({visible(hop.node)} leaves no segment)", style="dim")
            table.add_row(_Marked(nothing, " ", "dim"), margin)
            continue
        colour = authors.colour(hop.node)
        text = Text(visible(hop.segment.text.strip("\n")), style=colour if word == KEPT else "dim")
        table.add_row(_Marked(text, authors.mark(hop.node), colour), margin)
    return table


class _Marked:
    """A text with its author's mark before each line, those that come of wrapping too."""

    def __init__(self, text: Text, mark: str, style: str) -> None:
        self._text, self._mark, self._style = text, mark, style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        narrower = options.update(width=max(1, options.max_width - 2))
        style = console.get_style(self._style)
        for line in console.render_lines(self._text, narrower, pad=False):
            yield Strip(f"{self._mark} ", style)
            yield from line
            yield Strip.line()

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        low, high = Measurement.get(console, options, self._text)
        return Measurement(low + 2, min(high + 2, options.max_width))


def _margin(hop: Hop, took: str, word: str, more: str) -> str:
    """Node and model, what became of the segment, tokens, seconds, cached share, and why the segment ended."""
    first, *others = facts(hop, took)
    stop = hop.segment.stop if hop.segment is not None else ""
    no_part = "" if word in (KEPT, stop) else "judgement" if word == JUDGE else word
    return visible("\n".join(filter(None, [first, no_part, *others, more])))


def taken_by(hops: Sequence[Hop], fates: Sequence[Fate]) -> dict[int, str]:
    """What a person's acts took out of a thought with these segments' fates, in words, by the id() of the act's hop."""
    found: dict[int, list[str]] = {}
    for hop, fate in zip(hops, fates, strict=True):
        if fate.by >= 0 and (act := hops[fate.by]).node == BY_HAND and hop.segment is not None:
            found.setdefault(id(act), []).append(f"{hop.segment.tokens:,} tok of {hop.node}")
    return {act: f"takes back {', '.join(words)}" for act, words in found.items()}


def facts(hop: Hop, took: str = "") -> list[str]:
    """The margin of a hop, line by line: not yet made safe. `took`: what a person's act took back."""
    lines = [f"{hop.node} · visit {hop.visit}"]
    if (segment := hop.segment) is not None:
        lines[0] = f"{hop.node} · {segment.model}"
        lines.append(f"{segment.tokens} tok · {segment.stop}{f' {segment.matched!r}' if segment.matched else ''}")
    usage = hop.usage
    if usage.computed or usage.cached:
        lines.append(f"{usage.seconds:.1f} s · cached {usage.cached} of {usage.computed + usage.cached}")
    if hop.source == TRIP and hop.extra is not None:
        late = f", {hop.extra.score:g} tokens late" if hop.extra.score else ""
        return [*lines, f"trips: {hop.extra.label}{late}", f"→ {hop.rest or hop.to}"]
    if hop.node == BY_HAND or (
        hop.source.startswith(f"{ANSWER} ") and (hop.segment is None or hop.segment.model == HUMAN)
    ):
        lines += [f"by hand: {hop.source}", *([took] if took else [])]
    elif hop.source:
        lines.append(f"of {hop.source}" if hop.segment is not None else hop.source)
    lines += _besides(hop)
    if hop.rest is not None:
        lines.append(f"→ {hop.rest}{f': {hop.why}' if hop.why else ''}")
    elif hop.branches:
        lines.append(f"→ {hop.branches} pens at {hop.starts}")
    return lines


def _besides(hop: Hop) -> list[str]:
    """What few hops have: a judge's word, whom a pick chose, what an edge cuts away."""
    extra = hop.extra
    if extra is None:
        return []
    said = f"says {extra.label!r}" if extra.label else ""
    worth = f"worth {extra.score:g}" if extra.score is not None else ""
    lines = [" · ".join(filter(None, (said, worth)))] if said or worth else []
    lines += [f"unsure by {extra.entropy:.2f} nats"] if extra.entropy is not None else []
    lines += [f"goes on from pen {extra.chosen}"] if extra.chosen else []
    lines += [f"cuts away from {extra.drops} on"] if extra.drops else []
    return lines


def _opinion(said: Opinion) -> Text:
    text = Text(f"  {visible(said.verifier)}: {said.outcome}", style="dim")
    text.append(f"  ({visible(said.why)})" if said.why else "")
    if said.reply:
        text.append(f"\n    {visible(said.model)} said, in {said.decoded:,} tokens: {one_line(said.reply, 400)}")
    return text


def _foot(listed: Listed) -> Text:
    marks = {
        "correct": (f"✓ {visible(listed.found)}", GOOD),
        "wrong": (f"✗ {visible(listed.found or '(none)')}, not {visible(listed.answer)}", BAD),
    }
    said, style = marks.get(listed.outcome, (f"· {visible(listed.outcome or listed.state)}", "dim"))
    why = f"  ({visible(listed.why)})" if listed.why else ""
    return Text(f"\n{said}{why}", style=style)
