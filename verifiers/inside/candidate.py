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
from _collections_abc import Callable, Iterable, Iterator, Mapping, Set
from _json import encode_basestring_ascii as quoted

TYPE_CHECKING = False  # typing takes longer to import than all the rest
if TYPE_CHECKING:
    from typing import Any

SHOWN = 2000  # characters of what it printed that are kept
ITEMS = 1_000_000  # of an iterator
FRAME = 16 << 20  # bytes of one reply


class Tail(io.TextIOBase):
    """What was printed last."""

    def __init__(self) -> None:
        self.text = ""

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, text: str) -> int:
        """Keep the end of it."""
        self.text = (self.text + text[-SHOWN:])[-SHOWN:]
        return len(text)


class Objects:
    """Values that are no data: the tester gets a number for each."""

    def __init__(self) -> None:
        self._held: list[Any] = []

    def __getitem__(self, number: int) -> Any:
        return self._held[number]

    def told(self, value: Any) -> str:
        """A value as JSON: data as it is, or under a letter for its kind; any other by its number."""
        out: list[str] = []
        self._tell(value, out.append)
        return "".join(out)

    def _tell(self, value: Any, out: Callable[[str], Any]) -> None:  # noqa: PLR0912  # a kind of data a branch
        if value is None:
            out("null")
        elif value is True or value is False:
            out("true" if value else "false")
        elif isinstance(value, str):
            out(quoted(str.__str__(value)))
        elif isinstance(value, int):
            number = int(value)
            out(str(number) if -(1 << 60) < number < 1 << 60 else f'["i",{quoted(hex(number))}]')
        elif isinstance(value, float):
            out(f'["f",{quoted(float.hex(float(value)))}]')
        elif isinstance(value, complex):
            out(f'["c",{quoted(float.hex(value.real))},{quoted(float.hex(value.imag))}]')
        elif isinstance(value, bytes | bytearray):
            out(f'["{"b" if isinstance(value, bytes) else "y"}",{quoted(value.decode("latin-1"))}]')
        elif isinstance(value, list | tuple):
            self._several("l" if isinstance(value, list) else "t", value, out)
        elif isinstance(value, frozenset):
            self._several("z", value, out)
        elif isinstance(value, Set) and not isinstance(value, Mapping):
            self._several("s", value, out)
        elif isinstance(value, Mapping):
            self._several("d", (part for pair in value.items() for part in pair), out)
        elif isinstance(value, range):
            out(f'["r",{value.start},{value.stop},{value.step}]')
        elif type(value).__module__ == "numpy":
            self._array(value, out)
        elif isinstance(value, Iterator):
            self._several("n", self._first(value), out)
        elif type(value).__module__ == "collections" and isinstance(value, Iterable):  # a deque
            self._several("q", value, out)
        else:
            self._held.append(value)
            out(f'["h",{len(self._held) - 1},{quoted(type(value).__name__)}]')

    def _several(self, kind: str, values: Iterable[Any], out: Callable[[str], Any]) -> None:
        out(f'["{kind}"')
        for value in values:
            out(",")
            self._tell(value, out)
        out("]")

    def _first(self, values: Iterator[Any]) -> Iterator[Any]:
        for number, value in enumerate(values):
            if number == ITEMS:
                raise ValueError(f"an iterator of more than {ITEMS:,} values")
            yield value

    def _array(self, value: Any, out: Callable[[str], Any]) -> None:
        if hasattr(value, "tolist") and getattr(value, "ndim", None):
            out(f'["a",{quoted(str(value.dtype))},')
            self._tell(value.tolist(), out)
            out("]")
        else:
            self._tell(value.item() if hasattr(value, "item") else str(value), out)


class Reading(_pickle.Unpickler):
    """Reads what the tester sends; it may name values that are here."""

    def __init__(self, data: bytes, objects: Objects) -> None:
        super().__init__(io.BytesIO(data))
        self._objects = objects

    def persistent_load(self, number: Any) -> Any:
        """The value that has this number."""
        return self._objects[number]


def main(fd: int) -> None:
    """Answer what the tester asks until it has no more questions."""
    null = posix.open("/dev/null", posix.O_RDWR)
    for std in (0, 1, 2):
        posix.dup2(null, std)
    tail = Tail()
    for name in ("stdout", "stderr", "__stdout__", "__stderr__"):
        setattr(sys, name, tail)
    posix.write(fd, b"\n")  # ready: what goes wrong from here on is the answer's doing
    module = type(sys)("candidate")
    sys.modules["candidate"] = module
    objects = Objects()
    while (frame := _read(fd)) is not None:
        tail.text = ""
        try:
            what, *asked = Reading(frame, objects).load()
            found = objects.told(_do(module.__dict__, what, asked, objects))
            if len(found) > FRAME:
                raise ValueError("a value of more than 16 MB")
            reply = f'{{"value":{found}'
            if what == "call" and found == "null" and any(isinstance(a, list | dict | set) for a in asked[1]):
                reply += f',"arguments":{objects.told(asked[1])}'  # a function that returns nothing may change them
        except BaseException as error:
            reply = f'{{"raised":{_quoted(type(error).__name__)},"text":{_quoted(_text(error))}'
        _write(fd, f'{reply},"printed":{_quoted(tail.text)}}}'.encode())


def _do(names: dict[str, Any], what: str, asked: list[Any], objects: Objects) -> Any:
    if what == "load":
        for number, source in enumerate(asked):
            exec(compile(source, f"<{'head' if number + 1 < len(asked) else 'answer'}>", "exec"), names)
        return [name for name in names if not name.startswith("__")]
    if what == "evaluate":
        return eval(compile(asked[0], "<answer>", "eval"), names)
    if what == "call":
        function, arguments, named = asked
        return (names[function] if isinstance(function, str) else function)(*arguments, **named)
    if what == "value":
        return names[asked[0]]
    if what == "get":
        return getattr(*asked)
    if what == "set":
        return setattr(*asked)
    raise ValueError(what)


def _text(error: BaseException) -> str:
    """What it says, and the line of the answer where it arose."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<answer>":
            line = trace.tb_lineno
        trace = trace.tb_next
    said = str(error)[:SHOWN]
    return f"{said} (line {line} of the program)" if line else said


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
