"""relay report --cost: what each author cost, as computed by hand and by the queries of docs/numbers.md."""

import json
from pathlib import Path
from typing import Any

import pytest

from relay.cli.costs import check_prices
from relay.cli.report import report
from relay.clock import Stopwatch
from relay.errors import UserError
from relay.measure.cost import Cost, costs, held, in_all
from relay.measure.price import Price
from relay.store.reader import Run
from relay.store.writer import RunWriter
from tests.loop.test_ahead import DRAFTS
from tests.loop.test_branches import NESTED, VOTE
from tests.loop.test_numbers import queries

PRICES = {"small": Price(1.0, 4.0), "": Price(10.0, 40.0)}


def by_author(found: list[Cost]) -> dict[tuple[str, str], Cost]:
    return {(c.node, c.model): c for c in found}


def test_each_author_of_drafts_ahead_of_a_judge(bench: Any) -> None:
    outcome = bench.run(DRAFTS.replace("limit: 3", "limit: 1"))
    with Run(outcome.path) as run:
        found = by_author(costs(run, PRICES))
        hops = run.hops(0)
    assert [(key, c.visits) for key, c in found.items()] == [
        (("draft", "small"), 6),  # four that are read, two that were vetoed
        (("check", "large"), 4),
        (("derive", "main"), 2),
    ]
    draft = found["draft", "small"]
    encode = bench.engines["small"].tokenizer.encode
    assert draft.decoded == sum(len(encode(text)) for text in ("One.", "Two.", "Three.", "Four."))
    assert draft.discarded >= len(encode("Three.")) + len(encode("Four."))
    spent = sum(h.usage.decoded + h.usage.thrown for h in hops)
    assert sum(c.decoded + c.thrown + c.discarded for c in found.values()) == spent
    read = sum(h.usage.computed for h in hops if h.node == "draft")
    written = draft.decoded + draft.thrown + draft.discarded
    assert draft.money == pytest.approx((read + 4 * written) / 1e6)
    check = found["check", "large"]
    assert check.money == pytest.approx((10 * check.computed + 40 * (check.decoded + check.thrown)) / 1e6)


@pytest.mark.parametrize("scenario", [DRAFTS, VOTE, NESTED])
def test_what_is_critical_adds_up_to_what_the_rollouts_waited_for(scenario: str, bench: Any) -> None:
    slow = scenario.replace("{engine: scripted, says", "{engine: scripted, seconds: 0.02, says")
    outcome = bench.run(slow)
    with Run(outcome.path) as run:
        found = costs(run)
        waited = sum(run.walk(row.id).pens["0"].seconds for row in run.rollouts())
        whole = sum(h.usage.seconds for row in run.rollouts() for h in run.hops(row.id))
    assert sum(c.critical or 0 for c in found) == pytest.approx(waited, abs=1e-6)
    assert sum(c.seconds or 0 for c in found) == pytest.approx(whole, abs=1e-6)
    assert waited < whole, "some of it ran beside the rest"


def test_of_a_branch_the_slowest_pen_is_waited_for(bench: Any) -> None:
    text = VOTE.replace("b: {engine: scripted,", "b: {engine: scripted, seconds: 0.2,").replace("limit: 2", "limit: 1")
    outcome = bench.run(text)
    with Run(outcome.path) as run:
        found = by_author(costs(run))
    assert (found["try", "b"].critical or 0) >= 0.4
    assert (found["try", "a"].critical, found["try", "c"].critical) == (0, 0)
    assert (found["try", "a"].seconds or 0) >= 0


def test_a_judge_that_grades_is_an_author_too(bench: Any) -> None:
    judged = """
        relay: 1
        models:
          m: {engine: scripted, says: "Well.</think>It is {answer}."}
          j: {engine: scripted, thinking: false, says: "CORRECT."}
        problems: {from: sums, limit: 2}
        graph: {start: think, answer: think, nodes: {think: {write: m}}, edges: {think: end}}
        verify: {judge: j}
    """
    outcome = bench.run(judged)
    with Run(outcome.path) as run:
        found = by_author(costs(run, {"j": Price(1.0, 1.0)}))
    judge = found["(verify)", "j"]
    assert (judge.visits, judge.seconds, judge.critical) == (2, None, None)
    assert judge.decoded > 0
    assert judge.money == pytest.approx((judge.computed + judge.cached + judge.decoded + judge.thrown) / 1e6)
    assert found["think", "m"].money is None


@pytest.mark.parametrize("scenario", [DRAFTS, VOTE])
def test_every_figure_is_that_of_its_query(scenario: str, bench: Any) -> None:
    asked = queries()
    outcome = bench.run(scenario)
    with Run(outcome.path) as run:
        found = costs(run)
        assert found
        for c in found:
            for name in ("computed", "cached", "decoded", "thrown", "discarded", "seconds"):
                ((value,),) = run.query(asked[name], cell=c.cell, node=c.node, model=c.model)
                assert value == pytest.approx(getattr(c, name)), (c.node, c.model, name)


def test_the_table_and_the_lines_show_them(bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(bench.run(DRAFTS).path)
    report([path], cost=True, price=["small=1,4", "10,40"], json=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = [line for line in lines if line.get("cost")]
    with Run(path) as run:
        found = costs(run, PRICES)
    assert told == [{"run": str(path), "cost": True, **c._asdict()} for c in found]
    report([path], cost=True)
    said = capsys.readouterr().out
    line = next(line.split() for line in said.splitlines() if line.split()[:2] == ["draft", "small"])
    assert line[2:8] == [f"{getattr(found[0], name):,}" for name in
                         ("visits", "computed", "cached", "decoded", "thrown", "discarded")]  # fmt: skip
    assert "money" not in said


def test_prices_that_are_none_are_told_at_once(bench: Any) -> None:
    path = Path(bench.run(VOTE).path)
    with pytest.raises(UserError) as caught:
        check_prices([path], ["x=1,2", "a=1", "much"], cost=True)
    assert [m.what for m in caught.value.mistakes] == [
        "there is no model 'x'",
        "'1' should be 2 numbers, with commas",
        "'much' should be 2 numbers, with commas",
    ]
    with pytest.raises(UserError, match="is for the table of costs"):
        check_prices([path], ["1,2"], cost=False)


PAID = """
    relay: 1
    models:
      a: {engine: scripted, seconds: 0.2, says: "So </think>{answer}"}
      b: {engine: scripted, says: "x"}
    problems: {from: sums, limit: 2}
    graph:
      start: think
      answer: think
      nodes: {think: {write: a}, other: {write: b}}
      edges: {think: [{when: {visits: think, over: 5}, to: other}, end], other: end}
    prices:
      a: {read: 1, written: 4, gpu_hour: 3.6, gpus: 0.5}
      b: {gpu_hour: 3.6}
"""


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_money_by_the_hour_is_for_the_time_that_the_run_took_idle_or_not(bench: Any) -> None:
    outcome = bench.run(PAID)
    with Run(outcome.path) as run:
        (seconds,) = run.meta["held"]
        found = held(run, {"a": Price(hour=1.8), "b": Price(hour=3.6), "": Price(1.0, 2.0)})
        calls = sum(c.seconds or 0.0 for c in costs(run))
    assert seconds >= 0.2
    assert seconds < 60
    assert [(each.model, each.hour) for each in found] == [("a", 1.8), ("b", 3.6)]
    assert [each.money for each in found] == pytest.approx([1.8 * seconds / 3600, 3.6 * seconds / 3600])
    assert calls > 0, "b was never called, and is paid all the same"


def test_the_scenario_s_prices_are_taken_and_options_go_before_them(
    bench: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = bench.run(PAID)
    capsys.readouterr()
    report([outcome.path], cost=True, json=True)
    rows = told(capsys)
    (think,) = [row for row in rows if row.get("cost")]
    assert think["money"] == pytest.approx((think["computed"] + 4 * (think["decoded"] + think["thrown"])) / 1e6)
    held_ = [row for row in rows if row.get("held")]
    assert {row["model"]: row["hour"] for row in held_} == {"a": 1.8, "b": 3.6}
    (whole,) = [row for row in rows if row.get("paid")]
    assert whole["money"] == pytest.approx(think["money"] + sum(row["money"] for row in held_))
    assert (whole["tokens"], whole["free"]) == (think["money"], [])
    report([outcome.path], cost=True, json=True, price=["10,20"], gpu_hour=["a=7.2,2"])
    rows = told(capsys)
    (think,) = [row for row in rows if row.get("cost")]
    assert think["money"] == pytest.approx((10 * think["computed"] + 20 * (think["decoded"] + think["thrown"])) / 1e6)
    assert {row["model"]: row["hour"] for row in rows if row.get("held")} == {"a": 14.4, "b": 3.6}
    report([outcome.path], cost=True)
    said = capsys.readouterr().out
    assert "held, used or not" in said
    assert "in all: " in said


def test_a_price_of_hours_leaves_tokens_their_price(bench: Any) -> None:
    with Run(bench.run(DRAFTS.replace("limit: 3", "limit: 1")).path) as run:
        alone, both = (costs(run, {"": Price(1, 4), **more}) for more in ({}, {"small": Price(hour=2.0)}))
        rented = held(run, {"": Price(1, 4), "small": Price(hour=2.0)})
    assert both == alone
    assert [each.model for each in rented] == ["small"]


def test_a_model_under_two_names_is_held_once(bench: Any) -> None:
    alike = 'b: {engine: scripted, seconds: 0.2, says: "So </think>{answer}"}'
    text = PAID.replace('b: {engine: scripted, says: "x"}', alike).partition("    prices:")[0]
    with Run(bench.run(text).path) as run:
        once = held(run, {"": Price(hour=2.0)})
        assert [(each.model, each.also) for each in once] == [("a", ("b",))]
        assert in_all(costs(run), once).free == ()
        assert [each.model for each in held(run, {"": Price(hour=2.0), "b": Price(hour=1.0)})] == ["a", "b"]


async def test_each_session_of_a_run_is_held_for_its_own_time(tmp_path: Path) -> None:
    path = tmp_path / "r.relay"
    for n in (1, 2):
        writer = RunWriter.create(path) if n == 1 else RunWriter.resume(path)
        writer.holds(Stopwatch())
        writer.flush()
        writer.close(finished=False)
        with Run(path) as run:
            assert len(run.meta["held"]) == n


@pytest.mark.parametrize(("said", "what"), [
    ({"gpu_hour": ["2.5"]}, "is for the table of costs"),
    ({"cost": True, "gpu_hour": ["c=2.5"]}, "there is no model 'c'"),
    ({"cost": True, "gpu_hour": ["a=x"]}, "'x' should be 1 or 2 numbers"),
    ({"cost": True, "gpu_hour": ["a=1,2,3"]}, "'1,2,3' should be 1 or 2 numbers"),
])  # fmt: skip
def test_a_price_of_hours_that_is_none_is_told(bench: Any, said: dict[str, Any], what: str) -> None:
    outcome = bench.run(PAID)
    with pytest.raises(UserError, match=what):
        report([outcome.path], **said)
