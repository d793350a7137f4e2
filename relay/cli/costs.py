"""relay report --cost: what each author cost."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relay.cli.prices import read_prices
from relay.errors import Mistake, UserError

if TYPE_CHECKING:
    from relay.measure.price import Price

Cost = Annotated[bool, typer.Option("--cost", help="What each author cost: tokens, seconds and, with --price, money.")]
Prices = Annotated[
    list[str],
    typer.Option(
        metavar="[MODEL=]IN,OUT", help="The price of a million tokens, read and written, for --cost and for gains."
    ),
]


def check_prices(runs: Sequence[Path], said: Sequence[str], *, cost: bool) -> "list[dict[str, Price]]":
    """The prices for each run. Raises UserError with all that is wrong with them."""
    from relay.store.opening import opened

    found, mistakes = [], list[Mistake]()
    for path in runs if said else ():
        with opened(path) as run:
            if not cost and "compared" not in run.meta:
                what = f"is for the table of costs, and for gains, which {path} has not (`compare:`)"
                mistakes.append(Mistake("relay report --price", what, "add --cost"))
            found.append(read_prices(said, run.meta["scenario"]["models"], mistakes))
    if mistakes:
        raise UserError.of(dict.fromkeys(mistakes))
    return found or [{} for _ in runs]


def print_costs(runs: Sequence[Path], prices: "Sequence[dict[str, Price]]", *, as_json: bool) -> None:
    """One table a run, or one JSON object an author."""
    from json import dumps

    from relay.measure.cost import costs
    from relay.store.opening import opened
    from relay.tui.console import Plain
    from relay.tui.costs import author_table

    console = Plain()
    for path, priced in zip(runs, prices, strict=True):
        with opened(path) as run:
            found = costs(run, priced)
        if as_json:
            for each in found:
                print(dumps({"run": str(path), "cost": True, **each._asdict()}))
        else:
            console.print(author_table(found))
            console.print(
                "Critical: what a rollout had to wait for. Solos of the pool are not counted here.", style="dim"
            )
