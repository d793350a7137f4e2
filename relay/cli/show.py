"""relay show: the rollouts of a run, or one of them as a readable trace."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from relay.store.reader import Run


def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run file.")],
    rollout: Annotated[
        int | None, typer.Argument(metavar="ROLLOUT", min=0, help="The number of a rollout: its trace.")
    ] = None,
    cell: Annotated[str, typer.Option(help="Only rollouts of this cell.")] = "",
    outcome: Annotated[str, typer.Option(help="Only rollouts with this verdict: correct, wrong or undecided.")] = "",
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="At most so many lines.")] = 50,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object for each rollout, or for each hop of one.")
    ] = False,
) -> None:
    """List a run's rollouts, or show one: who wrote what, in which order, and how it was graded."""
    from relay.errors import Mistake, UserError
    from relay.store.opening import opened

    if rollout is not None and (cell or outcome):
        raise UserError(Mistake("relay show", "takes a rollout, or --cell and --outcome", "one of the two"))
    if outcome not in ("", "correct", "wrong", "undecided"):
        raise UserError(Mistake("--outcome", f"there is no verdict {outcome!r}", "correct, wrong or undecided"))
    with opened(run) as found:
        if rollout is not None:
            _show_one(found, min(rollout, 2**63 - 1), json)  # SQLite counts no further
            return
        if cell and cell not in found.cells:
            raise UserError(Mistake("--cell", f"there is no cell {cell!r}", _nearest(cell, found.cells)))
        wanted = [("c.name = ?", cell), ("outcome.text = ?", outcome)]
        chosen = [(sql, value) for sql, value in wanted if value]
        where = " AND ".join(sql for sql, _ in chosen) or "1"
        _show_list(found, where, [value for _, value in chosen], limit, json)


def _nearest(cell: str, cells: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(cell, cells, 1)
    more = f" and {len(cells) - 8} more" if len(cells) > 8 else ""
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(map(repr, cells[:8]))}{more}"


def _show_list(run: "Run", where: str, values: list[str], limit: int, json: bool) -> None:
    from relay.tui.console import Plain
    from relay.tui.safe import visible
    from relay.tui.tables import rollout_table

    rows = list(run.rollouts(where, *values, limit=min(limit + 1, 2**62)))
    if json:
        from json import dumps

        for row in rows[:limit]:
            print(dumps(row._asdict()))
        return
    console = Plain()
    console.print(rollout_table(rows[:limit]))
    if len(rows) > limit:
        console.print(visible(f"... and more; --limit shows them, `relay show {run.path} N` shows one"), style="dim")


def _show_one(run: "Run", number: int, json: bool) -> None:
    from relay.measure.credits import moves_of
    from relay.tui.console import Plain
    from relay.tui.credits import moved
    from relay.tui.trace import trace

    listed, hops = run.rollout(number), run.hops(number)
    chances = moves_of(run, number)
    if json:
        from json import dumps

        for i, hop in enumerate(hops):
            row = hop._asdict()
            if i in chances:
                row["chances"] = [{"by": m.by, "before": m.before, "after": m.after} for m in chances[i]]
            row["segment"] = hop.segment._asdict() if hop.segment else None
            row["usage"] = hop.usage._asdict()
            print(dumps(row))
        return
    told = {i: moved(found) for i, found in chances.items()}
    Plain().print(trace(listed, run.problem_of(number), hops, run.opinions(number), told))
