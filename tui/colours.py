"""One palette for authors, which holds for colour-blind readers; each author has a left mark as well."""

from collections.abc import Iterable

# Okabe and Ito's colours (2008), in an order that keeps neighbours apart; yellow is left out: it vanishes on white.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_MARKS = ("┃", "┋", "║", "▌", "┊", "│")
GOOD, BAD, DIM = "#009e73", "#d55e00", "dim"


class Authors:
    """Colours and marks, dealt out in the order in which authors appear."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._numbers: dict[str, int] = {}
        for name in names:
            self._number(name)

    def colour(self, name: str) -> str:
        """The author's colour."""
        return _COLOURS[self._number(name) % len(_COLOURS)]

    def mark(self, name: str) -> str:
        """The author's left mark, for readers without colours."""
        return _MARKS[self._number(name) % len(_MARKS)]

    def _number(self, name: str) -> int:
        return self._numbers.setdefault(name, len(self._numbers))
