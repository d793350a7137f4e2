"""docs/numbers.md: each query, run on a recoverability run, gives the figure that the report prints."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from relay.measure.scores import scores
from relay.store.reader import Run
from relay.twin.effect import rows
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
    bench.given = {"main": model(lambda read, request: kept(read) >= 2 and int(request.purpose.problem.id[-1]) % 3 > 0)}
    return asyncio.run(bench.start_canned("recoverability", RECOVERABILITY)).path


def test_every_figure_of_the_table_has_its_query(run_file: Path) -> None:
    asked = queries()
    assert set(asked) == {
        "correct", "graded", "undecided", "problems", "cut short", "missing", "failed", "unfinished",
        "tokens", "score", "interval", "spoilers", "spoiler rate", "corrected", "score minus spoilers", "minus alone",
        "asked about", "tokens of a judge", "prompts of a judge",
        "computed", "cached", "decoded", "thrown", "discarded", "seconds",
    }  # fmt: skip
    with Run(run_file) as run:
        found = scores(run)
        assert len({s.score for s in found}) > 1
        for s in found:
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
