"""Prices of tokens and hours as `--price` and `--gpu-hour` say them."""

from collections.abc import Iterable, Sequence
from math import prod
from typing import TYPE_CHECKING

from relay.errors import Mistake

if TYPE_CHECKING:
    from relay.measure.price import Price


def read_prices(
    said: Sequence[str], models: Iterable[str], mistakes: list[Mistake], hours: Sequence[str] = ()
) -> "dict[str, Price]":
    """By model, "" for all others: `[MODEL=]IN,OUT` of tokens, `[MODEL=]PRICE[,GPUS]` of hours.

    Mistakes are added to the list.
    """
    from relay.measure.price import Price

    known, prices = sorted(models), dict[str, Price]()
    for option, texts, sizes in (("--price", said, (2,)), ("--gpu-hour", hours, (1, 2))):
        for each in texts:
            model, _, pair = each.rpartition("=")
            if model and model not in known:
                mistakes.append(Mistake(option, f"there is no model {model!r}", f"known: {', '.join(known)}"))
            values, price = numbers(option, pair, sizes, mistakes), prices.get(model, Price())
            if len(values) == 2 and option == "--price":
                prices[model] = price._replace(read=values[0], written=values[1])
            elif values:
                prices[model] = price._replace(hour=prod(values))
    return prices


def numbers(where: str, said: str, how_many: tuple[int, ...], mistakes: list[Mistake]) -> list[float]:
    """So many numbers with commas between them; what is wrong is added to the mistakes, and there are none then."""
    try:
        values = [float(value) for value in said.split(",")]
    except ValueError:
        values = []
    if len(values) not in how_many or any(not 0 <= value < 1e12 for value in values):
        wanted = " or ".join(map(str, how_many))
        what = f"should be {wanted} number{'s' * (how_many != (1,))}, with commas"
        if len(values) in how_many and any(value < 0 for value in values):
            what = "has a negative number"
        mistakes.append(Mistake(where, f"{said!r} {what}"))
        return []
    return values
