"""relay report --cost: what each author cost."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relay.cli.prices import read_prices
from relay.errors import Mistake, UserError

if TYPE_CHECKING:
    from relay.measure.price import Price

Cost = Annotated[bool, typer.Option("--cost", help="What each author cost: tokens, seconds and, with prices, money.")]
Prices = Annotated[
    list[str],
    typer.Option(
        metavar="[MODEL=]IN,OUT", help="The price of a million tokens, read and written, for --cost and for gains."
    ),
]
Hours = Annotated[
    list[str],
    typer.Option(
        "--gpu-hour",
        metavar="[MODEL=]PRICE[,GPUS]",
        help="The price of a GPU's hour, and how many it holds, for --cost.",
    ),
]


def check_prices(
    runs: Sequence[Path], said: Sequence[str], hours: Sequence[str] = (), *, cost: bool
) -> "list[dict[str, Price]]":
    """What is said of the prices of each run. Raises UserError with all that is wrong with them."""
    from relay.store.opening import opened

    if hours and not cost:
        raise UserError(Mistake("relay report --gpu-hour", "is for the table of costs", "add --cost"))
    found, mistakes = [], list[Mistake]()
    for path in runs:
        with opened(path) as run:
            tree = run.meta["scenario"]
            if said and not cost and "compared" not in run.meta:
                what = f"is for the table of costs, and for gains, which {path} has not (`compare:`)"
                mistakes.append(Mistake("relay report --price", what, "add --cost"))
            found.append(read_prices(said, tree["models"], mistakes, hours))
    if mistakes:
        raise UserError.of(dict.fromkeys(mistakes))
    return found


def print_costs(runs: Sequence[Path], prices: "Sequence[dict[str, Price]]", *, as_json: bool) -> None:
    """One table a run, or one JSON object an author."""
    from json import dumps

    from relay.measure.cost import costs, held, in_all
    from relay.store.opening import opened
    from relay.tui.console import Plain
    from relay.tui.costs import author_table, held_table, in_all_told

    console = Plain()
    for path, priced in zip(runs, prices, strict=True):
        with opened(path) as run:
            found, rented = costs(run, priced), held(run, priced)
        whole = in_all(found, rented)
        if as_json:
            for each in found:
                print(dumps({"run": str(path), "cost": True, **each._asdict()}))
            for one in rented:
                print(dumps({"run": str(path), "held": True, **one._asdict()}))
            if whole.money is not None:
                print(dumps({"run": str(path), "paid": True, **whole._asdict()}))
        else:
            console.print(author_table(found))
            if rented:
                console.print(held_table(rented))
            if whole.money is not None:
                console.print(in_all_told(whole))
            console.print(
                "Critical: what a rollout had to wait for. Solos of the pool are not counted here.", style="dim"
            )
