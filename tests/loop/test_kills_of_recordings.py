"""kill -9 at any moment of a recorded run, or of a replay, and what is played again is the run as it was."""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from relay.prepare.jobs import Jobs
from relay.replay.engine import ReplayModel
from relay.runtime import rollout
from relay.store.reader import Run
from relay.walk import Walk
from tests.loop.test_golden_traces import TURNS
from tests.loop.test_kills import hops_in, killed_run, trees, without_clock
from tests.loop.two_pens import ROLLOUTS, plan_of

KILLS = 12


async def played(path: Path) -> dict[int, Walk]:
    """Every rollout of two_pens.py by a model that is not there; clocks left out."""
    engine = await ReplayModel(run=str(path), model="w").open()
    jobs, found = Jobs(plan_of(engine)), {}
    for number in range(ROLLOUTS):
        job = jobs.job(jobs.plan.begun(number))
        async for event in rollout(job.walk, job.stage):
            if hasattr(event, "walk"):
                pens = {name: without_clock(pen) for name, pen in event.walk.pens.items()}
                found[number] = Walk(pens)
    await engine.aclose()
    return found


def test_a_recorded_run_survives_its_kills_and_every_call_has_its_hop(tmp_path: Path) -> None:
    """A hop and its call go down together: none is there without the other."""
    draw, killed, run = random.Random(7), 0, 0
    while killed < KILLS:
        path, run = tmp_path / f"{run}.relay", run + 1
        kills, _ = killed_run(path, draw, KILLS - killed, "--record")
        killed += kills
        with closing(sqlite3.connect(path)) as db:
            written = db.execute("SELECT id FROM step WHERE model IS NOT NULL AND computed IS NOT NULL ORDER BY id")
            assert [step for (step,) in written] == [
                step for (step,) in db.execute("SELECT id / 256 FROM call ORDER BY id")
            ]
        assert asyncio.run(played(path)) == {number: walk for number, (walk, _) in trees(path).items()}


def relay(*words: str | Path) -> "subprocess.Popen[bytes]":
    program = [sys.executable, "-c", "from relay.cli import main; main()", *map(str, words)]
    return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ)


def test_a_replay_survives_its_kills_and_says_that_every_hop_is_equal(tmp_path: Path) -> None:
    scenario, run, out = (tmp_path / name for name in ("s.yaml", "run.relay", "again.relay"))
    scenario.write_text(
        TURNS.replace("limit: 2", "limit: 40").replace("engine: scripted,", "engine: scripted, seconds: 0.3,")
    )
    with relay("run", scenario, "--record", "-o", run) as process:
        process.communicate(timeout=120)
    draw, words, killed = random.Random(5), ["replay", str(run), "-o", str(out), "--speed", "1", "--in-flight", "8"], 0
    while True:
        process = relay(*words)
        before, until = hops_in(out) if out.exists() else 0, time.monotonic() + 60
        while killed < 4 and process.poll() is None and time.monotonic() < until:
            if is_there(out) and hops_in(out) > before:
                break
            time.sleep(0.02)
        time.sleep(draw.random() * 0.2)
        if killed < 4:
            process.kill()
        said, _ = process.communicate(timeout=120)
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        killed, words = killed + 1, ["replay", "--resume", str(out), "--in-flight", "8"]
    assert killed == 4
    assert said.decode().startswith("every hop is equal: 120 hops of 40 rollouts, ")
    with Run(out) as one, Run(run) as two:
        assert one.query("SELECT count(*) FROM verdict") == two.query("SELECT count(*) FROM verdict") == [(40,)]


def is_there(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False
