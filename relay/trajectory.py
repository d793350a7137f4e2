"""The chain of thought as a value: segments with their authors, a linked list that only grows."""

from collections.abc import Iterator
from typing import NamedTuple


class Usage(NamedTuple):
    """What one hop cost, in tokens and seconds."""

    computed: int = 0  # prompt tokens that the engine computed
    cached: int = 0  # prompt tokens that came from its cache
    decoded: int = 0  # tokens generated and kept
    thrown: int = 0  # tokens generated and thrown away (a look ahead, half a character, a cut stop)
    seconds: float = 0.0


class Segment(NamedTuple):
    """What one author added to the trajectory at one turn."""

    author: str  # the node that wrote
    model: str  # the model behind it, or "pool", "human", "tool"
    text: str
    ids: tuple[int, ...]  # token ids of the text in the author's tokenizer; empty where it has none
    tokenizer: str  # fingerprint of that tokenizer; empty where it has none
    stop: str  # why it ended: "tokens", "sentences", "text", "turn", ...
    matched: str = ""  # the text that stopped it, when a text did
    closed: int = -1  # characters of `text` up to and with the closing of the thinking; -1: not closed here

    @property
    def tokens(self) -> int:
        """Its length in its author's tokens."""
        return len(self.ids)


STEER, INSERTED, EDITED, ANSWERED = "steer", "inserted", "edited", "answered"  # how what was put in has stopped
_PUT_IN = frozenset({STEER, INSERTED, EDITED, ANSWERED})


def put_in(segment: Segment) -> bool:
    """Whether it came from outside: a steer, or what a person wrote."""
    return segment.stop in _PUT_IN


class Trajectory:
    """The segments from the problem on. Immutable: `add` returns a new one; branches share their prefix.

    `closed`: one of them closes the thinking.
    """

    __slots__ = ("closed", "length", "parent", "segment")

    def __init__(self, parent: "Trajectory | None" = None, segment: Segment | None = None) -> None:
        self.parent = parent
        self.segment = segment
        self.length: int = (parent.length if parent else 0) + (segment is not None)
        self.closed: bool = (parent is not None and parent.closed) or (segment is not None and segment.closed >= 0)

    def add(self, segment: Segment) -> "Trajectory":
        """This trajectory with one more segment."""
        return Trajectory(self, segment)

    def newest_first(self) -> Iterator[Segment]:
        """The segments from the last to the first."""
        here: Trajectory | None = self
        while here is not None and here.segment is not None:
            yield here.segment
            here = here.parent

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments in the order they were written."""
        return tuple(self.newest_first())[::-1]

    @property
    def text(self) -> str:
        """What a person reads: the segments' texts, one after another."""
        return "".join(s.text for s in self.segments)

    def __len__(self) -> int:
        return self.length

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trajectory) and self.segments == other.segments

    def __hash__(self) -> int:
        return hash(self.segments)

    def __repr__(self) -> str:
        return f"Trajectory({', '.join(f'{s.author}:{s.tokens}' for s in self.segments)})"
