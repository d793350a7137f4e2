"""A real neural run, killed five times at random moments and resumed each time, ends as if never killed."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from relay.errors import UserError
from relay.store.reader import Run
from tests.loop.test_kills import hop_rows, trees

KILLS = 5
SCENARIO = """
relay: 1
extends: relay/handoff
compare: []
models:
  a: {engine: transformers, model: relay/tiny}
  b: {engine: transformers, model: relay/tiny-guide}
problems: {from: chains, where: {difficulty: 6}, limit: 16}
sampling: {temperature: 1.3, top_p: 1}
budget: {tokens: 200}
samples: 2
"""


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models with tokenizers of their own write in turns, hot enough to be wrong now and then."""
    path = tmp_path_factory.mktemp("kills") / "kills.yaml"
    path.write_text(SCENARIO)
    return path


def start(*words: str | Path) -> "subprocess.Popen[bytes]":
    program = [sys.executable, "-c", "from relay.cli import main; main()", "run", *map(str, words), "--deterministic"]
    return subprocess.Popen(
        program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )


def walking(path: Path) -> bool:
    try:
        with Run(path) as run:
            return run.meta.get("phase") == "walking" and run.query("SELECT count(*) FROM hop")[0][0] > 0
    except (UserError, sqlite3.Error):  # not there yet, or an empty file that holds its place
        return False


def test_five_kills_of_a_real_model_s_run(scenario: Path, tmp_path: Path) -> None:
    """Three kills while it walks, two before it does."""
    whole = tmp_path / "whole.relay"
    assert start(scenario, "-o", whole).wait(120) == 0
    draw, path, before, killed = random.Random(3), tmp_path / "killed.relay", [], 0
    while True:
        process = start("--resume", path) if path.exists() else start(scenario, "-o", path)
        if killed < KILLS:
            seen, until = (hop_rows(path) if path.exists() and walking(path) else []), time.monotonic() + 60
            early = killed % 3 == 1
            while not early and process.poll() is None and time.monotonic() < until:
                if walking(path) and len(hop_rows(path)) > len(seen):
                    break
                time.sleep(0.05)
            time.sleep(draw.random() * (3.0 if early else 0.4))
            process.kill()
        code = process.wait(120)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        killed += 1
        rows = hop_rows(path) if path.exists() and walking(path) else []
        assert rows[: len(before)] == before, "a hop that was committed changed or vanished"
        assert len({row[:3] for row in rows}) == len(rows), "a hop was walked twice"
        before = rows
    assert killed == KILLS, f"the run ended after {killed} kills"
    found = trees(path)
    assert len(found) == 32
    assert found == trees(whole)
    outcomes = {verdict.split()[0] for _, verdict in found.values()}
    assert {"correct", "wrong"} <= outcomes, "the verdicts say nothing when all are the same"
