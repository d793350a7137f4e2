"""Tests that a scenario declares before its run are answered by the report, adjusted among themselves."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from relay.errors import UserError
from relay.language.reading import read
from relay.measure.declared import GRID, NAMED, answers, said
from relay.measure.scores import caption, scores
from relay.store.reader import Run
from tests.loop.test_twin_scripted import RECOVERABILITY, kept, model

ALONE = "m=0 n=0.2 without steer"
TESTS = f"{{named: [{{cell: m=0 n=0.2, against: {ALONE}}}, {{cell: m=0.8 n=0.2, against: {ALONE}}}], grid: {ALONE}}}"


@pytest.fixture
def run_file(bench: Any) -> Path:
    """Of a model that returns when it holds most of its own; three distractors are shared by twelve problems."""
    bench.given = {"main": model(lambda read, request: kept(read) >= 3)}
    sets = {**RECOVERABILITY, "tests": TESTS, "graph.nodes.steer.insert.among": "3"}
    path: Path = asyncio.run(bench.start_canned("recoverability", sets)).path
    return path


def report(path: Path, *more: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", "from relay.cli import main; main()", "report", str(path), *more],
        capture_output=True, text=True, check=True, env={"COLUMNS": "200", "PATH": "/usr/bin"},
    ).stdout  # fmt: skip


def test_they_are_in_the_file_and_answered(run_file: Path) -> None:
    with Run(run_file) as run:
        assert run.meta["scenario"]["tests"]["grid"] == ALONE
        found = answers(run)
        shared = scores(run)
    assert [(each.asked.cell, each.asked.family) for each in found] == [
        ("m=0 n=0.2", NAMED), ("m=0.8 n=0.2", NAMED), *((f"m={m:g} n=0.2", GRID) for m in (0, 0.2, 0.4, 0.6, 0.8)),
    ]  # fmt: skip
    assert [each.difference and each.difference.mean for each in found] == [-1, 0, -1, -1, -1, 0, 0]
    assert all(each.adjusted is not None and each.test is not None for each in found)
    assert all(each.adjusted >= each.test.p for each in found if each.adjusted is not None and each.test is not None)
    assert "two-way Wilson" in {s.interval.method for s in shared if s.interval}
    assert "over problems and distractors drawn at random" in caption(shared)


def test_the_report_shows_them(run_file: Path) -> None:
    with Run(run_file) as run:
        found = answers(run)
    table = report(run_file)
    assert "tests declared before the run" in table
    assert "to alone, within 3 points" in table
    rows = [json.loads(line) for line in report(run_file, "--json").splitlines()]
    assert [row["answer"] for row in rows if row.get("declared")] == [said(each) for each in found]


def test_a_cell_that_there_is_not_is_told_at_its_place() -> None:
    with pytest.raises(UserError, match=r"tests.grid: there is no cell 'm=0 n=9' \(did you mean 'm=0 n=0.\d'\?\)"):
        read("recoverability", {"tests": "{grid: m=0 n=9}"})
