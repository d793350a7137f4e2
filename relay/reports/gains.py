"""The gains of a run as parts of its report: over its baselines, in points and in costs; and of its best cell."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from relay.reports.told import Caption, Note

if TYPE_CHECKING:
    from rich.table import Table

    from relay.measure.break_even import Accepted, Line
    from relay.measure.gains import Gain
    from relay.measure.paid import Paid
    from relay.measure.price import Prices
    from relay.store.reader import Run

Pair = tuple[str, str]


def gained(run: "Run", prices: "Prices | None" = None) -> "Iterator[Table | Note | Caption]":
    """Nothing where the run has no baselines."""
    from relay.measure.best import best
    from relay.measure.gains import family, gains, pairs
    from relay.measure.paid import paid
    from relay.tui.gains import CAPTION, best_told, costs_caption, gains_table, times_table

    cells = paid(run, prices=prices) if pairs(run) else {}
    found = gains(run, of=cells) if cells else []
    if not found:
        return
    yield gains_table(found)
    if short := _short_of_words(run, found):
        yield Note(short)
    yield Caption(CAPTION.format(family=family(found)))
    lines, drafts = break_even(run, found, cells, prices)
    yield times_table(found, lines, drafts)
    yield Caption(costs_caption(lines, drafts))
    if (chosen := best(run)) is not None:
        yield Note(best_told(chosen))
        yield gains_table(chosen.gains, "gains of the best cell, on the other half of the problems")


def _short_of_words(run: "Run", found: "list[Gain]") -> str:
    """Baselines of scripted models that answer at a later visit: alone they visit once, and say the first text only."""
    from relay.seam.tokens import CLOSE

    models = run.meta["scenario"].get("models") or {}
    says = {name: spec.get("says") for name, spec in models.items() if spec.get("engine") == "scripted"}
    scripts = {name: list(each.values()) if isinstance(each, dict) else [each] for name, each in says.items()}
    several = {
        name for name, each in scripts.items() if any(isinstance(s, list) and s[1:] and CLOSE not in s[0] for s in each)
    }
    bases = dict.fromkeys(each.against for each in found)
    solos = [base for base in bases if not base.startswith("without ") and several & set(base.split())]
    if not solos:
        return ""
    return f"{', '.join(solos)}: a scripted model says a text a visit, alone its first only, which answers nothing"


def break_even(
    run: "Run", found: "list[Gain]", of: "Mapping[int, Paid]", prices: "Prices | None" = None
) -> "tuple[dict[Pair, Line], dict[Pair, list[Accepted]]]":
    """Of each comparison of these cells, where there is such a thing."""
    from relay.measure.break_even import accepted, price_line

    names = run.cells
    cells = {names[i]: cell for i, cell in of.items()}
    lines, drafts = {}, {}
    for each in found:
        pair, cell, base = (each.cell, each.against), cells[each.cell], cells[each.against]
        if (line := price_line(cell, base)) is not None:
            lines[pair] = line
        if judged := accepted(run, cell, base, prices):
            drafts[pair] = judged
    return lines, drafts


def gains_json(run: "Run", prices: "Prices | None" = None) -> Iterator[dict[str, Any]]:
    """A line for each comparison, then one for the best cell."""
    from relay.measure.best import best
    from relay.measure.gains import gain_data, gains, pairs
    from relay.measure.paid import paid

    cells = paid(run, prices=prices) if pairs(run) else {}
    found = gains(run, of=cells) if cells else []
    lines, drafts = break_even(run, found, cells, prices)
    for each in found:
        pair = (each.cell, each.against)
        line = lines.get(pair)
        pays = line and {k: v for k, v in line._asdict().items() if k != "points"}
        yield {"gain": True, **gain_data(each), "pays": pays, "drafts": [d._asdict() for d in drafts.get(pair, ())]}
    if found and (chosen := best(run)) is not None:
        yield {"best": True, **chosen._asdict(), "gains": [gain_data(each) for each in chosen.gains]}
