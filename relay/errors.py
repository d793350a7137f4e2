"""What can go wrong, as a tree: the user's mistakes, an engine's trouble, a broken promise of the seam.

RelayError
├── UserError      the user can mend it: one line a mistake, exit 2, no traceback
├── EngineError    a model or its server failed: data, it ends one rollout
│   └── TimeUpError    in a replay: here the rollout's time was up
└── SeamError      the ids of a prompt are not what the seam promises: a bug, told with its place
"""

from collections.abc import Iterable
from typing import NamedTuple


class RelayError(Exception):
    """The root of everything that relay raises on purpose."""


class Mistake(NamedTuple):
    """One mistake of the user's: where it stands, what is wrong, and what to do instead."""

    where: str  # "twin.yaml:3:24", a path, an option; may be empty
    what: str
    instead: str = ""  # "did you mean 'model'?" or a step to take; may be empty

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head} ({self.instead})" if self.instead else head


class UserError(RelayError):
    """The user's mistakes, all of them at once."""

    def __init__(self, *mistakes: Mistake | str) -> None:
        self.mistakes = tuple(Mistake("", m) if isinstance(m, str) else m for m in mistakes)
        super().__init__("\n".join(map(str, self.mistakes)))

    @classmethod
    def of(cls, mistakes: Iterable[Mistake]) -> "UserError":
        """The error that carries these mistakes, in the order of their places."""
        return cls(*mistakes)


class EngineError(RelayError):
    """A model or the server behind it failed; it ends one rollout and its siblings go on."""


class TimeUpError(EngineError):
    """The rollout's time is up; in a recording that is played: it was up before this call."""


class SeamError(RelayError):
    """The seam broke a promise: ids changed between two hands."""
