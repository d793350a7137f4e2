"""By solve rate: each stratum of the individual subset as computed by hand."""

from pathlib import Path
from typing import Any

import pytest

from relay.engine import Request
from relay.measure.intervals import korn_graubard
from relay.store.reader import Run
from relay.twin.card import card
from relay.twin.page import page
from relay.twin.strata import strata
from tests.loop.conftest import Bench
from tests.twin.test_spoiled import said
from tests.twin.worlds import TWO, answered, engine, in_pool, number, played

SETS = {
    "models.main": TWO["models.main"], "problems": "{from: sums, limit: 45}",
    "select": "{problems: {solved: main, at_least: 1/8}, evenly: main, limit: 250}",
}  # fmt: skip


def main(request: Request, read: str) -> str:
    """It solves problem n alone n mod 9 times of 8.

    Steered, it comes back from the fourth rate on where it still sees three of its five sentences (m = 0.6 and 0.8);
    afresh it is right from the fifth on.
    """
    rate = number(request) % 9
    if in_pool(request):
        return answered(request, request.purpose.sample < rate, "One goes. Two goes. Three goes. Four goes. Five goes.")
    if "Wait. Let me think" not in read:
        return answered(request, rate >= 5)
    return answered(request, rate >= 4 and read.partition("\nWait.")[0].count("goes.") >= 3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    part = played(Bench(tmp_path), "recoverability", {"main": engine(main, "main")}, SETS)
    (tmp_path / part.file).rename(tmp_path / "r.relay")
    return tmp_path / "r.relay"


def test_every_stratum_is_as_by_hand(path: Path) -> None:
    with Run(path) as run:
        found = strata(run)
    assert [each.rate for each in found] == [f"{k}/8" for k in range(1, 9)]
    assert {each.problems for each in found} == {5}
    for each in found:
        comes_back, alone = each.solved >= 4, each.solved >= 5
        assert each.alone is not None
        assert (each.alone.correct, each.alone.graded) == (5 if alone else 0, 5)
        assert (each.steered.correct, each.steered.graded) == (10 if comes_back else 0, 25)
        one_way = korn_graubard([(2 if comes_back else 0, 5)] * 5)  # as if no two problems shared a distractor
        assert each.steered.interval is not None
        assert each.steered.interval.low <= one_way.low + 1e-9
        assert each.steered.interval.high >= one_way.high - 1e-9
        assert each.steered.minus_alone is not None
        assert each.steered.minus_alone.mean == pytest.approx((0.4 if comes_back else 0) - (1 if alone else 0))
        assert each.steered.minus_alone.problems == 5


def test_report_card_and_page_show_them(path: Path) -> None:
    lines = said("report", str(path)).splitlines()
    (row,) = [line for line in lines if line.startswith(" 4/8 ")]
    assert row.split()[:4] == ["4/8", "5", "0.0", "40.0"]
    from relay.language.reading import read
    from relay.twin.plan import Part

    part = Part("recoverability", "m", "", read("recoverability", SETS))
    path.rename(path.with_name(part.file))
    made: Any = card("m", [part], path.parent)
    (test,) = made["tests"]
    assert [each["solved"] for each in test["strata"]] == [f"{k}/8" for k in range(1, 9)]
    assert test["strata"][3]["steered"]["correct"] == 10
    assert "| 4/8 | 5 | 0.0 | 40.0 |" in page(made)


def test_problems_of_one_rate_have_no_strata(tmp_path: Path) -> None:
    sets = {**SETS, "select": "{problems: {solved: main, at_least: 8/8}}"}
    part = played(Bench(tmp_path), "recoverability", {"main": engine(main, "main")}, sets)
    with Run(tmp_path / part.file) as run:
        assert strata(run) == []
