"""Prices of tokens and hours: as `--price` and `--gpu-hour` say them, and as the scenario does."""

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING

from relay.errors import Mistake

if TYPE_CHECKING:
    from relay.language.scenario import Scenario
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


def with_said(prices: "Mapping[str, Price]", scenario: "Scenario") -> "dict[str, Price]":
    """The prices of the options, and where they say none those of the scenario."""
    from relay.measure.price import Price

    found = dict(prices)
    for model, own in scenario.prices.items():
        mine = Price(own.read, own.written, own.hour)
        order = [prices.get(model, Price()), prices.get("", Price()), mine]
        tokens = next((price for price in order if price.by_token), mine)
        found[model] = tokens._replace(hour=next((price.hour for price in order if price.hour), 0.0))
    return found


def numbers(where: str, said: str, how_many: tuple[int, ...], mistakes: list[Mistake]) -> list[float]:
    """So many numbers with commas between them; what is wrong is added to the mistakes, and there are none then."""
    try:
        values = [float(value) for value in said.split(",")]
    except ValueError:
        values = []
    if len(values) not in how_many or any(not 0 <= value < 1e12 for value in values):
        wanted = " or ".join(map(str, how_many))
        mistakes.append(Mistake(where, f"{said!r} should be {wanted} number{'s' * (how_many != (1,))}, with commas"))
        return []
    return values
