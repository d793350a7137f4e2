"""Finding the parts of relay by name: verbs, engines, verifiers and problem sets are entry points.

Built-ins are declared in relay's own pyproject.toml the way a third party declares its own.
"""

from functools import cache
from importlib.metadata import entry_points
from typing import Any

NODES = "relay.nodes"  # verb -> a class derived from relay.language.scenario.Node
ENGINES = "relay.engines"  # engine -> a class derived from relay.language.scenario.Model
VERIFIERS = "relay.verifiers"  # name -> a factory of relay.verifiers.Verifier
PROBLEMS = "relay.problems"  # name -> a function that yields problems


@cache
def names(group: str) -> tuple[str, ...]:
    """The names registered in this group, sorted."""
    return tuple(sorted({e.name for e in entry_points(group=group)}))


@cache
def load(group: str, name: str) -> Any:
    """The object registered under this name. Raises KeyError when there is none."""
    for entry in entry_points(group=group):
        if entry.name == name:
            return entry.load()
    raise KeyError(name)


@cache
def load_all(group: str) -> dict[str, Any]:
    """Every object of this group, by name."""
    return {name: load(group, name) for name in names(group)}
