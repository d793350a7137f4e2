"""Finding the parts of relay by name: verbs, engines, verifiers and problem sets are entry points.

Built-ins are declared in relay's own pyproject.toml the way a third party declares its own.
"""

from functools import cache
from importlib.metadata import entry_points
from typing import Any

from relay.errors import Mistake, UserError

NODES = "relay.nodes"  # verb -> a class derived from relay.language.scenario.Node
ENGINES = "relay.engines"  # engine -> a class derived from relay.language.scenario.Model
VERIFIERS = "relay.verifiers"  # name -> a factory of a Verifier, or a class derived from language.verifying.Verify
PROBLEMS = "relay.problems"  # name -> a function that yields problems


@cache
def names(group: str) -> tuple[str, ...]:
    """The names registered in this group, sorted."""
    return tuple(sorted({e.name for e in entry_points(group=group)}))


@cache
def load(group: str, name: str) -> Any:
    """The object registered under this name. Raises KeyError when there is none, UserError when it cannot be loaded."""
    for entry in entry_points(group=group):
        if entry.name == name:
            try:
                return entry.load()
            except Exception as error:  # a third party's module may raise anything
                package = entry.dist.name if entry.dist is not None else entry.value
                what = f"its {name!r} ({group}) cannot be loaded: {type(error).__name__}: {error}"
                raise UserError(Mistake(f"package {package}", what, "mend it or uninstall it")) from error
    raise KeyError(name)


@cache
def load_all(group: str) -> dict[str, Any]:
    """Every object of this group, by name."""
    return {name: load(group, name) for name in names(group)}
