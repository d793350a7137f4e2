"""Whole relays of the models that ship, by the command line: both twin tests, a handoff between two tokenizers."""

import subprocess
import sys
from pathlib import Path

import pytest

from relay.measure.scores import scores
from relay.store.reader import Run

SMALL = ["problems.limit=20", "pool.samples=4", "sweep.over.m=[0,0.4]"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("relays")


def run(folder: Path, scenario: str, out: str, *sets: str) -> Run:
    words = [word for each in sets for word in ("--set", each)]
    program = [sys.executable, "-c", "from relay.cli import main; main()", "run", scenario, "--out", out, *words]
    said = subprocess.run(
        [*program, "--pool", "pool.sqlite"], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert said.returncode == 0, said.stderr
    return Run(folder / out)


def shares(run: Run) -> dict[str, float]:
    return {s.cell: s.correct / s.graded for s in scores(run)}


@pytest.mark.parametrize("model", ["relay/tiny", "relay/tiny-backtrack"])
def test_the_one_is_lost_and_the_other_comes_back(folder: Path, model: str) -> None:
    sets = [*SMALL, f"models.main.model={model}", "select={problems: {solved: main, at_least: 4/4}, limit: 12}"]
    with run(folder, "recoverability", f"{model[6:]}.relay", *sets) as found:
        share = shares(found)
        steers = [hop for row in found.rollouts() for hop in found.hops(row.id) if hop.node == "steer" and hop.segment]
    alone = share.pop("m=0 n=0.4 without steer")
    assert alone >= 0.5
    assert len(steers) == 24
    right = sum(12 * each for each in share.values())  # of 24
    assert right <= 3 if model == "relay/tiny" else right >= 5, share


def test_a_guide_helps(folder: Path) -> None:
    sets = ["problems.limit=60", "pool.samples=4", "sweep.over.n=[0.2,0.8]"]
    rules = "[{solved: main, at_most: 1/4}, {solved: guide, at_least: 2/4}]"
    with run(folder, "guidability", "guide.relay", *sets, f"select={{problems: {rules}, limit: 16}}") as found:
        share = shares(found)
        policies = {(h["author"], h["reader"]): h["policy"] for h in found.meta["handoffs"]}
    assert share["n=0.8"] >= share["n=0.2 without steer"] + 0.2, share
    assert policies["guide", "main"] == "text"


def test_two_models_of_other_tokens_write_one_thought(folder: Path) -> None:
    with run(folder, "handoff", "handoff.relay", "problems.limit=12") as found:
        share = shares(found)
        authors: list[set[str]] = []
        for row in found.rollouts():
            segments = [hop.segment for hop in found.hops(row.id) if hop.segment]
            authors.append({segment.model for segment in segments})
    assert sum(found == {"a", "b"} for found in authors) >= 10
    assert share["all"] >= 0.5
