"""What happens in a rollout, in the past tense: the values that the loop yields.

Only hops are stored; a reader makes the other events from them.
"""

from typing import NamedTuple

from relay.walk import Hop, Pen, StopReason, Walk


class Tokens(NamedTuple):
    """An open segment grew. At most one a pen and flush, unless somebody steps the iterator."""

    pen: str
    node: str
    visit: int
    tokens: int  # tokens of the open segment so far
    text: str  # its text so far


class HopCommitted(NamedTuple):
    """A hop was closed and cannot be taken back."""

    hop: Hop
    pen: Pen  # where it left its pen
    before: tuple[Hop, ...] = ()  # hops of the same pen that were closed with it, and stand before it


class RolloutEnded(NamedTuple):
    """The last pen came to rest."""

    stop: StopReason
    why: str
    walk: Walk  # all of its pens, at rest


Event = Tokens | HopCommitted | RolloutEnded
