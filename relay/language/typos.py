"""What is wrong behind typos: a tree is looked at again with the keys and names that were surely meant."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from relay.language.telling import Fault, Path, at


def behind_typos(tree: Any, faults: list[Fault], look: Callable[[Any], list[Fault]]) -> Iterator[Fault]:
    """The typos in keys and names, and what is wrong once they are mended: so that none hides or causes anything.

    `look` finds the faults of a tree.
    """
    typos: list[Fault] = []
    renamed: dict[Path, str] = {}  # by the path after mending: the key as it was written
    while found := [fault for fault in faults if fault.meant]:
        typos += found
        before = tree
        for fault in found:
            *above, key = fault.path
            if fault.at_key:
                tree = _renamed(tree, above, str(key), fault.meant)
                renamed[*above, fault.meant] = str(key)
            else:
                tree = _said_anew(tree, fault.path, fault)
        if tree == before:  # a name of a graph in use, which stands there in another way
            break
        faults = look(tree)
    for fault in (*typos, *faults):
        written = (renamed.get(fault.path[: i + 1], key) for i, key in enumerate(fault.path))
        yield fault._replace(path=tuple(written))


def _renamed(tree: Any, above: Sequence[str | int], key: str, meant: str) -> Any:
    """The tree with another name for one key."""
    if not above:
        return {meant if name == key else name: value for name, value in tree.items()}
    first, *rest = above
    if isinstance(tree, dict):
        return {**tree, str(first): _renamed(tree[str(first)], rest, key, meant)}
    return [_renamed(item, rest, key, meant) if i == first else item for i, item in enumerate(tree)]


def _said_anew(tree: Any, path: Sequence[str | int], fault: Fault) -> Any:
    """The tree with the name that was meant; a short form ends where the name stands."""
    if isinstance(tree, str):
        return fault.meant if tree == fault.said else tree
    if not path or at(tree, path[:1]) is None:
        return tree
    first, *rest = path
    if isinstance(tree, dict):
        return {key: _said_anew(value, rest, fault) if key == first else value for key, value in tree.items()}
    return [_said_anew(value, rest, fault) if i == first else value for i, value in enumerate(tree)]
