"""Values as the tester builds them anew from what a candidate tells: plain data, whose equality is Python's own."""

import builtins
import contextlib
import keyword
from collections import Counter, OrderedDict, deque, namedtuple
from collections.abc import Callable, Coroutine, Iterator
from functools import cache
from typing import Any

SHOWN = 300

Thing = Callable[[str, list[Any]], Any]  # what stands for a value that is no data: its letter, and what was told of it


def built(told: Any, thing: Thing) -> Any:
    """The value that was told. Raises ValueError, TypeError and the like where there is none."""
    if told is None or isinstance(told, bool | int | str):
        return told
    if not isinstance(told, list):
        raise TypeError("a value is told as a list")
    kind, *parts = told
    if kind in _SCALARS:
        return _KINDS[kind](*parts)
    if kind in "hxo":
        return thing(kind, parts)
    if kind == "g":
        return thing(kind, [parts[0], *(built(part, thing) for part in parts[1:])])
    return _KINDS[kind]([built(part, thing) for part in parts])


def _pairs(parts: list[Any]) -> dict[Any, Any]:
    return dict(zip(parts[::2], parts[1::2], strict=True))


@cache
def _record(name: str, fields: tuple[str, ...]) -> Any:
    return namedtuple(name if name.isidentifier() and not keyword.iskeyword(name) else "Record", fields)


def _recorded(parts: list[Any]) -> Any:
    name, fields, *values = parts
    return _record(str(name)[:50], fields)(*values)


def _decimal(parts: list[Any]) -> Any:
    from decimal import Decimal

    return Decimal(*parts)


def _fraction(parts: list[Any]) -> Any:
    from fractions import Fraction

    return Fraction(*parts)


def _time(parts: list[Any]) -> Any:
    import datetime

    name, *given = parts
    if name == "timedelta":
        return datetime.timedelta(*given)
    kinds: dict[str, Any] = {"date": datetime.date, "datetime": datetime.datetime, "time": datetime.time}
    return kinds[name].fromisoformat(*given)


def _typed(parts: list[Any]) -> Any:
    from array import array

    return array(*parts)


def _array(parts: list[Any]) -> Any:
    """An array of numpy's. Raises ValueError for kinds that are no numbers, texts or plain objects."""
    import numpy

    kind, shape, values = parts
    if kind == "object":
        found = numpy.empty(len(values), object)
        for number, value in enumerate(values):
            found[number] = value
    elif kind.startswith(("datetime64", "timedelta64")):
        found = numpy.array(values, "int64").astype(kind)
    elif kind.startswith(("int", "uint", "float", "complex", "bool", "<U")):
        found = numpy.array(values, kind)
    else:
        raise ValueError(kind)
    return found.reshape(shape) if shape else found.reshape(())[()]


def _named(parts: list[Any]) -> Any:
    """A class of Python's own, or one of its two constants."""
    found = vars(builtins)[parts[0]]
    if not isinstance(found, type) and found not in (Ellipsis, NotImplemented):
        raise ValueError(parts[0])
    return found


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
    "C": lambda parts: Counter(_pairs(parts)),
    "O": lambda parts: OrderedDict(_pairs(parts)),
    "k": lambda parts: dict.fromkeys(parts).keys(),
    "v": lambda parts: dict(enumerate(parts)).values(),
    "w": lambda parts: _pairs(parts).items(),
    "q": deque,
    "m": _recorded,
    "D": _decimal,
    "F": _fraction,
    "T": _time,
    "A": _typed,
    "a": _array,
    "u": _named,
}
_SCALARS = "ifcbyr"


def short(text: str) -> str:
    """Its beginning."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def brief(value: Any) -> str:
    """A value as it is shown: never long, whatever it is."""
    if isinstance(value, list | tuple | str | bytes | dict | set) and len(value) > SHOWN:
        return f"<{type(value).__name__} of {len(value):,}>"
    if isinstance(value, int) and value.bit_length() > SHOWN:
        return f"<int of {value.bit_length():,} bits>"
    if isinstance(value, Iterator | Coroutine):
        return "<iterator>" if isinstance(value, Iterator) else "<coroutine>"
    with contextlib.suppress(Exception):
        return short(repr(value))
    return f"<{type(value).__name__}>"


def said(error: BaseException) -> str:
    """The text of an exception: it may hold a thing of the candidate's, which may refuse to be a text."""
    with contextlib.suppress(Exception):
        return str(error)
    return ""


def told(error: BaseException) -> str:
    """An exception in one line, and where it was raised if a program of the candidate's did."""
    where = "".join(getattr(error, "__notes__", ()))
    return f"{type(error).__name__}: {short(said(error))}".removesuffix(": ") + where
