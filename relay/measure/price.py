"""What tokens and hours are paid with: as somebody said it, and where nobody did as the run's scenario does."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from relay.language.scenario import Scenario
    from relay.store.reader import Run


class Price(NamedTuple):
    """What is paid; None: nobody said it, which is another thing than nothing."""

    read: float | None = None  # for a million prompt tokens
    written: float | None = None  # for a million decoded tokens
    hour: float | None = None  # for an hour of all that it holds, on one replica

    @property
    def by_token(self) -> bool:
        """Whether tokens have a price."""
        return self.read is not None or self.written is not None

    def of(self, read: float, written: float) -> float | None:
        """For so many prompt tokens and decoded ones; None where tokens have no price."""
        return ((self.read or 0.0) * read + (self.written or 0.0) * written) / 1e6 if self.by_token else None


Prices = Mapping[str, Price]  # by model; "": of all that have none of their own
NONE = Price()
NO_PRICES: Prices = MappingProxyType({})


def price_of(prices: Prices, model: str) -> Price:
    """Of a model: what is said of it and, of tokens or hours of which nothing is, what is said of all others."""
    return _first(prices.get(model, NONE), prices.get("", NONE))


def merged(said: Prices, scenario: "Scenario") -> dict[str, Price]:
    """What was said and, where that says nothing, what the scenario does."""
    found = dict(said)
    for model, own in scenario.prices.items():
        found[model] = _first(price_of(said, model), Price(own.read, own.written, own.hour))
    return found


def prices_of(run: "Run", said: Prices | None = None) -> dict[str, Price]:
    """The same of a run."""
    from relay.language.reading import from_tree

    tree = run.meta["scenario"]
    return merged(said or {}, from_tree(tree).cells[0].scenario) if tree.get("prices") else dict(said or {})


def payer_of(rows: Iterable[tuple[Hashable, str]]) -> Callable[[Hashable, str], str]:
    """Who pays for a turn, of (node of a cell, model): one that ended without a word names no model.

    It is of the one that writes there else; where several do, nobody knows.
    """
    writers: dict[Hashable, set[str]] = defaultdict(set)
    for node, model in rows:
        writers[node] |= {model} - {""}
    return lambda node, model: model or (next(iter(writers[node])) if len(writers[node]) == 1 else "")


def _first(*prices: Price) -> Price:
    """The first price of tokens, and the first of hours."""
    tokens = next((price for price in prices if price.by_token), NONE)
    return tokens._replace(hour=next((price.hour for price in prices if price.hour is not None), None))
