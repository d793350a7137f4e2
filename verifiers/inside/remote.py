"""A candidate as the tester sees it: calls go over a socket, and what comes back is plain data or a thing's number."""

import builtins
import contextlib
import io
import json
import pickle
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

FRAME = 32 << 20  # bytes of one reply
SHOWN = 300


class LateError(Exception):
    """The candidate did not answer in time."""


class CandidateError(Exception):
    """The candidate ended, or said what makes no sense."""


class Thing:
    """A value of the candidate's that is no data. It is equal to itself alone."""

    def __init__(self, remote: "Remote", number: int, kind: str) -> None:
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


class Function:
    """A function of the candidate's, by its name."""

    def __init__(self, remote: "Remote", name: str) -> None:
        self._remote = remote
        self.__name__ = name

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """What it returns."""
        return self._remote.call(self.__name__, arguments, named)


class _Sending(pickle.Pickler):
    """What is sent may hold things and functions of the candidate's own, and nothing else that is no data."""

    def persistent_id(self, value: Any) -> Any:
        """A number for what is the candidate's."""
        if isinstance(value, Thing):
            return value._number
        return None


class Remote:
    """One candidate until its deadline."""

    def __init__(self, stream: socket.socket, until: float) -> None:
        self._socket = stream
        self._until = until
        self.calls = 0
        self.last = ""  # the last call, and what came of it
        self.printed = ""

    def load(self, head: str, program: str) -> list[str]:
        """Run these; the names that are defined then."""
        names = self._value(self._reply("load", head, program), here=False)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise CandidateError("the program ended early")
        return names

    def evaluate(self, source: str) -> Any:
        """The value of an expression."""
        return self._value(self._reply("evaluate", source), here=False)

    def value(self, name: str) -> Any:
        """What this name stands for: a function to call, or data."""
        found = self._value(self._reply("value", name), here=False)
        return Function(self, name) if isinstance(found, Thing) else found

    def call(self, function: "str | Thing", arguments: Sequence[Any], named: dict[str, Any]) -> Any:
        """What a function returns, called with these."""
        name = function if isinstance(function, str) else repr(function)
        given = [*map(brief, arguments), *(f"{k}={brief(v)}" for k, v in named.items())]
        self.last = f"{name}({', '.join(given)})"
        self.calls += 1
        reply = self._reply("call", function, list(arguments), named)
        found = self._value(reply)
        self.last += f" gave {brief(found)}"
        changed = reply.get("arguments")
        if found is None and changed is not None:
            self._change(arguments, self._made(changed))
        return found

    def ask(self, what: str, *asked: Any) -> Any:
        """What the candidate says."""
        return self._value(self._reply(what, *asked))

    def _value(self, reply: dict[str, Any], *, here: bool = True) -> Any:
        """What came back. What the candidate raised is raised `here`, in the tests, or else ends the trial."""
        self.printed = str(reply.get("printed", ""))[-SHOWN:]
        if "raised" in reply:
            raise _raised(str(reply["raised"]), str(reply.get("text", "")), here=here)
        if "value" not in reply:
            raise CandidateError("the program ended early")
        return self._made(reply["value"])

    def _reply(self, what: str, *asked: Any) -> dict[str, Any]:
        buffer = io.BytesIO()
        try:
            _Sending(buffer, pickle.HIGHEST_PROTOCOL).dump([what, *asked])
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise CandidateError(f"the tests pass what is no data: {error}") from None
        data = buffer.getvalue()
        try:
            self._wait()
            self._socket.sendall(len(data).to_bytes(4, "big") + data)
            size = int.from_bytes(self._exactly(4), "big")
            if size > FRAME:
                raise CandidateError("the program gives too much")
            reply = json.loads(self._exactly(size))
        except TimeoutError:
            raise LateError from None
        except OSError:
            raise CandidateError("the program ended early") from None
        except (ValueError, RecursionError):
            raise CandidateError("the program ended early, with noise") from None
        if not isinstance(reply, dict):
            raise CandidateError("the program ended early, with noise")
        return reply

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            self._wait()
            part = self._socket.recv(min(size - len(data), 1 << 20))
            if not part:
                raise CandidateError("the program ended early")
            data += part
        return bytes(data)

    def _wait(self) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise LateError
        self._socket.settimeout(left)

    def _made(self, told: Any) -> Any:
        """The value that was told."""
        try:
            return self._data(told)
        except CandidateError:
            raise
        except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError, ImportError):
            raise CandidateError("the program gives a value that cannot be read") from None

    def _data(self, told: Any) -> Any:
        if told is None or isinstance(told, bool | int | str):
            return told
        kind, *parts = told
        if kind == "h":
            number, name = parts
            return Thing(self, int(number), str(name)[:50])
        if kind == "a":
            import numpy

            return numpy.array(self._data(parts[1]), dtype=_dtype(parts[0]))
        return _KINDS[kind](*parts) if kind in _SCALARS else _KINDS[kind]([self._data(part) for part in parts])

    def _change(self, arguments: Sequence[Any], after: Any) -> None:
        """Lists, dicts and sets that a function without a result has changed are changed here too."""
        if not isinstance(after, list) or len(after) != len(arguments):
            return
        for mine, new in zip(arguments, after, strict=True):
            if type(mine) is not type(new):
                continue
            with contextlib.suppress(TypeError):
                if isinstance(mine, list):
                    mine[:] = new
                elif isinstance(mine, dict | set):
                    mine.clear()
                    mine.update(new)


def _dtype(name: str) -> str:
    if not name.startswith(("int", "uint", "float", "complex", "bool", "<U")):
        raise ValueError(name)
    return name


def short(text: str) -> str:
    """Its beginning."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def brief(value: Any) -> str:
    """A value as it is shown: never long, whatever it is."""
    if isinstance(value, list | tuple | str | bytes | dict | set) and len(value) > SHOWN:
        return f"<{type(value).__name__} of {len(value):,}>"
    if isinstance(value, int) and value.bit_length() > SHOWN:
        return f"<int of {value.bit_length():,} bits>"
    try:
        text = repr(value)
    except Exception:
        return f"<{type(value).__name__}>"
    return short(text)


_RAISED: dict[str, type[Exception]] = {  # those that one text makes
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, UnicodeError | ExceptionGroup)
}


def _raised(name: str, text: str, *, here: bool) -> Exception:
    """The exception that the candidate says it raised: of Python's own, as tests may wait for one."""
    kind = _RAISED.get(name) if here else None
    return kind(text) if kind is not None else CandidateError(f"{name[:50]}: {short(text)}".removesuffix(": "))


def _pairs(parts: list[Any]) -> dict[Any, Any]:
    return dict(zip(parts[::2], parts[1::2], strict=True))


_KINDS: dict[str, Callable[..., Any]] = {
    "i": lambda digits: int(digits, 16),
    "f": float.fromhex,
    "c": lambda real, imaginary: complex(float.fromhex(real), float.fromhex(imaginary)),
    "b": lambda text: text.encode("latin-1"),
    "y": lambda text: bytearray(text.encode("latin-1")),
    "r": range,
    "l": list,
    "t": tuple,
    "s": set,
    "z": frozenset,
    "d": _pairs,
    "n": iter,
    "q": deque,
}
_SCALARS = "ifcbyr"
