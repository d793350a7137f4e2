"""Prices of tokens, as `--price` says them."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from relay.errors import Mistake

if TYPE_CHECKING:
    from relay.measure.price import Price


def read_prices(said: Sequence[str], models: Iterable[str], mistakes: list[Mistake]) -> "dict[str, Price]":
    """By model, "" for all others: what `[MODEL=]IN,OUT` says. Mistakes are added to the list."""
    from relay.measure.price import Price

    known = sorted(models)
    prices: dict[str, Price] = {}
    for each in said:
        model, _, pair = each.rpartition("=")
        if model and model not in known:
            mistakes.append(Mistake("--price", f"there is no model {model!r}", f"known: {', '.join(known)}"))
        values = numbers("--price", pair, (2,), mistakes)
        if len(values) == 2:
            prices[model] = Price(*values)
    return prices


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
