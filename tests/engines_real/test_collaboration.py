"""Collaboration on vLLM: drafts ahead of a judge, many pens from one prefix, and a kill in the middle of a branch."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from relay.engine.vllm import Vllm
from relay.errors import UserError
from relay.store.reader import Run
from relay.walk import StopReason
from tests.engines_real.together import BLOCK, PENS, fork, one_prefix, overlap


@pytest.mark.asyncio(loop_scope="session")
async def test_drafts_ahead_take_no_longer_and_what_is_thrown_away_is_counted(served: Vllm, tmp_path: Path) -> None:
    """A model that judges itself, one rollout at a time, so that only its own two calls can share a step.

    With two models it hangs on whether there are cores for both: tests/proof/collaboration.py measures that, too.
    """
    found = await overlap(tmp_path, served, served, 6)
    print(found)
    for run in found["runs"]:
        assert run["failed"] == 0
        assert run["said"] == run["tokens"] + run["ends of turns"], "each id that an engine said, by the file"
        assert (run["discarded"] > 0) == (run["form"] == "ahead")
    kept = {run["tokens"] - run["discarded"] for run in found["runs"]}
    assert len(kept) == 1, "what was thrown away is all that one form has more than the other"
    assert found["ratio of the median walls"] <= 1.1


@pytest.mark.asyncio(loop_scope="session")
async def test_eight_pens_read_the_prefix_of_400_tokens_once(served: Vllm, tmp_path: Path) -> None:
    """By vLLM's own count of cached tokens: one pen computes it, and the others find every full block of it."""
    for rollout in await one_prefix(tmp_path, served, 4):
        print(rollout)
        length = rollout["prompt"]
        rest = length - (length - 1) // BLOCK * BLOCK
        assert length > 400
        assert len(rollout["computed"]) == PENS
        assert rollout["computed"] == [rest] * (PENS - 1) + [length]
        assert max(rollout["computed later"]) < 3 * BLOCK, "nor does any pen read it again"


def relay(folder: Path, *words: str) -> "subprocess.Popen[bytes]":
    program = [sys.executable, "-c", "from relay.cli import main; main()", "run", *words]
    log = (folder / "log").open("ab")
    return subprocess.Popen(program, cwd=folder, stdout=log, stderr=log)


def rows(path: Path) -> list[tuple[Any, ...]]:
    """The hops so far; none while the file is not there."""
    try:
        with Run(path) as run:
            return run.query("SELECT rollout, pen, n, node, text, ids, branches FROM hop ORDER BY id")
    except UserError:
        return []


def in_the_middle(found: list[tuple[Any, ...]]) -> bool:
    """Whether there is a rollout that has branched and whose pens have written, but not all of them all."""
    branched = {row[0] for row in found if row[6]}
    written = {r: sum(1 for row in found if row[0] == r and not row[6]) for r in branched}
    return any(2 < n < 6 * PENS for n in written.values())


def test_killed_in_the_middle_of_a_branch_it_goes_on_to_the_same_tree(tmp_path: Path) -> None:
    """Every hop that was recorded stays as it was, and the tree around it becomes whole."""
    scenario, path = fork(tmp_path, 12, PENS), tmp_path / "killed.relay"
    before: list[tuple[Any, ...]] = []
    for attempt in range(2):
        process = relay(tmp_path, *(["--resume", path.name] if attempt else [scenario.name, "-o", path.name]))
        try:
            until = time.monotonic() + 240
            while time.monotonic() < until and process.poll() is None:
                if len(found := rows(path)) > len(before) and in_the_middle(found):
                    break
                time.sleep(0.02)
        finally:
            process.kill()
        assert process.wait(60) == -signal.SIGKILL, (tmp_path / "log").read_text()
        found = rows(path)
        assert in_the_middle(found), "the kill fell in a branch"
        assert found[: len(before)] == before, "a hop that was recorded changed or vanished"
        before = found
    assert relay(tmp_path, "--resume", path.name).wait(300) == 0, (tmp_path / "log").read_text()
    found = rows(path)
    assert found[: len(before)] == before, "a hop that was recorded changed or vanished"
    assert len({row[:3] for row in found}) == len(found), "a hop was walked twice"
    with Run(path) as run:
        for row in run.rollouts():
            walk = run.walk(row.id)
            assert sorted(walk.pens) == ["0", *(f"0.{i}" for i in range(PENS))]
            assert {pen.rest for path, pen in walk.pens.items() if path != "0"} == {StopReason.JOIN}
            assert walk.stop == StopReason.END
            assert {pen.trajectory.segments[0] for pen in walk.pens.values()} == {walk.pens["0"].trajectory.segments[0]}
    again = subprocess.run(
        [sys.executable, "-c", "from relay.cli import main; main()", "run", "--resume", path.name],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "nothing is missing" in again.stdout + again.stderr
