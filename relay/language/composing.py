"""A scenario's tree from its files and options: `extends:`, `use:`, `--set`; each key with the place it came from."""

import shlex
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NamedTuple

from relay.errors import Mistake, UserError
from relay.language.imports import Other, Whole, with_graphs
from relay.language.phrases import Schema, shown
from relay.language.scenario import Scenario
from relay.language.telling import Type, did_you_mean
from relay.language.yaml_places import Entry, Place, Value, parse, plain

RUN_FILE = b"RELY"  # at byte 68, as docs/run-file.md has it


class Source(NamedTuple):
    """A scenario's file."""

    name: str  # as a user names it: a path, or "relay/strict"
    file: Traversable  # a Path, or a file of the package


@cache
def language() -> Type[Scenario]:
    """The type of a whole scenario."""
    return Type(Scenario)


@cache
def canned() -> Mapping[str, Traversable]:
    """The scenarios and presets that ship with relay, by name."""
    found = (f for f in files("relay.scenarios").iterdir() if f.name.endswith(".yaml"))
    return {f.name.removesuffix(".yaml"): f for f in sorted(found, key=lambda f: f.name.removesuffix(".yaml"))}


def find(name: str, folder: Path = Path()) -> Source | Mistake:
    """The file of this name: a path from this folder, `relay/NAME`, or the bare name of a canned scenario."""
    bare = name.removeprefix("relay/")
    if bare in canned():
        return Source(f"relay/{bare}", canned()[bare])
    path = folder / name
    if path.is_dir():
        return Mistake("", f"{name!r} is a folder", "name a file in it")
    if path.is_file():
        return Source(str(path), path)
    near = did_you_mean(bare, [*canned(), *(str(p.relative_to(folder)) for p in folder.glob("*.y*ml"))])
    return Mistake("", f"there is no scenario file {name!r}", near or f"canned ones: {', '.join(canned())}")


@cache
def presets() -> Mapping[str, Mapping[str, object]]:
    """The presets that ship with relay, by name, as plain trees: they say how, and leave it to others what."""
    trees = {name: plain(parse(file.read_text("utf-8"), name)) for name, file in canned().items()}
    return {name: tree for name, tree in trees.items() if isinstance(tree, dict) and "graph" not in tree}


@cache
def knobs() -> frozenset[str]:
    """The names to which the presets that ship with relay give values."""
    lets: Iterable[Any] = (tree.get("let", {}) for tree in presets().values())
    return frozenset(name for let in lets for name in let)


def compose(source: Source, sets: Mapping[str, str], preset: str = "") -> Whole:
    """The tree of this file, of what it extends, and of the options; `preset` takes the place of its own.

    What is wrong with files whose graphs it uses comes with it. Raises UserError.
    """
    tree = _extended(source, (), preset_of(preset) if preset else None)
    mistakes: list[Mistake] = []
    for path, text in sets.items():
        try:
            tree = _set(tree, tuple(path.split(".")), parse(text, f"--set {path}", lines=False))
        except UserError as error:
            mistakes += error.mistakes
    if mistakes:
        raise UserError.of(mistakes)
    return with_graphs(tree, _other)


def _other(name: str, by: str) -> Other | Mistake:
    """A scenario whose graph is used in another, `by` its name; paths start where that lies."""
    ours = by.startswith("relay/") and by.removeprefix("relay/") in canned()
    found = find(name, Path() if ours else Path(by).parent)
    return found if isinstance(found, Mistake) else Other(found.name, lambda: _extended(found, ()))


def with_values(tree: object, source: str, changes: Mapping[str, tuple[str, str]]) -> Value:
    """A plain tree with these values (YAML, and the option it came from) at these paths. Raises UserError."""
    changed = _placed(tree, Place(source))
    mistakes: list[Mistake] = []
    for path, (text, option) in changes.items():
        try:
            changed = _set(changed, tuple(path.split(".")), parse(text, option, lines=False))
        except UserError as error:
            mistakes += error.mistakes
    if mistakes:
        raise UserError.of(mistakes)
    return changed


def _placed(tree: Any, at: Place) -> Value:
    """A plain tree, all of it at one place."""
    if isinstance(tree, dict):
        return Value(at, {key: Entry(at, _placed(value, at)) for key, value in tree.items()})
    return Value(at, [_placed(item, at) for item in tree] if isinstance(tree, list) else tree)


def preset_of(name: str) -> Source:
    """The preset of this name: one of relay's, or a file. Raises UserError."""
    found = find(name)
    where, ours = f"--preset {name}", ", ".join(presets())
    if isinstance(found, Mistake):
        near = did_you_mean(name.removeprefix("relay/"), presets())
        raise UserError(Mistake(where, f"there is no preset {name!r}", near or f"relay's own: {ours}; or a file"))
    tree = plain(parse(_text(found), found.name))
    if isinstance(tree, dict) and "graph" in tree:
        raise UserError(Mistake(where, "is a whole scenario: it has a graph of its own", f"relay's presets: {ours}"))
    return found


def _extended(source: Source, below: tuple[str, ...], preset: Source | None = None) -> Value:
    tree = parse(_text(source), source.name)
    if not isinstance(tree.data, dict):
        what = "the file is empty" if tree.data is None else f"should be a map, not {shown(plain(tree))}"
        raise UserError(Mistake(str(tree.at), what, "a scenario starts with 'relay: 1'"))
    extends = tree.data.pop("extends", None)
    if extends is None:
        if preset is not None:
            what = f"{below[0] if below else source.name} extends none of relay's presets, which this could replace"
            instead = f"write 'extends: {preset.name}' in it"
            raise UserError(Mistake(f"--preset {preset.name}", what, instead))
        return tree
    base = _base(extends.value, source, (*below, source.name), preset)
    return _merged(base, tree, language().root)


def _base(extends: Value, source: Source, chain: tuple[str, ...], preset: Source | None) -> Value:
    if not isinstance(extends.data, str):
        what = f"extends: should be the name of one scenario, not {shown(plain(extends))}"
        raise UserError(Mistake(str(extends.at), what))
    folder = source.file.parent if isinstance(source.file, Path) else Path()
    found = find(extends.data, folder)
    if isinstance(found, Mistake):
        raise UserError(found._replace(where=str(extends.at), what=f"extends: {found.what}"))
    if found.name in chain:
        circle = " -> ".join((*chain[chain.index(found.name) :], found.name))
        raise UserError(Mistake(str(extends.at), f"extends: goes in a circle: {circle}"))
    if preset is not None and found.name.removeprefix("relay/") in presets():
        return _extended(preset, chain)
    return _extended(found, chain, preset)


def _text(source: Source) -> str:
    try:
        content = source.file.read_bytes()
    except OSError as error:
        raise UserError(Mistake(source.name, f"cannot be read: {error.strerror}")) from None
    if content[68:72] == RUN_FILE:
        name = shlex.quote(source.name)
        instead = f"`relay run --resume {name}` goes on with it, `relay show {name}` shows it"
        raise UserError(Mistake(source.name, "is a run file, not a scenario", instead))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        col = len(content[content.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8-sig")) + 1
        raise UserError(Mistake(f"{source.name}:{line}:{col}", "this is not UTF-8 text", "save it as UTF-8")) from None


def _merged(base: Value, over: Value, schema: Schema) -> Value:
    """Maps merge; all else replaces, and so does a map of another kind (verb, engine, unit); null removes."""
    if not isinstance(base.data, dict) or not isinstance(over.data, dict):
        return over
    merges = language().merges(schema, plain(base), plain(over))
    if merges is None:
        return over
    entries = dict(base.data)
    for key, entry in over.data.items():
        old = entries.get(key)
        if old is None:
            entries[key] = entry
        elif entry.value.data is None:
            del entries[key]
        else:
            below = language().below(merges, key) or {}
            entries[key] = Entry(entry.key, _merged(old.value, entry.value, below))
    return Value(over.at, entries)


def _set(tree: Value, path: tuple[str, ...], value: Value, done: int = 0) -> Value:
    """The tree with this value at the path; null removes what is there."""
    if done == len(path):
        return value
    key, last = path[done], done + 1 == len(path)
    if isinstance(tree.data, dict):
        entries = dict(tree.data)
        if last and value.data is None and key in entries:
            del entries[key]
        else:
            old = entries[key].value if key in entries else Value(value.at, {})
            entries[key] = Entry(value.at, _set(old, path, value, done + 1))
        return Value(tree.at, entries)
    if isinstance(tree.data, list):
        items = list(tree.data)
        if not key.isdecimal() or int(key) >= len(items):
            has = f"the list at {'.'.join(path[:done])} has the items 0 to {len(items) - 1}" if items else "it is empty"
            raise UserError(Mistake(str(value.at), f"there is no item {key!r}", has))
        items[int(key)] = _set(items[int(key)], path, value, done + 1)
        return Value(tree.at, items)
    if tree.data is None:
        return _set(Value(value.at, {}), path, value, done)
    what = f"{'.'.join(path[:done])} is {shown(plain(tree))}, which has no key {key!r}"
    raise UserError(Mistake(str(value.at), what, f"set {'.'.join(path[:done])} as a whole"))


def settings(texts: list[str]) -> dict[str, str]:
    """The options `--set a.b=VALUE` as paths and values. Raises UserError."""
    wrong = [text for text in texts if not text.partition("=")[0].strip(" .") or "=" not in text]
    if wrong:
        raise UserError.of(Mistake(f"--set {text}", "should be --set a.b.c=VALUE") for text in wrong)
    return {path.strip(): value for path, _, value in (text.partition("=") for text in texts)}
