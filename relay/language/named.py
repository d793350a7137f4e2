"""Values with a name, from `let:`: which may stand nowhere, and where a mistake in one is told."""

from collections.abc import Collection, Iterable
from typing import Any

from relay.language.composing import canned, knobs
from relay.language.telling import Fault, Path
from relay.language.yaml_places import Places


def quiet(tree: Any, spots: Places, source: str) -> frozenset[str]:
    """The names in `let:` that may stand nowhere: a preset serves several tests, each of which uses some of it."""
    let = tree.get("let") if isinstance(tree, dict) else None
    ours, known = {f"relay/{name}" for name in canned()}, knobs()

    def told(name: str) -> bool:
        spot = spots.get(("let", name))
        at = spot and (spot.key or spot.value)
        if at is None or at.file in ours:
            return False  # a tree that was read before, or a preset of relay's
        if not at.line:
            return at.file.startswith("--set let")
        return at.file == source or name not in known

    return frozenset(name for name in (let if isinstance(let, dict) else ()) if not told(name))


def besides(unfilled: Collection[Path], faults: Iterable[Fault]) -> list[Fault]:
    """The faults but for those of variables without a value, of which that is told."""
    return [f for f in faults if f.at_key or not any(f.path[: len(path)] == path for path in unfilled)]


def at_their_names(faults: list[Fault], spots: Iterable[tuple[Path, str]], names: Collection[str]) -> list[Fault]:
    """The faults; what is wrong with a value of `let:` is told where that stands, once for all that use it."""
    mine = [(path, name) for path, name in spots if name in names]
    found = []
    for fault in faults:
        for path, name in mine:
            if fault.path[: len(path)] == path and not (fault.at_key and fault.path == path):
                found.append(fault._replace(path=("let", name, *fault.path[len(path) :]), meant=""))
                break
        else:
            found.append(fault)
    return list(dict.fromkeys(found))
