"""What stands between the tables of a report."""

from typing import NamedTuple


class Note(NamedTuple):
    """What the reader should know."""

    text: str


class Caption(NamedTuple):
    """What the figures above are, what is random in them, and what they do not cover."""

    text: str
