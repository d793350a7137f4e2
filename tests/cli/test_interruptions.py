"""A run that is interrupted says how to go on, and ends as if it had never been."""

import os
import shlex
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from relay.store.reader import Run
from tests.cli.conftest import PROGRAM, Relay, Said
from tests.loop.test_kills import Tree, trees

TURNS = """\
relay: 1
title: Two take turns
models:
  a: {engine: scripted, seconds: 0.04, says: ["One of {question} ", "Two, sample {sample}. ", "Three. "]}
  b: {engine: scripted, seconds: 0.04, says: ["But why? ", "I see. ", "So be it.</think>It is {answer}."]}
problems: {from: sums, limit: 5}
graph:
  start: a
  answer: b
  nodes:
    a: {write: a, until: {sentences: 2}}
    b: {write: b, until: {sentences: 1}}
  edges:
    a: b
    b: [{when: answered, to: end}, a]
samples: 4
"""
POOLED = """\
relay: 1
models:
  a: {engine: scripted, seconds: 0.04, says: "One. Two. Three. Four.</think>It is {answer}."}
problems: p.jsonl
pool: {samples: 8}
graph:
  start: a
  answer: a
  nodes: {a: {write: a, opens_with: {pool: a, take: 0.5}}}
  edges: {a: [{when: answered, to: end}, a]}
"""


@pytest.fixture
def begun(folder: Path) -> Path:
    (folder / "turns.yaml").write_text(TURNS)
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The run that nobody interrupted."""
    work = tmp_path_factory.mktemp("whole")
    (work / "turns.yaml").write_text(TURNS)
    command = [PROGRAM, "run", "turns.yaml", "-o", "x.relay"]
    subprocess.run([*command, "--set", "models.a.seconds=0", "--set", "models.b.seconds=0"], cwd=work, check=True)
    found = trees(work / "x.relay")
    assert len(found) == 20
    return found


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(begun: Path) -> Iterator[Start]:
    """Starts a run in a session of its own."""
    started: list[subprocess.Popen[str]] = []

    def call(*more: str, env: dict[str, str] | None = None) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [PROGRAM, "run", "turns.yaml", "-o", "x.relay", "--in-flight", "4", *more],
            cwd=begun, env=os.environ | (env or {}), start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield call
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def wait_for(path: Path, sql: str, least: int) -> None:
    """Until a count in the run file is large enough."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if path.exists():
            try:
                with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
                    if db.execute(sql).fetchone()[0] >= least:
                        return
            except sqlite3.OperationalError:
                pass  # no table yet
        time.sleep(0.01)
    raise AssertionError(f"{sql} stays under {least}")


def again(said: Said) -> list[str]:
    """The command that an interrupted run names in its last line."""
    line = said.err.splitlines()[-1]
    assert line.startswith("interrupted; to go on: relay run --resume "), said.err
    return shlex.split(line.removeprefix("interrupted; to go on: relay "))


def ended(process: "subprocess.Popen[str]") -> Said:
    out, err = process.communicate(timeout=20)
    return Said(process.returncode, out, err)


SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1]


@pytest.mark.parametrize("number", SIGNALS, ids=lambda s: s.name)
def test_an_interrupted_run_goes_on_to_the_same_end(
    number: signal.Signals, begun: Path, start: Start, program: Relay, whole: Tree
) -> None:
    """As at a terminal, every process of the group gets it. What is left is one plain file, free to be taken."""
    process = start()
    wait_for(begun / "x.relay", "SELECT count(*) FROM hop", 10)
    os.killpg(process.pid, number)
    said = ended(process)
    assert said.code == 130
    assert said.err.splitlines()[-1] == "interrupted; to go on: relay run --resume x.relay --in-flight 4"
    assert "Traceback" not in said.err
    assert sorted(p.name for p in begun.iterdir()) == ["s.yaml", "turns.yaml", "x.relay"]
    with Run(begun / "x.relay") as run:
        assert run.query("SELECT count(*) FROM lease") == [(0,)]
        open_before = run.query("SELECT id FROM rollout WHERE stop IS NULL")
    assert open_before, "it was interrupted too late"
    assert "(walking)" in program("report", "x.relay").out
    finished = program(*again(said))
    assert (finished.code, finished.err.splitlines()[0]) == (0, "loading a")
    assert finished.err.splitlines()[-1].startswith("walking: 20/20 · ")
    assert trees(begun / "x.relay") == whole


def test_two_signals_at_once_are_one(begun: Path, start: Start, program: Relay, whole: Tree) -> None:
    """`timeout` and schedulers send a signal to a process and to its group; a thumb slips."""
    process = start()
    wait_for(begun / "x.relay", "SELECT count(*) FROM hop", 10)
    while process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.005)
    said = ended(process)
    assert said.code == 130
    assert program(*again(said)).code == 0
    assert trees(begun / "x.relay") == whole


STUBBORN = """\
import asyncio
from typing import Literal
from relay.engine.scripted import ScriptedModel
class Stubborn(ScriptedModel):
    engine: Literal["stubborn"] = "stubborn"
    async def open(self, *, deterministic=False):
        engine = await super().open(deterministic=deterministic)
        async def aclose():
            while True:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    pass
        engine.aclose = aclose
        return engine
"""


def test_a_second_ctrl_c_ends_a_run_that_will_not_end(
    begun: Path, start: Start, tmp_path: Path, program: Relay, whole: Tree
) -> None:
    """An engine that does not close; what was written is whole, as after kill -9."""
    info = tmp_path / "site" / "stubborn-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stubborn\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[relay.engines]\nstubborn = stubborn:Stubborn\n")
    (tmp_path / "site" / "stubborn.py").write_text(STUBBORN)
    env = {"PYTHONPATH": str(tmp_path / "site")}
    (begun / "turns.yaml").write_text(TURNS.replace("engine: scripted", "engine: stubborn", 1))
    process = start(env=env)
    wait_for(begun / "x.relay", "SELECT count(*) FROM hop", 10)
    process.send_signal(signal.SIGINT)
    time.sleep(1.2)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    said = ended(process)
    assert said.code == 130
    assert again(said) == ["run", "--resume", "x.relay", "--in-flight", "4"]
    with closing(
        sqlite3.connect(begun / "x.relay")
    ) as db:  # which takes its -wal in: it is still a run that was going on
        tree = db.execute("SELECT value FROM meta WHERE key = 'scenario'").fetchone()[0].replace("stubborn", "scripted")
        db.execute("UPDATE meta SET value = ? WHERE key = 'scenario'", (tree,))
        db.commit()
    assert program(*again(said)).code == 0
    assert trees(begun / "x.relay") == whole


def test_a_run_interrupted_while_the_pool_fills_goes_on_from_anywhere(
    begun: Path, start: Start, program: Relay, tmp_path: Path
) -> None:
    """Its problems lie beside the scenario, not where it goes on; its path needs quotes; the pool is named again."""
    (begun / "my runs").mkdir()
    (begun / "p.jsonl").write_text("".join(f'{{"question": "{n} + 1?", "answer": {n + 1}}}\n' for n in range(6)))
    (begun / "turns.yaml").write_text(POOLED)
    (begun / "sub").mkdir()
    out, pool = begun / "my runs" / "x.relay", tmp_path / "my pool"
    process = start("-o", str(out), "--pool", str(pool), "--in-flight", "2")
    wait_for(pool, "SELECT count(*) FROM solo", 6)
    process.send_signal(signal.SIGTERM)
    said = ended(process)
    assert said.code == 130
    assert again(said) == ["run", "--resume", str(out), "--in-flight", "2", "--pool", str(pool)]
    assert "(preparing)" in program("report", str(out)).out
    finished = subprocess.run([PROGRAM, *again(said)], cwd=begun / "sub", capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    assert " 100.0 " in finished.stdout
    with Run(out) as run:
        assert run.query("SELECT count(*) FROM rollout WHERE stop IS NOT NULL") == [(6,)]


def test_what_reads_the_lines_may_go_away(begun: Path, start: Start, program: Relay, whole: Tree) -> None:
    """`relay run --json | head -2`: the run ends as if interrupted."""
    process = start("--json")
    assert process.stdout is not None
    assert process.stderr is not None
    for _ in range(3):
        process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    said = Said(process.wait(20), "", err)
    assert said.code == 130
    assert said.err.count("\n") == 1
    assert program(*again(said)).code == 0
    assert trees(begun / "x.relay") == whole


def test_a_full_disk_ends_a_run_with_a_line_and_it_goes_on_when_there_is_room(begun: Path, program: Relay) -> None:
    """Here a limit on the size of files stands for the disk."""
    quick = "--set samples=300 --set models.a.seconds=0 --set models.b.seconds=0"
    limited = f"ulimit -f 600; exec {PROGRAM} run turns.yaml -o x.relay {quick}"
    ended = subprocess.run(["bash", "-c", limited], cwd=begun, capture_output=True, text=True, check=False)
    line = "relay: x.relay: cannot be written: disk I/O error; to go on: relay run --resume x.relay"
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (1, line)
    assert program("run", "--resume", "x.relay").code == 0
    with Run(begun / "x.relay") as run:
        assert run.query("SELECT count(*), count(stop) FROM rollout") == [(1500, 1500)]
        assert run.query("SELECT count(*), count(DISTINCT rollout) FROM verdict") == [(1500, 1500)]
