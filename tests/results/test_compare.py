"""`relay compare`: two runs on the same problems, however their files number these; and what cannot be compared."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import relay
from relay.cli import main
from relay.errors import UserError
from relay.measure.outcomes import outcomes
from relay.measure.power import least_seen
from relay.measure.significance import differ
from relay.store.reader import Run
from relay.twin.two_runs import _read, _renumbered, compare
from tests.results.conftest import simulated

SCENARIO = """\
relay: 1
models: {{a: {{engine: scripted, says: {says}}}}}
problems: {{from: rows.jsonl{limit}}}
graph: {{start: a, answer: a, nodes: {{a: {{write: a}}}}, edges: {{a: end}}}}
samples: {samples}
verify: {verify}
sampling: {{temperature: "{{t}}"}}
sweep: {{over: {{t: {cells}}}}}
"""
RIGHT, WRONG = "So.</think>{answer}.", "So.</think>The answer is 0."


def made(
    folder: Path, name: str, wrong: str = "", order: str = "abcdefgh", cells: str = "[0.1, 0.9]", samples: int = 1,
    verify: str = "math",
) -> Path:  # fmt: skip
    """A run on these problems, in this order, that gets the `wrong` ones wrong."""
    rows = [{"id": f"p{letter}", "question": f"{ord(letter)} + 1?", "answer": str(ord(letter) + 1)} for letter in order]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    says = json.dumps({"*": [RIGHT], **{f"p{letter}": [WRONG] for letter in wrong}})
    text = SCENARIO.format(says=says, limit="", samples=samples, verify=verify, cells=cells)
    (folder / "s.yaml").write_text(text)
    return relay.run(folder / "s.yaml", folder / f"{name}.relay").path


def test_problems_are_paired_by_what_they_are_and_not_by_their_numbers(tmp_path: Path) -> None:
    first = made(tmp_path, "first", wrong="ab")
    second = made(tmp_path, "second", wrong="b", order="hgfedcba")
    found = compare(first, second)
    assert [pair.cell for pair in found.pairs] == ["t=0.1", "t=0.9"]
    for pair in found.pairs:
        assert (pair.first, pair.second) == (6 / 8, 7 / 8)
        assert pair.difference.mean == pytest.approx(1 / 8)
        assert pair.difference.method == "Newcombe"
        assert pair.test.p == pytest.approx(0.5)  # one problem of one differs: mid-p
        assert pair.adjusted == pytest.approx(1)


def test_the_queries_of_the_page_give_these_figures(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "numbers.md").read_text()
    section = page.partition("## Two runs")[2].partition("\n## ")[0]
    attach, asked = re.findall(r"```sql\n(.*?)```", section, flags=re.DOTALL)
    first = made(tmp_path, "first", wrong="ab", samples=2)
    second = made(tmp_path, "second", wrong="b", order="xhgfdcba", samples=3)
    with closing(sqlite3.connect(first)) as db:
        db.execute(attach.replace("SECOND.relay", str(second)))
        for pair in compare(first, second).pairs:
            (row,) = db.execute(asked, {"cell": pair.cell, "verifier": "math"}).fetchall()
            assert row == pytest.approx((pair.first, pair.second, pair.difference.mean, pair.problems))


def test_only_problems_and_cells_of_both_are_compared_and_the_rest_is_told(tmp_path: Path) -> None:
    first = made(tmp_path, "first", wrong="a")
    second = made(tmp_path, "second", order="bcdefx", cells="[0.9]")
    found = compare(first, second)
    (pair,) = found.pairs
    assert (pair.cell, pair.problems, pair.first, pair.second) == ("t=0.9", 5, 1.0, 1.0)
    assert (found.problems, found.only, found.left_out) == (5, (3, 1), ("t=0.1",))
    assert pair.least is None


def test_a_distractor_of_both_runs_is_one_distractor_in_their_difference(tmp_path: Path) -> None:
    few = {"graph.nodes.steer.insert.among": 4, "sweep.over": {"m": [0.4], "n": [0.4]}, "samples": 2}
    first, second = (simulated(tmp_path, name=name, **few).path for name in ("a", "b"))
    numbers: dict[tuple[str, ...], int] = {}
    cells = [_renumbered(_read(path), numbers, strata=False)["m=0.4 n=0.4"] for path in (first, second)]
    assert set(cells[0].distractor.tolist()) == set(cells[1].distractor.tolist())
    assert len(set(cells[0].distractor.tolist())) == 4
    (pair, _) = compare(first, second).pairs
    assert pair.difference.method == "t by problem and distractor"
    assert pair.difference.mean == 0


def test_two_runs_that_are_one_run_are_alike(tmp_path: Path) -> None:
    first = made(tmp_path, "first", wrong="abc", samples=3)
    found = compare(first, made(tmp_path, "second", wrong="abc", samples=3))
    assert found.knobs == ()
    assert all(pair.difference.mean == 0 and pair.adjusted > 0.99 for pair in found.pairs)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"order": "uvwxyz"}, "no problem in common"),
        ({"cells": "[0.5]"}, "no graded cell of the same name"),
        ({"verify": "text"}, "no verifier in common"),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path: Path, change: dict[str, str], said: str) -> None:
    first = made(tmp_path, "first")
    second = made(tmp_path, "second", **change)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=said):
        compare(first, second)


def test_an_unfinished_run_is_refused_with_the_command_that_goes_on(tmp_path: Path) -> None:
    first, second = made(tmp_path, "first"), made(tmp_path, "second")
    with sqlite3.connect(second) as db:
        db.execute("UPDATE meta SET value = '\"walking\"' WHERE key = 'phase'")
    db.close()
    with pytest.raises(UserError, match=r"not finished \(walking\) \(relay run --resume .*second"):
        compare(first, second)


def test_the_command_says_what_differs_and_how_far(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = made(tmp_path, "first", wrong="abcdefgh"), made(tmp_path, "second")
    with pytest.raises(SystemExit) as end:
        main(["compare", str(first), str(second)])
    said = capsys.readouterr().out
    assert end.value.code == 0
    assert "models.a.says.pa" in said
    assert "8 problems are in both, graded by math" in said
    assert "+100.0" in said
    with pytest.raises(SystemExit):
        main(["compare", str(first), str(second), "--json"])
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["answer"] for row in rows] == ["different"] * 2
    with Run(first) as run:
        assert [row["cell"] for row in rows] == run.cells


def test_the_least_difference_is_found_in_some_four_of_five_studies() -> None:
    """150 problems, four continuations each, the second cell truly better by what the first studies call least."""
    import numpy as np

    draw = np.random.default_rng(5)

    def study(gain: float) -> list[object]:
        rates = draw.beta(2, 2, 150) * 0.8
        return [
            outcomes([(p, None, int(draw.random() < rate)) for p, rate in enumerate(now) for _ in range(4)])
            for now in (rates, rates + gain)
        ]

    seen = [least_seen(*study(0.06)) for _ in range(20)]  # type: ignore[arg-type]
    gain = float(np.mean([value for value in seen if value is not None]))
    assert len([value for value in seen if value is None]) == 0
    tests = [differ(*study(gain)) for _ in range(150)]  # type: ignore[arg-type]
    share = sum(test is not None and test.p < 0.05 for test in tests) / len(tests)
    assert 0.7 < share < 0.9, (gain, share)
