"""relay credit: who earned it: how far each segment moved the chance of a right answer."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from relay.cli.driving import drive
from relay.cli.options import Sandbox, Walls, command_again
from relay.cli.printing import print_parts

Run = Annotated[Path, typer.Argument(metavar="RUN", help="A finished run.")]
By = Annotated[
    str,
    typer.Option(
        "--by", metavar="MODEL", help="Who goes on alone from each prefix; by default the first `solo` of `compare:`."
    ),
]
Samples = Annotated[int, typer.Option(min=1, max=1000, metavar="K", help="Continuations from each prefix.")]
Limit = Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the first N rollouts of each cell.")]


def credit(
    context: typer.Context,
    run: Run,
    by: By = "",
    samples: Samples = 4,
    cell: Annotated[str, typer.Option(help="Only rollouts of this cell.")] = "",
    limit: Limit = None,
    sandbox: Sandbox = Walls.BUBBLEWRAP,
    json: Annotated[bool, typer.Option("--json", help="One JSON object for each cell.")] = False,
) -> None:
    """Who earned it: from before each segment a model goes on alone, and what the segment moved is its credit."""
    from relay.credit.drawing import credit as drawn
    from relay.credit.drawing import readable
    from relay.credit.prefixes import Wanted

    _, wanted = readable(run, Wanted(by, samples, cell, limit))
    work = partial(drawn, run, wanted=wanted, sandbox=sandbox is not Walls.NONE)
    found = drive(work, run, command_again(context, by=wanted.by), as_json=json)
    _tell(run, as_json=json)
    if found.failed:
        print(f"{found.failed:,} continuations failed, the last with: {found.why}; the same command tries them again")
        raise typer.Exit(1)


def _tell(path: Path, *, as_json: bool) -> None:
    from json import dumps

    from relay.measure.credits import credit_data, credits_of
    from relay.reports.credits import credited
    from relay.store.opening import opened
    from relay.tui.console import Plain

    with opened(path) as run:
        if as_json:
            for each in credits_of(run):
                print(dumps({"run": str(path), "credit": True, **credit_data(each)}))
        else:
            print_parts(Plain(), credited(run))
