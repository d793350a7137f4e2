"""The tests that a scenario declares: of cells that there are."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from relay.language.scenario import Tests
from relay.language.telling import Fault, Path, one_of


def unknown_cells(tree: Mapping[str, Any], tests: Tests | None, cells: Sequence[str]) -> Iterator[Fault]:
    """The names in `tests:` that no cell of the run has."""
    for path, name in _names(tree, tests):
        if name not in cells:
            yield Fault(path, f"there is no cell {name!r}", one_of(name, cells, "the cells:"))


def _names(tree: Mapping[str, Any], tests: Tests | None) -> Iterator[tuple[Path, str]]:
    if tests is None:
        return
    if tests.grid is not None:
        yield ("tests", "grid"), tests.grid
    one = isinstance(tree["tests"].get("named"), Mapping)  # a single one may stand without its list
    for i, each in enumerate(tests.named):
        above: Path = ("tests", "named") if one else ("tests", "named", i)
        yield (*above, "cell"), each.cell
        yield (*above, "against"), each.against
