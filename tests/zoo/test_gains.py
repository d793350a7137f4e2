"""docs/gains.md says what was measured of the models that ship, and a small run of them says it again."""

import asyncio
import json
from math import sqrt
from pathlib import Path

import pytest

from relay.credit.drawing import credit
from relay.credit.prefixes import Wanted
from relay.language.reading import read
from relay.measure.credits import credits_of
from relay.session import Options, start
from relay.store.reader import Run
from tests.proof import null_relay, offload
from tests.zoo.test_canned import Silent

OFFLOADED = json.loads(offload.EVIDENCE.read_text())
NULL = json.loads(null_relay.EVIDENCE.read_text())


def test_the_page_shows_what_was_measured() -> None:
    page = offload.PAGE.read_text()
    assert page == offload.write_page(OFFLOADED), "write it anew: python tests/proof/offload.py --page"
    assert page == null_relay.write_page(NULL)


def test_a_null_relay_is_as_good_as_the_model_alone_in_both_engines() -> None:
    assert {name.split(",")[0] for name in NULL} == {"transformers", "vllm"}
    for told in NULL.values():
        assert len(told["cells"]) == 3
        for row in told["cells"]:
            low, high = row["90 %"]
            assert row["problems"] >= 1000
            assert told["rollouts"][row["handoff"]] == 4 * row["problems"]
            assert (row["verdict"], -0.03 < low <= high < 0.03) == ("equal", True)


def test_the_page_says_how_many_null_relays_are_not_zero_by_their_own_interval() -> None:
    rows = [(name, row) for name, told in NULL.items() for row in told["cells"]]
    off = [(name, row) for name, row in rows if row["95 %"][0] > 0 or row["95 %"][1] < 0]
    assert (len(off), len(rows)) == (1, 9)
    ((name, row),) = off
    low, high = (f"{100 * x:.1f}".replace("-", "−") for x in row["95 %"])
    said = f"by its own 95 % interval ({name.split(',')[0]}, 16 tokens: {low} – {high})"
    text = " ".join(offload.PAGE.read_text().split())
    assert "One of these nine differences is not zero" in text
    assert said in text
    assert f"in up to {100 * (1 - 0.95**9):.0f} of 100 cases" in text


def test_offload_was_tried_by_three_rules_on_two_strata() -> None:
    runs = [name for name in OFFLOADED["runs"] if name.startswith("offload")]
    assert len(runs) == len(offload.RULES) * len(offload.STRATA) == 6
    assert all(len(OFFLOADED["runs"][name]["gains"]) == 2 for name in runs)
    assert all(run["problems"] >= 300 for run in OFFLOADED["runs"].values())
    assert all(each["rollouts"] >= 40 for name in runs for each in OFFLOADED["runs"][name]["credit"])


def test_credit_adds_up_to_the_gain_that_it_explains_within_its_error() -> None:
    for name, run in OFFLOADED["runs"].items():
        for each in run["credit"]:
            total, gain = each["total"], each["gain"]
            assert sum(a["credit"]["mean"] for a in each["authors"]) == pytest.approx(total["mean"])
            # both have the same outcomes: only the chance, by four draws a rollout, stands against one solo
            error = 1.96 * sqrt(0.25 * (1 + 1 / 4) / each["rollouts"])
            error = min(error, (total["high"] - total["low"]) / 2 + (gain["high"] - gain["low"]) / 2)
            assert abs(total["mean"] - gain["mean"]) <= error, name


def test_a_run_of_them_is_given_credit(tmp_path: Path) -> None:
    sets = {"problems.limit": "4", "compare": "[solo small]"}
    path = tmp_path / "out.relay"
    asyncio.run(start(read("offload", sets), path, Options(pool=tmp_path / "pool.sqlite"), Silent()))
    done = asyncio.run(credit(path, Silent(), Wanted(samples=1)))
    assert (done.places > 8, done.failed) == (True, 0)
    with Run(path) as run:
        (found,) = credits_of(run)
    assert (found.by, found.rollouts) == ("small", 4)
    assert sum(each.credit.mean for each in found.authors) == pytest.approx(found.end - found.start)
    assert found.gain is not None
    error = (found.total.high - found.total.low) / 2 + (found.gain.high - found.gain.low) / 2
    assert abs(found.total.mean - found.gain.mean) <= error
