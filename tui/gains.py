"""Tables of what a relay gains over its baselines, and of what a right answer costs beside theirs."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from relay.measure.best import Best
from relay.measure.break_even import Accepted, Line
from relay.measure.gains import Gain
from relay.measure.joint import Ratio
from relay.tui.safe import one_line
from relay.tui.twin_tables import percent, points

CAPTION = (
    "Gains: each cell minus its baseline (`compare:`), in points: the mean over the problems graded in both, with 95 % "
    "intervals over these problems. The word gain needs an interval and a p-value, adjusted after {family} for all "
    "comparisons here, that exclude zero; no gain: equal within 3 points, by two one-sided tests; least seen: the true "
    "difference that such a comparison finds in 80 of 100, at 5 %."
)
COSTS = (
    "Costs: how many times as much a right answer costs as in the baseline, on the same problems, by one joint "
    "resample (delta method); tokens are those decoded, seconds those of all calls."
)
PAYS = " Pays under: where a token of the other models costs less than this share of one of the baseline's."
PAYS_FROM = " Pays from: from so many accepted drafts on, all else as it was."
Pair = tuple[str, str]


def gains_table(found: Sequence[Gain], title: str = "gains: cell minus baseline, paired by problem") -> Table:
    """A row for each cell and baseline."""
    table = Table(title=title, title_justify="left", box=None, header_style="bold")
    table.add_column("cell")
    table.add_column("against")
    for column in ("score", "baseline", "difference", "95 % interval", "p, adjusted", "problems", "least seen"):
        table.add_column(column, justify="right")
    table.add_column("answer")
    for each in found:
        p = "< 0.0001" if each.adjusted < 1e-4 else f"{each.adjusted:.4f}"
        seen = "–" if each.least is None else f"{100 * each.least:.1f}"
        figures = (percent(each.score), percent(each.baseline), *points(each.difference), p)
        names = (one_line(each.cell, 80), one_line(each.against, 80))
        table.add_row(*names, *figures, f"{each.difference.problems:,}", seen, each.answer)
    return table


def times_table(found: Sequence[Gain], lines: Mapping[Pair, Line], drafts: Mapping[Pair, Sequence[Accepted]]) -> Table:
    """What a right answer costs beside the baseline's, and when the relay pays."""
    title = "what a right answer costs, as a multiple of the baseline's"
    table = Table(title=title, title_justify="left", box=None, header_style="bold")
    table.add_column("cell")
    table.add_column("against")
    priced = any(each.times.get("money") for each in found)
    for column in ("tokens", "seconds", *(["money"] if priced else []), *(["pays under"] if lines else [])):
        table.add_column(column, justify="right")
    if drafts:
        table.add_column("drafts accepted", justify="right")
        table.add_column("pays from", justify="right")
    for each in found:
        kinds = ("tokens", "seconds", *(["money"] if priced else []))
        pair = (each.cell, each.against)
        told = [times(each.times.get(kind)) for kind in kinds]
        told += [pays(lines.get(pair))] if lines else []
        told += [*accepted(drafts.get(pair, ()))] if drafts else []
        table.add_row(one_line(each.cell, 80), one_line(each.against, 80), *told)
    return table


def costs_caption(lines: Mapping[Pair, Line], drafts: Mapping[Pair, Sequence[Accepted]]) -> str:
    """What the columns of `times_table` say, of those that are there."""
    return COSTS + (PAYS if lines else "") + (PAYS_FROM if drafts else "")


def times(ratio: Ratio | None) -> str:
    """A multiple with its interval."""
    if ratio is None:
        return "–"
    if ratio.low is None or ratio.high is None:
        return _short(ratio.ratio)
    return f"{_short(ratio.ratio)} ({_short(ratio.low)} – {_short(ratio.high)})"


def pays(line: Line | None) -> str:
    """Up to which price of the others a relay pays."""
    if line is None:
        return "–"
    if line.pays is None:
        return "never" if line.never else "at any price"
    low, high = ("0" if line.low is None else _short(line.low), "∞" if line.high is None else _short(line.high))
    return f"{_short(line.pays)} ({low} – {high})"


def accepted(found: Sequence[Accepted]) -> tuple[str, str]:
    """How many drafts stood, and from how many on it would pay."""
    if not found:
        return "–", "–"
    said = [f"{100 * each.share:.0f} % by {one_line(each.judge, 40)}" for each in found]
    return ", ".join(said), ", ".join(map(_from, found))


def _from(each: Accepted) -> str:
    if each.pays > 1:
        least = max(0.0, each.low or 0.0)
        return "never" if least > 1 else f"never ({100 * least:.0f} % at best)"
    low, high = (min(100.0, max(0.0, 100 * end)) for end in (each.low or 0.0, 1.0 if each.high is None else each.high))
    return f"{max(0.0, 100 * each.pays):.0f} % ({low:.0f} – {high:.0f})"


def best_told(found: Best) -> str:
    """The choice, in words."""
    return (
        f"Best of {len(found.among)} cells: {found.cell!r}, chosen on {found.chosen_on:,} problems, drawn, where it "
        f"scores {100 * found.chosen_at:.1f} %. On the other ones, which had no say in it:"
    )


def _short(value: float) -> str:
    return "∞" if value > 1e6 else f"{value:.2f}" if value < 100 else f"{value:,.0f}"
