"""Runs that the tests of results read: simulated, so that they are there at once."""

from pathlib import Path
from typing import Any

import pytest

import relay
from relay.frames import Frames
from relay.session import Options

KNOWN = {
    "engine": "simulated",
    "solves": {"mean": 0.9, "icc": 0.4},
    "recovers": {"0": 0.3, "0.8": 0.7},
    "guided": {"0.2": 0.5, "0.8": 0.9},
    "tokens": {"mean": 120, "sd": 0.3},
}


def simulated(folder: Path, scenario: str = "recoverability", name: str = "run", **sets: Any) -> Frames:
    """A run of a canned scenario with models that are known."""
    given = {"models.main": KNOWN, "problems.limit": 24, "select.limit": 16, "pool.samples": 2, "let.cut": "nearest"}
    given |= {"select.problems": [{"solved": "main", "at_least": "1/2"}], **sets}
    options = Options(pool=folder / "pool.sqlite")
    return relay.run(scenario, folder / f"{name}.relay", options=options, **given)


@pytest.fixture(scope="session")
def recovered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of recoverability over m and n."""
    folder = tmp_path_factory.mktemp("recovered")
    return simulated(folder, **{"sweep.over": {"m": [0, 0.4, 0.8], "n": [0.2, 0.4]}}).path
