"""Spoilers: score, rate and corrected score stand together, as computed by hand; or it is said that nobody looked."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from relay.engine import Request
from relay.measure.intervals import wilson
from relay.measure.spoiled import corrections, looked
from relay.spoilers import find_spoilers
from relay.store.reader import Run
from relay.twin.card import card
from relay.twin.page import page
from relay.twin.plan import Part
from tests.loop.conftest import Bench
from tests.loop.test_numbers import queries
from tests.twin.worlds import TWO, answered, engine, in_pool, number, played

CELLS = ["n=0.2", "n=0.4", "n=0.6", "n=0.8"]
# Twelve problems. The guide's thought has five sentences; of an even problem the second states the answer. The model
# believes what is stated; of a problem divisible by three it needs four sentences and no statement. Alone it is right
# about the first. So, of twelve:
#   right:     n=.2: none   n=.4, .6: the six even ones   n=.8: those and 3 and 9
#   spoilers:  n=.2: none   n=.4, .6, .8: the six even ones
CORRECT, SPOILERS, CLEAN = [0, 6, 6, 8], [0, 6, 6, 6], [(0, 12), (0, 6), (0, 6), (2, 6)]


def guide(request: Request, read: str) -> str:
    stated = f"So the sum is {request.purpose.problem.answer}." if number(request) % 2 == 0 else "That is how it goes."
    return answered(request, True, f"First this. {stated} Then that. Then more. Then done.")


def main(request: Request, read: str) -> str:
    if in_pool(request):
        return answered(request, False)
    if not read.strip():
        return answered(request, number(request) == 0)
    stated = f"the sum is {request.purpose.problem.answer}." in read
    return answered(request, stated or ("Then more." in read and number(request) % 3 == 0))


@pytest.fixture
def part(tmp_path: Path) -> Part:
    engines = {"main": engine(main, "main"), "guide": engine(guide, "guide")}
    return played(
        Bench(tmp_path),
        "guidability",
        engines,
        {**TWO, "problems": "{from: sums, limit: 12}", "let.cut": "nearest"},
        "its/guide",
    )


def said(*args: str) -> str:
    command = [sys.executable, "-c", "from relay.cli import main; main()", *args]
    env = {"COLUMNS": "200", "PATH": "/usr/bin"}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout


def test_every_figure_is_as_by_hand(part: Part, tmp_path: Path) -> None:
    path = tmp_path / part.file
    asyncio.run(find_spoilers(path, Bench(tmp_path).watcher))
    with Run(path) as run:
        found = corrections(run)
        asked = queries()
        assert [each.cell for each in found] == [*CELLS, "n=0.2 without steer"]
        assert [each.spoilers for each in found[:4]] == SPOILERS
        assert [each.corrected for each in found[:4]] == CLEAN
        for each, correct, spoilers, (clean, of) in zip(found[:4], CORRECT, SPOILERS, CLEAN, strict=True):
            assert each.score == correct / 12
            assert each.rate == spoilers / 12
            assert each.corrected_score == clean / of
            assert each.minus_spoilers == pytest.approx((correct - spoilers) / 12)
            assert each.interval is not None
            assert each.interval[:2] == pytest.approx(wilson(clean, of)[:2])
            for name, figure in (
                ("spoiler rate", each.rate),
                ("corrected", each.corrected_score),
                ("score minus spoilers", each.minus_spoilers),
            ):
                assert run.query(asked[name], cell=each.cell, verifier=run.verifier)[0][0] == pytest.approx(
                    100 * figure
                )
    (test,) = card("known", [part], tmp_path)["tests"]
    assert test["alone"]["correct"] == 1
    last = test["cells"][-1]
    assert (last["spoiler_rate"], last["corrected"]["correct"], last["corrected"]["graded"]) == (0.5, 2, 6)
    # Six odd problems are left; alone none of them is right, steered two are.
    assert last["corrected"]["minus_alone"]["mean"] == pytest.approx(2 / 6)
    assert last["minus_alone"]["mean"] == pytest.approx(7 / 12)
    assert test["steered"]["spoilers"] == 18
    assert test["steered"]["corrected"]["graded"] == 30
    told = page(card("known", [part], tmp_path))
    assert "| n=0.8 | 66.7 | 50.0 | 33.3 | 9.7 to 70.0 | 6 | +33.3 |" in told
    assert "| 16.7 |" in told


def test_report_prints_the_three_together(part: Part, tmp_path: Path) -> None:
    path = str(tmp_path / part.file)
    table = said("report", path, "--spoilers")
    line = next(line for line in table.splitlines() if line.startswith(" n=0.8 "))
    assert line.split()[:8] == ["n=0.8", "66.7", "39.1", "–", "86.2", "50.0", "33.3", "9.7"]
    assert "looked for spoilers" not in table
    rows = [json.loads(row) for row in said("report", path, "--json").splitlines()]
    (row,) = [row for row in rows if row.get("cell") == "n=0.8"]
    assert (row["spoiler_rate"], row["corrected"]["score"]) == (0.5, pytest.approx(1 / 3))
    assert row["score_minus_spoilers"] == pytest.approx(1 / 6)
    assert row["minus_alone"]["mean"] == pytest.approx(7 / 12)


def test_where_nobody_looked_nothing_is_corrected_and_it_is_said(part: Part, tmp_path: Path) -> None:
    with Run(tmp_path / part.file) as run:
        assert looked(run) == (48, 0)
        assert corrections(run) == []
    table = said("report", str(tmp_path / part.file))
    assert "nobody has looked for spoilers" in table
    assert "corrected " not in table.partition("note:")[0]
    rows = [json.loads(row) for row in said("report", str(tmp_path / part.file), "--json").splitlines()]
    assert {str(row["corrected"]) for row in rows if "cell" in row} == {"None"}
    (test,) = card("known", [part], tmp_path)["tests"]
    assert "corrected" not in test["steered"]
    assert "Nobody has looked for spoilers" in page(card("known", [part], tmp_path))


def test_steers_that_were_looked_at_in_part_correct_nothing(part: Part, tmp_path: Path) -> None:
    """As after a kill in between."""
    import sqlite3

    asyncio.run(find_spoilers(tmp_path / part.file, Bench(tmp_path).watcher))
    with sqlite3.connect(tmp_path / part.file) as db:
        alone = "(SELECT id FROM name WHERE text LIKE 'steer alone%')"
        db.execute(f"DELETE FROM verdict WHERE verifier = {alone} AND rollout > 20")
    db.close()
    with Run(tmp_path / part.file) as run:
        assert looked(run).steers == 48
        assert 0 < looked(run).looked_at < 48
        assert corrections(run) == []
        assert "steers were looked at for spoilers" in looked(run).told


def test_a_distraction_about_another_problem_is_no_spoiler_to_look_for(tmp_path: Path) -> None:
    def solves(request: Request, read: str) -> str:
        return answered(request, True, "First this. Then that." if in_pool(request) else " So.")

    sets: dict[str, Any] = {"models.main": TWO["models.main"], "problems": "{from: sums, limit: 8}"}
    part = played(Bench(tmp_path), "recoverability", {"main": engine(solves, "main")}, sets)
    with Run(tmp_path / part.file) as run:
        assert looked(run) == (0, 0)
        assert looked(run).told == ""
