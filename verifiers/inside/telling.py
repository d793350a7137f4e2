"""Values as the candidate tells them: data as JSON, any other value as a number that stands for it.

It imports nothing that a program may never need: a candidate lives for one answer.
"""

from __future__ import annotations

import builtins
import sys
from _collections_abc import Callable, Iterable, Iterator, Mapping, Set
from _json import encode_basestring_ascii as quoted

TYPE_CHECKING = False  # typing takes longer to import than all the rest
if TYPE_CHECKING:
    from typing import Any

CHUNK = 1000  # values of an iterator that are told at once
_VIEWS = {"dict_keys": "k", "dict_values": "v", "dict_items": "w"}
_MAPPINGS = {"Counter": "C", "OrderedDict": "O"}
_NUMPY_TYPED = ("float16", "float32")  # whose Python number is another one than they are equal to


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
            fields = getattr(type(value), "_fields", None)
            if fields and isinstance(value, tuple):
                self._several("m", (type(value).__name__, tuple(fields), *value), out)
            else:
                self._several("l" if isinstance(value, list) else "t", value, out)
        elif (view := _VIEWS.get(type(value).__name__)) and type(value).__module__ == "builtins":
            self._several(view, _flat(value) if view == "w" else value, out)
        elif isinstance(value, frozenset):
            self._several("z", value, out)
        elif isinstance(value, Set) and not isinstance(value, Mapping):
            self._several("s", value, out)
        elif isinstance(value, Mapping):
            self._several(_MAPPINGS.get(type(value).__name__, "d"), _flat(value.items()), out)
        elif isinstance(value, range):
            out(f'["r",{value.start},{value.stop},{value.step}]')
        elif isinstance(value, Iterator):
            self._stream(value, out)
        elif not self._known(value, type(value), out):
            out(f'["h",{self.held(value)},{quoted(type(value).__name__)}]')

    def held(self, value: Any) -> int:
        """The number that stands for this value."""
        self._held.append(value)
        return len(self._held) - 1

    def _several(self, kind: str, values: Iterable[Any], out: Callable[[str], Any]) -> None:
        out(f'["{kind}"')
        for value in values:
            out(",")
            self._tell(value, out)
        out("]")

    def _stream(self, values: Iterator[Any], out: Callable[[str], Any]) -> None:
        """The next values of an iterator and, unless these are all, a number for the others."""
        some: list[Any] = []
        others: Iterator[Any] | None = values
        try:
            for value in values:
                some.append(value)
                if len(some) == CHUNK:
                    break
            else:
                others = None
        except Exception as error:  # the values before it are there all the same
            others = _raising(error)
        self._several("g", (None if others is None else self.held(others), *some), out)

    def _known(self, value: Any, kind: Any, out: Callable[[str], Any]) -> bool:
        """Whether it is data of one of these libraries, or of Python's own names; it is told then."""
        module, name = str(kind.__module__), kind.__name__
        if name == "coroutine":
            self._several("o", (self.held(value),), out)
        elif module == "collections" and name == "deque":
            self._several("q", value, out)
        elif module == "decimal" and name == "Decimal":
            self._several("D", (str(value),), out)
        elif module == "fractions" and name == "Fraction":
            self._several("F", (value.numerator, value.denominator), out)
        elif module == "datetime" and name in ("date", "datetime", "time"):
            self._several("T", (name, value.isoformat()), out)
        elif module == "datetime" and name == "timedelta":
            self._several("T", (name, value.days, value.seconds, value.microseconds), out)
        elif module == "array":
            self._several("A", (value.typecode, value.tolist()), out)
        elif module == "numpy" and hasattr(value, "dtype"):
            self._numpy(value, out)
        elif module == "sympy.core.numbers" and (value.is_Rational or value.is_Float):
            plain = (int(value.p), int(value.q)) if value.is_Rational else ()
            self._several("F", plain, out) if plain else self._tell(float(value), out)
        elif value is Ellipsis or value is NotImplemented:
            self._several("u", (str(value),), out)
        elif isinstance(value, type):
            return self._class(value, out)
        else:
            return False
        return True

    def _class(self, value: type, out: Callable[[str], Any]) -> bool:
        if vars(builtins).get(value.__name__) is value:
            self._several("u", (value.__name__,), out)
        elif issubclass(value, Exception):
            self._several("x", kinds(value), out)
        else:
            return False
        return True

    def _numpy(self, value: Any, out: Callable[[str], Any]) -> None:
        """An array by its kind, shape and values; of its numbers, most are Python's."""
        kind = str(value.dtype)
        if not value.shape and value.dtype.kind not in "mM" and kind not in _NUMPY_TYPED:
            self._tell(value.item(), out)
            return
        flat = sys.modules["numpy"].asarray(value).reshape(-1)
        values = (flat.astype("int64") if value.dtype.kind in "mM" else flat).tolist()
        self._several("a", (kind, list(value.shape), values), out)


def kinds(error: type[BaseException]) -> list[str]:
    """The name of a kind of exceptions, and those of Python's own kinds that it is of."""
    own = [kind.__name__ for kind in error.__mro__ if vars(builtins).get(kind.__name__) is kind]
    return [error.__name__, *own]


def _flat(pairs: Iterable[tuple[Any, Any]]) -> Iterator[Any]:
    return (part for pair in pairs for part in pair)


def _raising(error: Exception) -> Iterator[Any]:
    raise error
    yield
