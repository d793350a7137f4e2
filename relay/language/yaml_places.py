"""YAML with the place of every key and value.

YAML 1.2 core: keys are always text; only true, false, null, integers and decimals are not. No tags, no merge
keys, no duplicate keys; aliases count toward a limit of values. The tree is built from PyYAML's events with a
stack of its own, so that deep nesting is a mistake of the user's and not of Python's stack.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import yaml

from relay.errors import Mistake, UserError
from relay.language.yaml_words import scalar, told

MOST_VALUES = 20_000
MOST_LEVELS = 64

Plain: TypeAlias = "str | int | float | bool | dict[str, Plain] | list[Plain] | None"


class Place(NamedTuple):
    """Where a key or a value was written."""

    file: str  # as the user named it; "--set a.b" for an option
    line: int = 0  # from 1; 0: the source has no lines
    col: int = 0  # from 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.col}" if self.line else self.file


class Value(NamedTuple):
    """A value and its place."""

    at: Place
    data: "str | int | float | bool | dict[str, Entry] | list[Value] | None"


class Entry(NamedTuple):
    """What stands behind a key of a map, and the key's place."""

    key: Place
    value: Value


def parse(text: str, file: str, lines: bool = True) -> Value:
    """The one document of this text. Raises UserError with all mistakes; `lines=False` for a text from an option."""
    if odd := yaml.reader.Reader.NON_PRINTABLE.search(text):
        line, col = text.count("\n", 0, odd.start()) + 1, odd.start() - text.rfind("\n", 0, odd.start())
        at = Place(file, line, col) if lines else Place(file)
        raise UserError(Mistake(str(at), f"the character {odd.group()!r} cannot stand in YAML"))
    loader = yaml.SafeLoader(text)
    builder = _Builder(file, lines)
    try:
        while loader.check_event():
            builder.take(loader.get_event())  # type: ignore[no-untyped-call]
    except _EnoughError:
        pass
    except yaml.MarkedYAMLError as error:
        builder.wrong(*told(error, builder.place))
    except (ValueError, OverflowError):  # chr() of an escape that is no character
        builder.wrong(builder.place(loader.get_mark()), "no character has this number")
    finally:
        loader.dispose()
    if builder.mistakes:
        raise UserError.of(builder.mistakes)
    return builder.root or Value(Place(file, 1, 1) if lines else Place(file), None)


def plain(value: Value) -> Plain:
    """The value without its places."""
    if isinstance(value.data, dict):
        return {key: plain(entry.value) for key, entry in value.data.items()}
    return [plain(item) for item in value.data] if isinstance(value.data, list) else value.data


class Spot(NamedTuple):
    """Where the key and the value at one path were written; items of a list have no key."""

    key: Place | None
    value: Place


Places: TypeAlias = Mapping[tuple[str | int, ...], Spot]


def places(value: Value) -> Places:
    """The places of everything in this tree, by path."""
    found: dict[tuple[str | int, ...], Spot] = {}

    def note(path: tuple[str | int, ...], key: Place | None, value: Value) -> None:
        found[path] = Spot(key, value.at)
        if isinstance(value.data, dict):
            for name, entry in value.data.items():
                note((*path, name), entry.key, entry.value)
        elif isinstance(value.data, list):
            for i, item in enumerate(value.data):
                note((*path, i), None, item)

    note((), None, value)
    return found


class _EnoughError(Exception):
    """There is no point in reading on."""


class _Open(NamedTuple):
    """A map or a list that is not closed yet."""

    value: Value
    anchor: str | None
    before: int  # values read before it
    flow: bool
    key: list[tuple[str, Place]]  # the key that waits for its value: none or one
    bare: list[bool]  # of each entry: it is a key without a value, not even `null`
    heights: list[int]  # of each value in it: how many levels stand on it


class _Builder:
    """Builds the tree from events."""

    def __init__(self, file: str, lines: bool) -> None:
        self.file, self.lines = file, lines
        self.mistakes: list[Mistake] = []
        self.root: Value | None = None
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Value, int, int] | None] = {}  # with size and height; None: still open
        self.count = 0

    def place(self, mark: Any) -> Place:
        return Place(self.file, mark.line + 1, mark.column + 1) if self.lines else Place(self.file)

    def wrong(self, at: Place, what: str, instead: str = "") -> None:
        self.mistakes.append(Mistake(str(at), what, instead))

    def take(self, event: yaml.Event) -> None:
        """One more event."""
        at = self.place(event.start_mark)
        if tag := getattr(event, "tag", None):
            self.wrong(at, f"there are no tags here: {tag.replace('tag:yaml.org,2002:', '!!')}", "leave it out")
        match event:
            case yaml.DocumentStartEvent() if self.root is not None:
                self.wrong(at, "a second document starts here", "a file holds one")
                raise _EnoughError
            case yaml.ScalarEvent():
                self._scalar(event, at)
            case yaml.AliasEvent():
                self._alias(event.anchor or "", at)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._open(event, at)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._close()

    def _scalar(self, event: yaml.ScalarEvent, at: Place) -> None:
        is_plain = event.style is None
        if self._wants_key():
            self._key(event.value, at, is_plain)
            return
        try:
            value = Value(at, scalar(event.value) if is_plain else event.value)
        except OverflowError:
            value = Value(at, 0)
            self.wrong(at, f"the number {event.value[:20]}... is too large")
        if isinstance(value.data, str) and not value.data.isascii() and _SURROGATE.search(value.data):
            self.wrong(at, "half a character (a lone surrogate) cannot be written")
        if event.anchor:
            self.anchors[event.anchor] = (value, 1, 0)
        self._add(value, 1, bare=is_plain and not event.value)

    def _key(self, key: str, at: Place, is_plain: bool) -> None:
        known = self._data().get(key)
        if known is not None:
            self.wrong(at, f"the key {key!r} stands here twice", f"first at {known.key}")
        elif key == "<<" and is_plain:
            self.wrong(at, "there are no merge keys here", "use 'extends:' or write the keys out")
        elif key[:1] == "<" and key[-1:] == ">":
            self.wrong(at, f"a key cannot look like {key!r}")
        elif not key.isprintable():
            self.wrong(at, f"a key cannot hold control characters: {key!r}")
        self.stack[-1].key.append((key, at))

    def _alias(self, name: str, at: Place) -> None:
        if self._wants_key():
            self.wrong(at, "a key must be text, not an alias")
            raise _EnoughError
        if name not in self.anchors:
            self.wrong(at, f"the alias *{name} stands for nothing", f"an anchor &{name} must come before it")
        elif self.anchors[name] is None:
            self.wrong(at, f"the alias *{name} stands inside what it stands for")
        value, size, height = self.anchors.get(name) or (Value(at, None), 1, 0)
        self._add(value, size, height)

    def _open(self, event: yaml.CollectionStartEvent, at: Place) -> None:
        if self._wants_key():
            self.wrong(at, "a key must be text, not a map or a list")
            raise _EnoughError
        self._check_depth(1, at)
        if event.anchor:
            self.anchors[event.anchor] = None
        data: dict[str, Entry] | list[Value] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self.stack.append(_Open(Value(at, data), event.anchor, self.count, bool(event.flow_style), [], [], []))

    def _close(self) -> None:
        done = self.stack.pop()
        value, size, height = done.value, self.count - done.before + 1, max(done.heights, default=0) + 1
        if isinstance(value.data, dict) and done.flow and done.bare == [True]:
            value = Value(value.at, "{" + next(iter(value.data)) + "}")
            if self.lines:  # on a command line the shell has eaten the quotes
                self.wrong(value.at, "a map with a key and no value", f'did you forget the quotes: "{value.data}"?')
        if done.anchor:
            self.anchors[done.anchor] = (value, size, height)
        self._add(value, 1, height)

    def _check_depth(self, height: int, at: Place) -> None:
        if len(self.stack) + height > MOST_LEVELS:
            self.wrong(at, f"nested more than {MOST_LEVELS} levels deep")
            raise _EnoughError

    def _add(self, value: Value, size: int, height: int = 0, bare: bool = False) -> None:
        self._check_depth(height, value.at)
        self.count += size
        if self.count > MOST_VALUES:
            self.wrong(value.at, f"more than {MOST_VALUES:,} values, counted with what the aliases stand for")
            raise _EnoughError
        if not self.stack:
            self.root = value
            return
        top = self.stack[-1]
        top.heights.append(height)
        if isinstance(top.value.data, list):
            top.value.data.append(value)
            return
        key, at = top.key.pop()
        self._data().setdefault(key, Entry(at, value))
        top.bare.append(bare)

    def _wants_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].value.data, dict) and not self.stack[-1].key

    def _data(self) -> "dict[str, Entry]":
        data = self.stack[-1].value.data
        assert isinstance(data, dict)
        return data


_SURROGATE = re.compile("[\ud800-\udfff]")
