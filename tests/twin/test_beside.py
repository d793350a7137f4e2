"""A run beside the paper's tables: the right table, the right cells, the right rank."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from relay.errors import UserError
from relay.store.reader import Run
from relay.twin.beside import Beside, beside
from relay.twin.published import published
from tests.loop.conftest import Bench
from tests.loop.test_twin_scripted import RECOVERABILITY, kept, model


def run_beside(folder: Path, **sets: str) -> Beside:
    bench = Bench(folder)
    bench.given = {"main": model(lambda read, request: kept(read) >= 3)}
    changed = {**RECOVERABILITY, **{key.replace("__", "."): value for key, value in sets.items()}}
    outcome = asyncio.run(bench.start_canned("recoverability", changed))
    with Run(outcome.path) as run:
        return beside(run)


def own(found: Beside) -> Any:
    (line,) = [line for line in found.rows if line.own]
    return line


def test_a_run_of_known_behaviour_gets_its_place(tmp_path: Path) -> None:
    """0, 0, 0, 100, 100: an average of 40, between the paper's 33.4 and 29.3 below and 60.6 above."""
    found = run_beside(tmp_path, select="{problems: {solved: main, at_least: 8/8}, limit: 12}")
    assert found.title == "recoverability, shared subset, by m, math"
    line = own(found)
    assert dict(line.figures) == {"0.0": 0, "0.2": 0, "0.4": 0, "0.6": 100, "0.8": 100}
    assert line.average == 40
    assert line.rank == 1 + sum(row["avg"] > 40 for row in published()["recover_shared_by_m"].values()) == 14
    assert [x.rank for x in found.rows] == list(range(1, 17))
    best = next(x for x in found.rows if x.model == "AM-Thinking-32B")
    assert (best.tier, best.shift) == ("high", 1 - 14), "first of the benchmarks, last but one here"
    assert (line.tier, line.shift) == ("", None)


def test_a_looser_selection_is_the_individual_subset(tmp_path: Path) -> None:
    assert run_beside(tmp_path).title == "recoverability, individual subset, by m, math"


def test_n_of_two_fifths_has_a_table_of_its_own(tmp_path: Path) -> None:
    found = run_beside(tmp_path, sweep="{over: {m: [0, 0.2, 0.4, 0.6], n: [0.4]}, also: [{without: steer}]}")
    assert found.title.startswith("recoverability at n = 0.4")
    assert len(own(found).figures) == 4


def test_a_run_that_lacks_a_column_has_no_rank(tmp_path: Path) -> None:
    line = own(run_beside(tmp_path, sweep="{over: {m: [0.2, 0.5], n: [0.2]}}"))
    assert list(line.figures) == ["0.2"]
    assert (line.average, line.rank) == (None, None)


def test_of_two_n_the_table_s_is_taken(tmp_path: Path) -> None:
    found = run_beside(tmp_path, sweep="{over: {m: [0, 0.2, 0.4, 0.6, 0.8], n: [0.1, 0.2]}}")
    assert own(found).average == 40


def test_an_error_names_the_file(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    text = """
        relay: 1
        models: {a: {engine: scripted, says: "x"}}
        problems: {from: sums, limit: 1}
        graph: {start: a1, answer: a1, nodes: {a1: {write: a}}, edges: {a1: end}}
    """
    outcome = bench.run(text)
    with Run(outcome.path) as run, pytest.raises(UserError, match=r"out\.relay: is no twin test"):
        beside(run)
