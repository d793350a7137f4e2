"""What stands for the candidate's own values: each is asked for, and what comes back is data or stands for another."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Protocol


class Asked(Protocol):
    """A candidate."""

    def call(self, function: "str | Thing", arguments: Sequence[Any], named: dict[str, Any]) -> Any:
        """What a function returns, called with these."""

    def ask(self, what: str, *asked: Any) -> Any:
        """Anything else of it."""


class Thing:
    """A value of the candidate's that is no data. It is equal to itself alone.

    It may be asked for parts of it, but never what it makes of a value of the tests': that would tell what they expect.
    """

    def __init__(self, remote: "Asked", number: int, kind: str) -> None:
        object.__setattr__(self, "_remote", remote)
        object.__setattr__(self, "_number", number)
        object.__setattr__(self, "_kind", kind)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """What the candidate's function returns."""
        return self._remote.call(self, arguments, named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the tester's own Python asks, not the tests
            raise AttributeError(name)
        return self._remote.ask("get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._remote.ask("set", self, name, value)

    def __repr__(self) -> str:
        return f"<{self._kind}>"

    def __len__(self) -> int:
        return int(self._remote.ask("len", self))

    def __getitem__(self, at: Any) -> Any:
        return self._remote.ask("item", self, at)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._remote.ask("iter", self))

    def __bool__(self) -> bool:
        return bool(self._remote.ask("bool", self))

    def __str__(self) -> str:
        return str(self._remote.ask("str", self))

    def __int__(self) -> int:
        return int(self._remote.ask("int", self))

    def __float__(self) -> float:
        return float(self._remote.ask("float", self))


class Stream:
    """An iterator of the candidate's: some of its values, and a number for the others."""

    def __init__(self, remote: "Asked", others: Thing | None, some: list[Any]) -> None:
        self._remote = remote
        self._others = others
        self._some = deque(some)

    def __iter__(self) -> "Stream":
        return self

    def __next__(self) -> Any:
        while not self._some:
            if self._others is None:
                raise StopIteration
            more = self._remote.ask("more", self._others)
            if not isinstance(more, Stream):
                raise TypeError("its other values are none")
            self._some, self._others = more._some, more._others
        return self._some.popleft()


class Function:
    """A function of the candidate's, by its name."""

    def __init__(self, remote: "Asked", name: str) -> None:
        self._remote = remote
        self.__name__ = name

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """What it returns."""
        return self._remote.call(self.__name__, arguments, named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._remote.ask("get", self, name)
