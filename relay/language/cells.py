"""The cells of a run: the points of its sweep, and the baselines that they are compared with."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from relay.language.scenario import Scenario


class Cell(NamedTuple):
    """One point of the sweep, or a baseline, ready to run."""

    name: str  # "m=0.4 n=0.2", "m=0 n=0.2 without steer"; "all" when there is no sweep; "solo large"
    values: Mapping[str, Any]
    without: frozenset[str]  # nodes that it passes over
    scenario: Scenario
    baseline: str = ""  # as `compare:` says it, of a cell that is there for the others' sake
    beside: tuple[str, ...] = ()  # the cells that are compared with this one, by name
