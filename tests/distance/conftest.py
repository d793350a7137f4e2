"""A folder in which scenarios are run, as the loop's tests have it; and what a run file holds."""

from pathlib import Path
from typing import Any

import pytest

from relay.store.reader import Run
from tests.loop.conftest import Bench

OF_THE_SESSION = ("lease", "distance")  # who wrote it last, and what is measured


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def held(path: Path) -> dict[str, list[Any]]:
    """Every row of every table that the run itself wrote."""
    with Run(path) as run:
        tables = [name for (name,) in run.query("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {t: sorted(run.query(f"SELECT * FROM {t}"), key=repr) for t in tables if t not in OF_THE_SESSION}


def rows(path: Path) -> list[tuple[Any, ...]]:
    """What was measured, its clock left out."""
    with Run(path) as run:
        return run.query("SELECT hop, reader, tokens, logprob, computed, why FROM distance ORDER BY hop")
