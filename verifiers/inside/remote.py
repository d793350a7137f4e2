"""A candidate as the tester sees it: calls go over a socket, and what comes back is plain data or a thing's number."""

import builtins
import contextlib
import io
import itertools
import json
import pickle
import socket
import time
from collections.abc import ItemsView, KeysView, Sequence, ValuesView
from typing import Any, NoReturn

from .things import Function, Stream, Thing
from .values import brief, built, short

FRAME = 32 << 20  # bytes of one reply
SHOWN = 300


class LateError(Exception):
    """The candidate did not answer in time."""


class CandidateError(Exception):
    """The candidate ended, or said what makes no sense."""


class _Sending(pickle.Pickler):
    """What is sent may hold things and functions of the candidate's own, and nothing else that is no data."""

    def persistent_id(self, value: Any) -> Any:
        """A number or a name for what is the candidate's."""
        if isinstance(value, Thing):
            return value._number
        return value.__name__ if isinstance(value, Function) else None

    def reducer_override(self, value: Any) -> Any:
        """What was built here as it is there: iterators and views; records, of which it has no class, as tuples."""
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return tuple, (tuple(value),)
        if isinstance(value, Stream):
            return itertools.chain, (list(value._some), value._others or [])
        if isinstance(value, KeysView):
            return dict.keys, (dict.fromkeys(value),)
        if isinstance(value, ItemsView):
            return dict.items, (dict(value),)
        return (dict.values, (dict(enumerate(value)),)) if isinstance(value, ValuesView) else NotImplemented


class Remote:
    """One candidate until its deadline."""

    def __init__(self, stream: socket.socket, until: float) -> None:
        self._socket = stream
        self._until = until
        self._errors: dict[str, type[Exception]] = {}  # its own kinds of exceptions, by name
        self.calls = 0
        self.last = ""  # the last call, and what came of it
        self.printed = ""
        self.ended: CandidateError | LateError | None = None  # why it can be asked no more

    def load(self, head: str, program: str) -> list[str]:
        """Run these; the names that are defined then."""
        names = self._value(self._reply("load", head, program), here=False)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            self._end(CandidateError("the program ended early"))
        return names

    def evaluate(self, source: str) -> Any:
        """The value of an expression."""
        return self._value(self._reply("evaluate", source), here=False)

    def value(self, name: str, *, called: bool = False) -> Any:
        """What this name stands for: a function or a class to call, a kind of exceptions, or data."""
        found = self._value(self._reply("value", name), here=False)
        waited = isinstance(found, type) and not called and found in self._errors.values()
        return Function(self, name) if isinstance(found, Thing | type) and not waited else found

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
            _change([*arguments, *named.values()], self._made(changed))
        return found

    def ask(self, what: str, *asked: Any) -> Any:
        """Anything else of it."""
        return self._value(self._reply(what, *asked))

    def _value(self, reply: dict[str, Any], *, here: bool = True) -> Any:
        """The value of a reply; what the candidate raised is raised `here`, in the tests, or else ends the trial."""
        self.printed = str(reply.get("printed", ""))[-SHOWN:]
        if "raised" in reply:
            self._raise(reply, here=here)
        if "value" not in reply:
            self._end(CandidateError("the program ended early"))
        return self._made(reply["value"])

    def _raise(self, reply: dict[str, Any], *, here: bool) -> NoReturn:
        """Raise what the candidate says it raised: of Python's own kinds, as tests may wait for one."""
        names, text, line = reply["raised"], short(str(reply.get("text", ""))), reply.get("line")
        names = [str(name)[:50] for name in names[1:]] if isinstance(names, list) else []
        where = f" (line {line} of the program)" if line and isinstance(line, int) else ""
        kind = self._kind(names) if here else None
        if kind is None:
            said = f"{names[0] if names else 'an exception'}: {text}".removesuffix(": ")
            self._end(CandidateError(said + where))
        try:
            error = kind(*built(reply["args"], self._thing))
        except Exception:
            error = (kind if kind.__name__ in _BY_TEXT else Exception)(text)
        error.add_note(where)
        raise error

    def _kind(self, names: list[str]) -> type[Exception] | None:
        """Python's own kind of this name, or one of that kind made here; none for those that steer Python itself."""
        base = next((_RAISED[name] for name in names[1:] if name in _RAISED), None)
        if base is None or not _STEERING.isdisjoint(names):
            return None
        if names[0] == base.__name__ or not names[0].isidentifier():
            return base
        return self._errors.setdefault(names[0], type(names[0], (base,), {}))

    def _reply(self, what: str, *asked: Any) -> dict[str, Any]:
        buffer = io.BytesIO()
        try:
            _Sending(buffer, pickle.HIGHEST_PROTOCOL).dump([what, *asked])
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            self._end(CandidateError(f"the tests pass what is no data: {error}"))
        data = buffer.getvalue()
        try:
            self._wait()
            self._socket.sendall(len(data).to_bytes(4, "big") + data)
            size = int.from_bytes(self._exactly(4), "big")
            if size > FRAME:
                self._end(CandidateError("the program gives too much"))
            reply = json.loads(self._exactly(size))
        except TimeoutError:
            self._end(LateError())
        except OSError:
            self._end(CandidateError("the program ended early"))
        except (ValueError, RecursionError):
            self._end(CandidateError("the program ended early, with noise"))
        if not isinstance(reply, dict):
            self._end(CandidateError("the program ended early, with noise"))
        return reply

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            self._wait()
            part = self._socket.recv(min(size - len(data), 1 << 20))
            if not part:
                self._end(CandidateError("the program ended early"))
            data += part
        return bytes(data)

    def _wait(self) -> None:
        """Have as long for the next piece as there is left; what ended is asked no more."""
        left = self._until - time.monotonic()
        if self.ended is not None or left <= 0:
            self._end(self.ended or LateError())
        self._socket.settimeout(left)

    def _end(self, why: CandidateError | LateError) -> NoReturn:
        """The trial is over, whatever the tests make of this exception."""
        self.ended = self.ended or why
        raise self.ended

    def _made(self, told: Any) -> Any:
        """The value that was told."""
        try:
            return built(told, self._thing)
        except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError, ImportError):
            self._end(CandidateError("the program gives a value that cannot be read"))

    def _thing(self, letter: str, parts: list[Any]) -> Any:
        if letter == "x":
            return self._kind([str(part)[:50] for part in parts]) or Exception
        if letter == "g":
            others, *some = parts
            return Stream(self, None if others is None else Thing(self, int(others), "iterator"), some)
        thing = Thing(self, int(parts[0]), "coroutine" if letter == "o" else str(parts[1])[:50])
        return self._awaited(thing) if letter == "o" else thing

    async def _awaited(self, thing: Thing) -> Any:
        return self.ask("await", thing)


def _change(arguments: Sequence[Any], after: Any) -> None:
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


_RAISED: dict[str, type[Exception]] = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, ExceptionGroup)
}
_BY_TEXT = {name for name, kind in _RAISED.items() if not issubclass(kind, UnicodeError)}  # those that one text makes
_STEERING = {"StopIteration", "StopAsyncIteration", "GeneratorExit"}  # raised in the tests, they would end their loops
