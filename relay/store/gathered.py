"""What waits for the next flush of a run file, as values."""

from typing import NamedTuple

from relay.store.rows import Row
from relay.verifiers import Reply


class Graded(NamedTuple):
    """A verdict on its way to the file."""

    verifier: str
    outcome: str
    answer: str
    why: str
    seconds: float
    reply: Reply | None = None  # of a judge
    parts: "tuple[Graded, ...]" = ()  # the verdicts that led to it

    @property
    def decoded(self) -> int:
        """Tokens that judges decoded for it."""
        return (self.reply.decoded if self.reply else 0) + sum(part.decoded for part in self.parts)


class Begun(NamedTuple):
    """A rollout that has begun: its number and what it is a rollout of."""

    id: int
    problem: int
    sample: int
    cell: int


class Gathered(NamedTuple):
    """The rows of one flush."""

    names: list[tuple[int, str]]
    begun: list[Begun]
    hops: list[Row]
    ended: list[tuple[int | None, str | None, int]]
    verdicts: list[Row]
    judgements: list[Row]
    live: list[tuple[int, str, str, int, int, str]]
    beside: dict[str, list[Row]]
    held: float | None = None  # seconds of this session so far
