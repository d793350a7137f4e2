"""Tables of a run: its scores by cell, its rollouts."""

from collections.abc import Iterable, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from relay.measure.judging import Judging
from relay.measure.scores import Score
from relay.measure.spoiled import Spoiled
from relay.store.reader import Listed
from relay.tui.colours import BAD, GOOD
from relay.tui.safe import one_line, visible
from relay.tui.twin_tables import interval, percent, points
from relay.twin.beside import Beside
from relay.twin.control import Control
from relay.twin.diff import Moved
from relay.twin.forecast import Cost

FEW = 20  # rollouts under which a score is dimmed


def score_table(title: str, scores: Sequence[Score], spoiled: Mapping[tuple[str, str], Spoiled] | None = None) -> Table:
    """Score by cell, each with its interval and its counts; `spoiled` by (verifier, cell), where spoilers are known."""
    table = Table(title=title, title_justify="left", box=None, header_style="bold")
    several = len({s.verifier for s in scores}) > 1
    table.add_column("cell")
    if several:
        table.add_column("by")
    spoiled = spoiled or {}
    without = ("spoilers", "corrected", "95 % interval", "minus rate") if spoiled else ()
    for column in ("score", "95 % interval", *without, "correct", "graded", "problems"):
        table.add_column(column, justify="right")
    kinds = ("undecided", "cut_short", "missing", "failed", "unfinished")
    extra = [kind for kind in kinds if any(getattr(s, kind) for s in scores)]
    for column in extra:
        table.add_column(column.replace("_", " "), justify="right")
    table.add_column("tokens", justify="right")
    for s in scores:
        style = "dim" if s.graded < FEW else ""
        counts = [f"{getattr(s, c):,}" for c in extra]
        table.add_row(
            one_line(s.cell, 100),
            *([one_line(s.verifier, 60)] if several else []),
            percent(s.score),
            interval(s.interval),
            *(_without(spoiled.get((s.verifier, s.cell))) if spoiled else ()),
            f"{s.correct:,}",
            f"{s.graded:,}",
            f"{s.problems:,}",
            *counts,
            f"{s.decoded:,}",
            style=style,
        )
    return table


def _without(spoiled: Spoiled | None) -> tuple[str, ...]:
    if spoiled is None:
        return ("–",) * 4
    rate, score, minus = (percent(x) for x in (spoiled.rate, spoiled.corrected_score, spoiled.minus_spoilers))
    return rate, score, interval(spoiled.interval), minus


def judging_table(parts: Sequence[Judging]) -> Table:
    """What parts of a rule and judges said, and what the judges cost beside the rollouts' own tokens."""
    table = Table(title="apart", title_justify="left", box=None, header_style="bold")
    table.add_column("by")
    for column in ("asked about", "correct", "wrong", "undecided", "its tokens", "its prompts"):
        table.add_column(column, justify="right")
    for p in parts:
        cost = (f"{p.decoded + p.thrown:,}", f"{p.computed + p.cached:,}") if p.replies else ("–", "–")
        counts = (f"{n:,}" for n in (p.verdicts, p.correct, p.wrong, p.undecided))
        table.add_row(one_line(p.verifier, 60), *counts, *cost)
    return table


def cost_table(costs: Sequence[Cost]) -> Table:
    """What the twin tests will do at most, run by run."""
    table = Table(title="forecast", title_justify="left", box=None, header_style="bold")
    table.add_column("run")
    for column in ("problems", "solos", "rollouts at most", "tokens at most", "tokens, likely"):
        table.add_column(column, justify="right")
    for c in costs:
        by = f" by {c.part.guide}" if c.part.guide else f", {c.part.title}" if c.part.variant else ""
        name = one_line(f"{c.part.test} of {c.part.model}{by}", 120)
        likely = "–" if c.likely is None else f"{c.likely:,}"
        table.add_row(name, f"{c.problems:,}", f"{c.solos:,}", f"{c.rollouts:,}", f"{c.tokens:,}", likely)
    return table


def beside_table(found: Beside) -> Table:
    """A run among the paper's rows."""
    table = Table(title=f"published: {found.title}", title_justify="left", box=None, header_style="bold")
    for column in ("rank", "shift"):
        table.add_column(column, justify="right")
    table.add_column("model")
    table.add_column("tier")
    for column in (*(f"{found.sweep}={float(c):g}" for c in found.columns), "average"):
        table.add_column(column, justify="right")
    for line in found.rows:
        figures = [line.figures.get(column) for column in found.columns]
        cells = ["–" if figure is None else f"{figure:.1f}" for figure in (*figures, line.average)]
        rank = "–" if line.rank is None else str(line.rank)
        name = f"* {one_line(line.model, 60)}" if line.own else line.model
        shift = "–" if line.shift is None else f"{line.shift:+}"
        table.add_row(rank, shift, name, line.tier or "–", *cells, style="bold" if line.own else "")
    return table


def moved_table(title: str, rows: Sequence[tuple[str, str, Moved | None]]) -> Table:
    """How far the score of one test moved, step by step: from the knob, its value, and what came of it."""
    table = Table(title=one_line(title, 100), title_justify="left", box=None, header_style="bold")
    for column in ("knob", "value"):
        table.add_column(column)
    for column in ("steered", "alone", "moved by", "95 % interval", "in both"):
        table.add_column(column, justify="right")
    for knob, value, found in rows:
        said = ["–"] * 5
        if found is not None:
            shares = (found.after.score, found.after.alone)
            said[:2] = ["–" if share is None else f"{100 * share:.1f}" for share in shares]
            said[4] = f"{found.shared:,}"
            if found.score is not None and found.knobs:
                said[2] = f"{100 * found.score.mean:+.1f}"
                said[3] = f"{100 * found.score.low:+.1f} – {100 * found.score.high:+.1f}"
        table.add_row(one_line(knob, 60), one_line(value, 30), *said)
    return table


def control_table(found: Sequence[Control]) -> Table:
    """Each cell of the control against the one in which nothing is handed over."""
    table = Table(title="control", title_justify="left", box=None, header_style="bold")
    table.add_column("cell")
    for column in ("minus m=0", "90 % interval", "verdict"):
        table.add_column(column, justify="right")
    for cell, (difference, _, verdict) in found:
        table.add_row(one_line(cell, 100), *points(difference), verdict)
    return table


def rollout_table(rows: Iterable[Listed]) -> Table:
    """Rollouts, a line each."""
    table = Table(box=None, header_style="bold")
    table.add_column("#", justify="right")
    for column in ("problem", "cell"):
        table.add_column(column)
    table.add_column("sample", justify="right")
    table.add_column("state")
    table.add_column("tokens", justify="right")
    table.add_column("verdict")
    for r in rows:
        table.add_row(
            str(r.id),
            one_line(r.problem, 40),
            one_line(r.cell, 100),
            str(r.sample),
            visible(r.state),
            f"{r.tokens:,}",
            _verdict(r),
        )
    return table


def _verdict(row: Listed) -> Text:
    if row.outcome == "correct":
        return Text(f"✓ {one_line(row.found, 20)}", style=GOOD)
    if row.outcome == "wrong":
        return Text(f"✗ {one_line(row.found or '(none)', 20)}, not {one_line(row.answer, 20)}", style=BAD)
    return Text(f"· {one_line(row.outcome or row.why, 60)}", style="dim")
