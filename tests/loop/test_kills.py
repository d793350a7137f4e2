"""kill -9 at any moment, resume, and the run is as if it had never been killed."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from relay.store.reader import Run
from relay.walk import Pen, Walk

PROGRAM, BRANCHING = (Path(__file__).with_name(name) for name in ("two_pens.py", "branching.py"))
CHAINS, KILLS = 5, 20  # runs, and kills of each: a hundred in all

Tree = dict[int, tuple[Walk, str]]


def trees(path: Path) -> Tree:
    """Every rollout's tree of pens and its verdict; clocks left out."""
    with Run(path) as run:
        said = "n.text || ' ' || coalesce(v.answer, '')"
        verdicts = dict(run.query(f"SELECT v.rollout, {said} FROM verdict v JOIN name n ON n.id = v.outcome"))
        found = {}
        for listed in run.rollouts():
            walk = run.walk(listed.id)
            pens = {path: without_clock(pen) for path, pen in walk.pens.items()}
            found[listed.id] = (Walk(pens), verdicts.get(listed.id, ""))
        return found


def without_clock(pen: Pen) -> Pen:
    """How far a draft had come that a judge vetoed hangs on the clock, and so does what it cost."""
    return pen._replace(seconds=0.0, hops=0, tokens=sum(segment.tokens for segment in pen.trajectory.segments))


def hop_rows(path: Path) -> list[tuple[object, ...]]:
    with Run(path) as run:
        return run.query("SELECT rollout, pen, n, node, text, ids FROM hop ORDER BY id")


def hops_in(path: Path) -> int:
    with Run(path) as run:
        count: int = run.query("SELECT count(*) FROM step")[0][0]
        return count


@pytest.fixture(scope="module")
def never_killed(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    path = tmp_path_factory.mktemp("whole") / "run.relay"
    subprocess.run([sys.executable, str(PROGRAM), str(path)], check=True, stdout=subprocess.DEVNULL)
    found = trees(path)
    assert len(found) == 48
    assert {len(walk.pens) for walk, _ in found.values()} == {3}
    return found


@pytest.mark.parametrize("chain", range(CHAINS))
def test_two_live_pens_survive_twenty_kills(chain: int, never_killed: Tree, tmp_path: Path) -> None:
    """Each kill falls at a random moment; no hop is lost or doubled, every frontier stands. A run that ends before
    its twentieth kill is followed by another.
    """
    draw, killed, both_live, run = random.Random(chain), 0, False, 0
    while killed < KILLS:
        path, run = tmp_path / f"{run}.relay", run + 1
        kills, live = killed_run(path, draw, KILLS - killed)
        killed, both_live = killed + kills, both_live or live
        assert trees(path) == never_killed
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("SELECT count(*), count(DISTINCT rollout) FROM verdict").fetchone() == (48, 48)
            assert db.execute("SELECT count(*) FROM rollout WHERE stop IS NULL").fetchone() == (0,)
    assert both_live, "no kill found two pens live"


def test_branches_judges_and_drafts_ahead_survive_kills(tmp_path: Path) -> None:
    """Resumed as often as it was killed it is the same tree of pens: picks, cuts and chances fall as before."""
    whole = tmp_path / "whole.relay"
    subprocess.run([sys.executable, str(BRANCHING), str(whole)], check=True, stdout=subprocess.DEVNULL)
    expected = trees(whole)
    assert len(expected) == 32
    assert {len(walk.pens) for walk, _ in expected.values()} == {4}
    assert {verdict.split()[0] for _, verdict in expected.values()} == {"correct", "wrong"}
    draw, path = random.Random(9), tmp_path / "killed.relay"
    killed, _ = killed_run(path, draw, 12, program=BRANCHING)
    assert killed >= 3
    assert trees(path) == expected


def killed_run(path: Path, draw: random.Random, most: int, *more: str, program: Path = PROGRAM) -> tuple[int, bool]:
    """Kill a run and resume it until it ends: how often it was killed, and whether two pens were live at a kill."""
    before: list[tuple[object, ...]] = []
    killed, both_live = 0, False
    while True:
        resume = ["--resume"] if path.exists() else []
        process = subprocess.Popen([sys.executable, str(program), str(path), *resume, *more], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()  # "ready": from here on it walks
        if killed < most:
            until = time.monotonic() + 30
            while process.poll() is None and hops_in(path) == len(before) and time.monotonic() < until:
                time.sleep(0.01)  # on a busy machine too it gets further before the next kill
            time.sleep(draw.random() * 0.1)
            process.kill()
        code = process.wait(60)
        process.stdout.close()
        if code == 0:
            return killed, both_live
        assert code == -signal.SIGKILL
        killed += 1
        rows = hop_rows(path)
        assert rows[: len(before)] == before, "a hop that was committed changed or vanished"
        assert len({row[:3] for row in rows}) == len(rows), "a hop was walked twice"
        before = rows
        both_live |= any(len(walk.frontier) == 2 for walk, _ in trees(path).values())
