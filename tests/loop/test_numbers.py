"""docs/numbers.md: each query, run on a recoverability run, gives the figure that the report prints."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from relay.distance.measuring import measure
from relay.measure.distances import ALL, distances
from relay.measure.scores import scores
from relay.reports.points import points
from relay.store.reader import Run
from relay.twin.effect import rows
from relay.twin.looks import looks, seen
from tests.loop.test_twin_scripted import RECOVERABILITY, kept, model

PAGE = Path(__file__).parents[2] / "docs" / "numbers.md"


def queries() -> dict[str, str]:
    """The page's queries by the name that stands before each."""
    found = re.findall(
        r"^([a-z ]+?)(?: \([^)]*\))?:\n\n```sql\n(.*?)```", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE
    )
    return {name.strip(): sql for name, sql in found}


@pytest.fixture
def run_file(bench: Any) -> Path:
    seen: set[str] = set()

    def recovers(read: str, request: Any) -> bool:
        """At m = 0 on one problem only, so that Wilson's interval is mended there; then on some."""
        own = request.purpose.problem.id
        seen.add(own)
        return bool(own == min(seen) if kept(read) == 0 else kept(read) >= 2 and int(own[-1]) % 3 > 0)

    bench.given = {"main": model(recovers)}
    return asyncio.run(bench.start_canned("recoverability", RECOVERABILITY)).path


def test_every_figure_of_the_table_has_its_query(run_file: Path) -> None:
    asked = queries()
    assert set(asked) == {
        "correct", "graded", "undecided", "problems", "cut short", "missing", "failed", "unfinished",
        "tokens for each graded rollout",
        "tokens", "score", "interval", "spoilers", "spoiler rate", "corrected", "score minus spoilers", "minus alone",
        "asked about", "tokens of a judge", "prompts of a judge", "steered rollouts", "own tokens", "tokens alone",
        "steers measured", "distance", "tokens read for the distance", "seconds for the distance",
        "computed", "cached", "decoded", "thrown", "discarded", "seconds",
        "harmful finishes", "false alarms", "refused", "trips", "late", "taken back", "goes along",
        "gain", "times tokens", "times seconds", "price", "drafts accepted", "credit",
    }  # fmt: skip
    with Run(run_file) as run:
        found = scores(run)
        assert len({s.score for s in found}) > 1
        assert any(0 < 10 * s.correct <= s.graded for s in found), "where Wilson's interval is mended"
        costs = {point.name: point.tokens for point in points(run)}
        for s in found:
            each = run.query(asked["tokens for each graded rollout"], cell=s.cell, verifier=s.verifier)[0][0]
            assert each == pytest.approx(costs[s.cell])
            for name in ("correct", "graded", "undecided", "problems", "cut short", "missing", "failed", "unfinished"):
                assert run.query(asked[name], cell=s.cell, verifier=s.verifier) == [
                    (getattr(s, name.replace(" ", "_")),)
                ], (s.cell, name)
            assert run.query(asked["tokens"], cell=s.cell, verifier=s.verifier) == [(s.decoded,)]
            assert s.score is not None
            assert s.interval is not None
            assert run.query(asked["score"], cell=s.cell, verifier=s.verifier)[0][0] == pytest.approx(100 * s.score)
            minus = rows(run)[s.cell]["minus_alone"]
            told = None if minus is None else pytest.approx(100 * minus["mean"])
            assert (
                "without" in s.cell
                or run.query(asked["minus alone"], cell=s.cell, verifier=s.verifier, alone=found[-1].cell)[0][0] == told
            )
            assert run.query(asked["interval"], cell=s.cell, verifier=s.verifier)[0] == pytest.approx(
                (100 * s.interval.low, 100 * s.interval.high)
            )


def test_what_recovery_looks_like_is_counted_by_its_queries(run_file: Path) -> None:
    asked = queries()
    with Run(run_file) as run:
        read, alone = list(seen(run)), run.cells[-1]
        assert len(read) == 5 * 12
        for each in looks(read, run.cells):
            assert run.query(asked["steered rollouts"], cell=each.cell) == [(each.rollouts,)]
        for row in read:
            assert run.query(asked["own tokens"], rollout=row.rollout) == [(row.length,)]
            assert run.query(asked["tokens alone"], alone=alone, problem=row.problem) == [(row.alone,)]


def test_the_printed_table_shows_these_figures(run_file: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", "from relay.cli import main; main()", "report", str(run_file)],
        capture_output=True, text=True, check=True, env={"COLUMNS": "120", "PATH": "/usr/bin"},
    ).stdout  # fmt: skip
    with Run(run_file) as run:
        for s in scores(run):
            assert s.interval is not None
            line = next(line for line in said.splitlines() if line.startswith(f" {s.cell}  "))
            figures = re.findall(r"[\d.,]+", line.removeprefix(f" {s.cell} "))
            assert figures == [
                f"{100 * (s.score or 0):.1f}", f"{100 * s.interval.low:.1f}", f"{100 * s.interval.high:.1f}",
                f"{s.correct}", f"{s.graded}", f"{s.problems}", f"{s.decoded:,}",
            ]  # fmt: skip


def test_every_figure_of_the_distances_has_its_query(run_file: Path, bench: Any) -> None:
    asyncio.run(measure(run_file, bench.watcher, bench.given))
    asked = queries()
    with Run(run_file) as run:
        found = [each for each in distances(run) if each.cell != ALL]
        for each in found:
            assert run.query(asked["steers measured"], cell=each.cell) == [(each.steers,)]
            assert run.query(asked["distance"], cell=each.cell)[0][0] == pytest.approx(each.mean)
            assert run.query(asked["tokens read for the distance"], cell=each.cell) == [(each.computed,)]
            assert run.query(asked["seconds for the distance"], cell=each.cell)[0][0] == pytest.approx(each.seconds)
    assert len(found) == 5
