"""Whole runs with `engine: vllm`: through the command line, beside transformers, interrupted, and when vLLM dies."""

import asyncio
import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from relay.batch import Tally
from relay.language.reading import read
from relay.session import Options, Outcome, start
from relay.store import opening
from tests.engines_real.four_hops import PROBLEMS, differences, hops, scenario

PROGRAM = str(Path(sys.executable).with_name("relay"))
VLLM = "{engine: vllm, model: relay/tiny}"
CHATTER = re.compile(r"INFO|WARNING|pid=|EngineCore|vllm\.|Traceback")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where commands run; the pool lies beside it."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setenv("RELAY_POOL", str(tmp_path / "pool.sqlite"))
    return work


def relay(folder: Path, *args: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """The command line as a program of its own."""
    done = subprocess.run([PROGRAM, *args], cwd=folder, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == code, done.stderr + done.stdout
    return done


def stops(run: Path) -> dict[str, int]:
    """Why its rollouts ended."""
    with opening.opened(run) as opened:
        counted = "SELECT n.text, count(*) FROM rollout r JOIN name n ON n.id = r.stop GROUP BY 1"
        return dict(opened.query(counted))


def test_recoverability_runs_through_the_command_line_and_the_terminal_stays_ours(folder: Path) -> None:
    few = {
        "models.main": VLLM,
        "problems.limit": "8",
        "pool.samples": "2",
        "select": "{limit: 4, problems: {solved: main, at_least: 2/2}}",
        "sweep.over.m": "[0, 0.4]",
    }
    sets = [word for key, value in few.items() for word in ("--set", f"{key}={value}")]
    done = relay(folder, "run", "recoverability", "-o", "r.relay", *sets)
    assert not CHATTER.search(done.stdout + done.stderr), done.stdout + done.stderr
    assert "Recoverability" in done.stdout
    assert sum(stops(folder / "r.relay").values()) == 4 * 3
    assert "failed" not in stops(folder / "r.relay")
    with opening.opened(folder / "r.relay") as run:
        facts = run.meta["models"]["main"]
        cached, computed = run.query("SELECT sum(cached), sum(computed) FROM hop")[0]
    assert facts["engine"] == "vllm"
    assert {"revision", "dtype", "device", "torch", "tokenizer", "template"} <= set(facts)
    assert computed > 0
    assert cached >= 0
    again = relay(folder, "run", "--resume", "r.relay")
    assert "nothing is missing" in again.stdout + again.stderr


def test_four_hops_are_the_same_through_transformers_and_vllm_on_100_problems(folder: Path) -> None:
    runs: list[Path] = []
    for engine in ("transformers", "vllm"):
        both = [f"{{engine: {engine}, model: {name}}}" for name in ("relay/tiny", "relay/tiny-guide")]
        (folder / f"{engine}.yaml").write_text(scenario(*both))
        relay(folder, "run", f"{engine}.yaml", "-o", f"{engine}.relay")
        runs.append(folder / f"{engine}.relay")
    plain, served = map(hops, runs)
    assert len(plain) == PROBLEMS
    found = differences(plain, served)
    print(f"{len(found)} of {PROBLEMS} rollouts differ", *found, sep="\n")
    assert len(found) <= 3  # a tie of two ids, which two ways to add up the same numbers break differently
    assert {hop.stop for rollout in served for hop in rollout} >= {"tokens", "sentences", "text", "turn"}


def engine_cores() -> set[multiprocessing.process.BaseProcess]:
    """The processes of vLLM that live below this one."""
    return {process for process in multiprocessing.active_children() if "EngineCore" in process.name}


class Killing:
    """A watcher that ends vLLM's process once some rollouts are done; not that of an engine which other tests share."""

    def __init__(self, after: int) -> None:
        self.after, self.tally, self.at = after, Tally(), 0.0
        self.others = engine_cores()

    def phase(self, name: str, tally: Tally) -> None:
        self.tally = tally if name == "walking" else self.tally

    def note(self, text: str) -> None:
        pass

    async def kill(self) -> None:
        while self.tally.done < self.after:  # noqa: ASYNC110  a tally calls nobody
            await asyncio.sleep(0.01)
        (victim,) = engine_cores() - self.others
        victim.kill()
        self.at = time.monotonic()


async def killed(reading: object, out: Path, pool: Path) -> tuple[Outcome, float]:
    """A run whose vLLM is killed, and how long it took to end after that."""
    watcher = Killing(after=20)
    killing = asyncio.ensure_future(watcher.kill())
    try:
        outcome = await start(reading, out, Options(pool=pool), watcher)  # type: ignore[arg-type]
        ended = time.monotonic()
        assert killing.done(), "the run ended before there was anything to kill"
        await killing
        return outcome, ended - watcher.at
    finally:
        killing.cancel()


def test_when_vllm_s_process_dies_its_rollouts_end_with_a_reason_within_seconds(folder: Path) -> None:
    text = scenario(VLLM, VLLM, problems=400).replace("temperature: 0", "temperature: 1")
    (folder / "s.yaml").write_text(text)
    outcome, seconds = asyncio.run(killed(read(str(folder / "s.yaml"), {}), folder / "r.relay", folder / "pool"))
    assert seconds < 30
    assert 0 < outcome.failed < 400
    assert "vLLM's process has ended" in outcome.why
    found = stops(folder / "r.relay")
    assert sum(found.values()) == 400  # none is lost
    assert found["failed"] == outcome.failed
    log = Path(outcome.why.rpartition("its log: ")[2])
    assert log.is_file()


def test_an_interrupted_run_ends_at_once_with_no_rollout_failed_and_goes_on(folder: Path) -> None:
    (folder / "s.yaml").write_text(scenario(VLLM, VLLM, problems=400).replace("temperature: 0", "temperature: 1"))
    process = subprocess.Popen(
        [PROGRAM, "run", "s.yaml", "-o", "r.relay", "--json"], cwd=folder, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line).get("done", 0) > 20:
                break
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: vLLM's processes get it, too
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, said
    assert "to go on: relay run --resume r.relay" in said
    assert "failed" not in stops(folder / "r.relay")
    assert 20 < sum(stops(folder / "r.relay").values()) < 400
    relay(folder, "run", "--resume", "r.relay")
    assert sum(stops(folder / "r.relay").values()) == 400
    assert "failed" not in stops(folder / "r.relay")


def test_a_relay_that_is_killed_leaves_none_of_vllm_s_processes_behind(folder: Path) -> None:
    (folder / "s.yaml").write_text(scenario(VLLM, VLLM, problems=400))
    command = [PROGRAM, "run", "s.yaml", "-o", "r.relay", "--json"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line).get("done", 0) > 5:
                break
        left = psutil.Process(process.pid).children(recursive=True)
        assert any("EngineCore" in child.name() for child in left)
    finally:
        process.kill()
        process.communicate()
    _, alive = psutil.wait_procs(left, timeout=15)
    assert not [child for child in alive if child.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("{engine: vllm, model: relay/tiny, args: {block_sise: 3}}", ["block_sise", "did you mean 'block_size'?"]),
        ("{engine: vllm, model: relay/tiny, placement: take_turns}", ["cannot take turns: there is no GPU"]),
        ("{engine: vllm, model: relay/smollm2}", ["is a GGUF file, which vLLM is not given"]),
        (
            "{engine: vllm, model: relay/tiny, args: {stream_interval: x}}",
            ["vLLM cannot start it: ", "stream_interval"],
        ),
        ("{engine: vllm, model: relay/tiny, args: {kv_cache_memory_bytes: 1000}}", ["vLLM cannot start it: "]),
    ],
)
def test_a_model_that_vllm_cannot_start_is_one_line_and_exit_2(folder: Path, model: str, said: Sequence[str]) -> None:
    (folder / "s.yaml").write_text(scenario(model, model, problems=2))
    done = relay(folder, "run", "s.yaml", "-o", "r.relay", code=2)
    assert all(part in done.stderr for part in said), done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "r.relay").exists()
