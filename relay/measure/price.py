"""What tokens and hours are paid with."""

from typing import NamedTuple


class Price(NamedTuple):
    """What is paid."""

    read: float = 0.0  # for a million prompt tokens
    written: float = 0.0  # for a million decoded tokens
    hour: float = 0.0  # for an hour of all that it holds, on one replica

    @property
    def by_token(self) -> bool:
        """Whether tokens are paid."""
        return bool(self.read or self.written)
