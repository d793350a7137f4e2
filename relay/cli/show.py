"""relay show: the rollouts of a run, or one of them as a readable trace."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from relay.store.reader import Run


def show(
    run: Annotated[Path, typer.Argument(help="A run file.")],
    rollout: Annotated[int | None, typer.Argument(help="The number of a rollout: its trace.")] = None,
    cell: Annotated[str, typer.Option(help="Only rollouts of this cell.")] = "",
    outcome: Annotated[str, typer.Option(help="Only rollouts with this verdict: correct, wrong or undecided.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many lines.")] = 50,
    json: Annotated[bool, typer.Option("--json", help="One JSON object for each rollout, or for each hop of one.")] = False,
) -> None:
    """List a run's rollouts, or show one: who wrote what, in which order, and how it was graded."""
    from relay.errors import Mistake, UserError
    from relay.store.reader import Run

    with Run(run) as opened:
        if rollout is not None:
            _show_one(opened, rollout, json)
            return
        if cell and cell not in opened.cells:
            raise UserError(Mistake("--cell", f"no cell {cell!r}", f"there are {', '.join(opened.cells)}"))
        if outcome not in ("", "correct", "wrong", "undecided"):
            raise UserError(Mistake("--outcome", f"no verdict {outcome!r}", "correct, wrong or undecided"))
        wanted = [("c.name = ?", cell), ("outcome.text = ?", outcome)]
        chosen = [(sql, value) for sql, value in wanted if value]
        where = " AND ".join(sql for sql, _ in chosen) or "1"
        _show_list(opened, where, [value for _, value in chosen], limit, json)


def _show_list(run: "Run", where: str, values: list[str], limit: int, json: bool) -> None:
    from rich.console import Console

    from relay.tui.tables import rollout_table

    rows = list(run.rollouts(where, *values, limit=limit + 1))
    if json:
        from json import dumps

        for row in rows[:limit]:
            print(dumps(row._asdict()))
        return
    console = Console(highlight=False)
    console.print(rollout_table(rows[:limit]))
    if len(rows) > limit:
        console.print(f"... and more; --limit shows them, `relay show {run.path} N` shows one", style="dim", markup=False)


def _show_one(run: "Run", number: int, json: bool) -> None:
    from rich.console import Console

    from relay.tui.trace import trace

    listed, hops = run.rollout(number), run.hops(number)
    if json:
        from json import dumps

        for hop in hops:
            row = hop._asdict()
            row["segment"] = hop.segment._asdict() if hop.segment else None
            row["usage"] = hop.usage._asdict()
            print(dumps(row))
        return
    Console(highlight=False).print(trace(listed, run.problem_of(number), hops))
