"""Every canned scenario runs on the models that ship, as it stands, on few problems."""

import asyncio
from pathlib import Path

import pytest

from relay.batch import Tally
from relay.language.reading import read
from relay.scenarios import canned
from relay.session import Options, start
from relay.store.reader import Run

FEW = {"problems.limit": "2"}
TWINS = {  # without a selection, which few problems would hardly pass
    "guidability": {"problems.limit": "4", "pool.samples": "2", "sweep.over.n": "[0.4]", "select": "null"},
    "plumbing": {"problems.limit": "2", "pool.samples": "2", "samples": "1", "sweep.over.m": "[0, 0.4]"},
    "recoverability": {"problems.limit": "4", "pool.samples": "2", "sweep.over.m": "[0.4]", "select": "null"},
}


class Silent:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def phase(self, name: str, tally: Tally) -> None:
        pass

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.mark.parametrize("name", canned())
def test_it_runs_on_the_models_that_ship(name: str, tmp_path: Path) -> None:
    reading = read(name, TWINS.get(name, FEW))
    options = Options(pool=tmp_path / "pool.sqlite")
    outcome = asyncio.run(start(reading, tmp_path / "out.relay", options, Silent()))
    assert outcome.failed == 0
    with Run(outcome.path) as run:
        rollouts = list(run.rollouts())
        written = {h.segment.model for row in rollouts for h in run.hops(row.id) if h.segment and h.segment.ids}
    assert rollouts
    assert {row.state for row in rollouts} <= {"end", "refuse", "budget tokens", "missing"}
    assert any(row.outcome in ("correct", "wrong") for row in rollouts)
    assert written & set(reading.cells[0].scenario.models)
