"""The candidate's side: it runs what a model wrote, and says as data what calls of it return.

Everything here is in the hands of what it runs. So nothing that this process says counts for more than the values that
its functions return; the tests, and what they expect, are with the tester, in another sandbox. It imports little: a
candidate lives for one answer.
"""

from __future__ import annotations

import _pickle
import builtins
import io
import posix
import sys
from _json import encode_basestring_ascii as quoted

from .telling import Objects, kinds

TYPE_CHECKING = False  # typing takes longer to import than all the rest
if TYPE_CHECKING:
    from typing import Any

SHOWN = 2000  # bytes of what it printed that are kept
FRAME = 16 << 20  # bytes of one reply


class Tail(io.RawIOBase):
    """What was printed last."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Keep the end of it."""
        self.data = (self.data + bytes(data[-SHOWN:]))[-SHOWN:]
        return len(data)


class Reading(_pickle.Unpickler):
    """Reads what the tester sends; it may name values that are here."""

    def __init__(self, data: bytes, objects: Objects, names: dict[str, Any]) -> None:
        super().__init__(io.BytesIO(data))
        self._objects = objects
        self._names = names

    def persistent_load(self, which: Any) -> Any:
        """The value that has this number, or this name."""
        return self._names[which] if isinstance(which, str) else self._objects[which]


def main(fd: int) -> None:
    """Answer what the tester asks until it has no more questions."""
    null = posix.open("/dev/null", posix.O_RDWR)
    for std in (0, 1, 2):
        posix.dup2(null, std)
    tail = Tail()
    printing = io.TextIOWrapper(tail, "utf-8", "backslashreplace", write_through=True)  # type: ignore[type-var]
    for name in ("stdout", "stderr", "__stdout__", "__stderr__"):
        setattr(sys, name, printing)
    posix.write(fd, b"\n")  # ready: what goes wrong from here on is the answer's doing
    module = type(sys)("candidate")
    sys.modules["candidate"] = module
    objects = Objects()
    while (frame := _read(fd)) is not None:
        tail.data = b""
        try:
            reply = _answered(frame, module.__dict__, objects)
        except BaseException as error:
            reply = _raised(error, objects)
        _write(fd, f'{reply},"printed":{_quoted(tail.data.decode("utf-8", "replace"))}}}'.encode())


def _answered(frame: bytes, names: dict[str, Any], objects: Objects) -> str:
    what, *asked = Reading(frame, objects, names).load()
    found = objects.told(_do(names, what, asked))
    if len(found) > FRAME:
        raise ValueError("a value of more than 16 MB")
    reply = f'{{"value":{found}'
    if what == "call" and found == "null":  # a function that returns nothing may change its arguments
        given = [*asked[1], *asked[2].values()]
        if any(isinstance(each, list | dict | set) for each in given):
            reply += f',"arguments":{objects.told(given)}'
    return reply


def _raised(error: BaseException, objects: Objects) -> str:
    """An exception by its kinds and what it holds, and by the line of the answer where it arose."""
    reply = f'{{"raised":{objects.told(kinds(type(error)))},"line":{_line(error)},"text":{_quoted(_text(error))}'
    try:
        held = objects.told(error.args)
    except BaseException:
        return reply
    return f'{reply},"args":{held}' if len(held) < SHOWN else reply


def _do(names: dict[str, Any], what: str, asked: list[Any]) -> Any:
    if what == "load":
        for number, source in enumerate(asked):
            place = "<head>" if number + 1 < len(asked) else "<answer>"
            exec(compile(source, place, "exec", dont_inherit=True), names)
        return [name for name in names if not name.startswith("__")]
    if what == "evaluate":
        return eval(compile(asked[0], "<answer>", "eval", dont_inherit=True), names)
    if what == "call":
        function, arguments, named = asked
        return (names[function] if isinstance(function, str) else function)(*arguments, **named)
    if what == "value":
        return names[asked[0]]
    return _DEEDS[what](*asked)


def _awaited(value: Any) -> Any:
    import asyncio

    return asyncio.run(value)


_DEEDS: dict[str, Any] = {
    "get": getattr, "set": setattr, "len": len, "iter": iter, "str": str, "bool": bool, "int": int, "float": float,
    "item": lambda value, at: value[at], "more": lambda value: value, "await": _awaited,
}  # fmt: skip


def _line(error: BaseException) -> int:
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<answer>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _text(error: BaseException) -> str:
    try:
        return str(error)[:SHOWN]
    except Exception:
        return ""


def _quoted(text: Any) -> str:
    return quoted(str.__str__(text)) if isinstance(text, str) else '""'


def _read(fd: int) -> bytes | None:
    """The next frame; None at the end."""
    head = _exactly(fd, 4)
    return None if head is None else _exactly(fd, int.from_bytes(head, "big"))


def _exactly(fd: int, size: int) -> bytes | None:
    parts = []
    while size:
        part = posix.read(fd, min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _write(fd: int, data: bytes) -> None:
    data = len(data).to_bytes(4, "big") + data
    while data:
        data = data[posix.write(fd, data) :]


def start() -> None:
    """Bind this process as its arguments say, and answer."""
    from .bounds import bind

    fd, *limits = map(int, sys.argv[1:])
    bind(*limits)
    del sys.argv[1:]
    builtins.input = _no_input
    main(fd)


def _no_input(prompt: object = "") -> str:
    raise EOFError("there is no input")
