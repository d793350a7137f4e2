"""Runs with baselines: on the same problems, in the same file, and in every form of the report."""

import asyncio
import csv
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

import relay
from relay.cli.driving import tell
from relay.cli.report import report
from relay.engine import Request
from relay.engine.scripted import TEMPLATE, Scripted, shipped
from relay.errors import UserError
from relay.measure.best import best, halves
from relay.measure.break_even import accepted
from relay.measure.cost import costs as authors
from relay.measure.gains import gains, pairs
from relay.measure.paid import paid
from relay.measure.price import Price
from relay.measure.scores import scores
from relay.reports.cost_pictures import costs, prices
from relay.reports.gains import break_even, gained, gains_json
from relay.reports.methods import methods
from relay.reports.pictures import HEIGHT, curves
from relay.reports.points import points
from relay.reports.told import Caption, Note
from relay.seam.templates import Template
from relay.store.reader import Run
from relay.twin.effect import fresh_cell, steered_cells
from tests.loop.test_numbers import queries

DRAFTS = """
relay: 1
title: Drafts
models:
  small: {engine: scripted, says: x}
  large: {engine: scripted, says: x}
problems: {from: sums, limit: 40}
graph:
  start: draft
  answer: [draft, rewrite]
  nodes:
    draft: {write: small, until: [{sentences: 1}, answered]}
    check: {judge: {rule: {contains: good}}}
    rewrite: {write: large, until: [{sentences: 1}, answered]}
  edges:
    draft: [{when: answered, to: end}, check]
    check:
      - {when: {visits: draft, over: "{most}"}, to: rewrite, drop: draft}
      - {when: {label: check, equals: "yes"}, to: draft}
      - {to: rewrite, drop: draft}
    rewrite: [{when: answered, to: end}, draft]
sweep: {over: {most: [2, 3]}}
samples: 2
compare: [solo small, solo large]
"""


def engines() -> dict[str, Any]:
    """The small model drafts a good step or a bad one, and answers at its third; the large one is right more often."""
    tokenizer = shipped()
    template = Template(tokenizer, TEMPLATE)

    def says(right: float, words: str) -> Any:
        def speak(request: Request) -> str:
            luck, read = Random(request.seed), tokenizer.text_of(request.prompt).partition("<think>")[2]
            if request.purpose.node != "solo" and read.count(".") < 2:
                return f" A {'good' if luck.random() < 0.6 else 'bad'} step{words}. On."
            answer = request.purpose.problem.answer if luck.random() < right else 999
            return f" So{words}.</think>It is {answer}."

        return speak

    found = {"small": says(0.3, ""), "large": says(0.9, " with many more words about it")}
    return {n: Scripted(tokenizer, template, speak, facts={"script": n}) for n, speak in found.items()}


@pytest.fixture
def drafted(bench: Any) -> Path:
    bench.given = engines()
    path: Path = bench.run(DRAFTS).path
    return path


def test_baselines_run_on_the_same_problems_and_every_pair_is_answered(drafted: Path) -> None:
    with Run(drafted) as run:
        assert run.cells == ["most=2", "most=3", "solo small", "solo large"]
        assert pairs(run) == [(cell, base) for base in run.cells[2:] for cell in run.cells[:2]]
        assert {s.graded for s in scores(run)} == {80}
        found = gains(run)
        assert [(each.cell, each.against) for each in found] == pairs(run)
        assert all(each.difference.problems == 40 for each in found)
        assert [each.answer for each in found if each.against == "solo large"] == ["loss", "loss"]


def test_every_figure_of_the_gains_has_its_query(drafted: Path) -> None:
    asked = queries()
    with Run(drafted) as run:
        found = gains(run)
        lines, drafts = break_even(run, found, paid(run))
        for each in found:
            of = {"cell": each.cell, "against": each.against, "verifier": run.verifier}
            assert run.query(asked["gain"], **of)[0][0] == pytest.approx(100 * each.difference.mean)
            for kind in ("tokens", "seconds"):
                times = each.times[kind]
                assert times is not None
                assert times.low < times.ratio < times.high
                assert run.query(asked[f"times {kind}"], **of)[0][0] == pytest.approx(times.ratio)
            line = lines[each.cell, each.against]
            ((price,),) = run.query(asked["price"], **of, model=line.model)
            assert line.never or line.pays == pytest.approx(price)
            assert line.never == (price <= 0)
            (draft,) = drafts[each.cell, each.against]
            ((share,),) = run.query(asked["drafts accepted"], cell=each.cell, node=draft.judge)
            assert share == pytest.approx(100 * draft.share)
            assert draft.low <= draft.pays <= draft.high


def test_with_prices_money_counts_prompts_too(drafted: Path) -> None:
    with Run(drafted) as run:
        cells = paid(run, prices={"small": Price(1, 2), "": Price(10, 20)})
        spent = (
            "SELECT sum(coalesce(computed, 0) + coalesce(cached, 0)), sum(decoded + coalesce(thrown, 0)) FROM step s"
        )
        where = "JOIN rollout r ON r.id = s.rollout WHERE r.cell = 3"
        ((read, written),) = run.query(f"{spent} {where}")
        assert cells[3].costs["money"].sum() == pytest.approx((10 * read + 20 * written) / 1e6)
        (judged,) = accepted(run, cells[0], cells[3], {"": Price(1, 1)})
        assert judged.judge == "check"


def test_money_is_told_only_where_all_tokens_have_a_price(drafted: Path) -> None:
    with Run(drafted) as run:
        said = {"large": Price(10, 20)}
        cells = paid(run, prices=said)
        assert ["money" in cells[i].costs for i in range(4)] == [False, False, False, True]
        assert accepted(run, cells[0], cells[3], said) == accepted(run, cells[0], cells[3]), "in tokens, then"
        assert {each.times["money"] for each in gains(run, of=cells)} == {None}
        free = paid(run, prices={**said, "small": Price(0, 0)})
        assert "money" in free[0].costs, "for nothing is a price too"
        without = paid(run, prices={"large": Price(10, 20), "small": Price(1, 2)})
        without[0].costs.pop("money")  # type: ignore[attr-defined]
        drawn = costs(points(run, without))
    (picture,) = [each for each in drawn if each.title == "Accuracy against money"]
    assert {mark.cell for line in picture.lines for mark in line.marks} == {1, 2, 3}
    assert "1 cell has no such cost" in picture.about


def test_a_turn_without_a_word_is_paid_as_its_writer_s(drafted: Path) -> None:
    prices = {"large": Price(10, 20), "small": Price(1, 2)}
    with Run(drafted) as run:
        whole = paid(run, prices=prices)[0].costs["money"].sum()
    with closing(sqlite3.connect(drafted)) as db, db:  # as such a turn looks: what was read is there, and no author
        db.execute("UPDATE step SET model = NULL, decoded = NULL, thrown = NULL WHERE id = 1 AND rollout = 0")
    with Run(drafted) as run:
        found = paid(run, prices=prices)
        (wordless,) = [each for each in authors(run, prices) if not each.model]
    assert wordless.money is not None
    assert all("money" in cell.costs for cell in found.values())
    assert 0 < whole - found[0].costs["money"].sum() < 1e-4


def test_the_scenario_s_own_prices_are_taken_wherever_gains_are_told(bench: Any, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    bench.given = engines()
    own = DRAFTS.replace("40", "2") + "prices: {small: {read: 1, written: 2}, large: {read: 10, written: 20}}\n"
    outcome = bench.run(own)
    tell(outcome, as_json=False)
    assert "money" in capsys.readouterr().out
    assert relay.open(outcome.path).gains["money"].notna().any()
    with Run(outcome.path) as run:
        assert [row["times"]["money"] for row in gains_json(run) if row.get("gain")][-1] is not None


def test_of_one_problem_nothing_follows_and_json_has_no_infinity(bench: Any) -> None:
    bench.given = engines()
    path = bench.run(DRAFTS.replace("limit: 40", "limit: 1").replace("samples: 2", "samples: 20")).path
    with Run(path) as run:
        rows = list(gains_json(run, {"": Price(1, 1)}))
        drawn = costs(points(run))
    assert json.dumps(rows, allow_nan=False)
    times = [row["times"]["tokens"] for row in rows if row.get("gain") and row["times"]["tokens"]]
    assert times
    assert all((each["low"], each["high"]) == (None, None) for each in times)
    assert drawn


def test_captions_and_notes_speak_of_what_is_there(bench: Any) -> None:
    alone = """
        relay: 1
        models: {a: {engine: scripted, says: ["We add. ", "That is {answer}.</think>{answer}"]}}
        problems: {from: sums, limit: 3}
        graph:
          start: go
          answer: go
          nodes: {go: {write: a, until: [{sentences: 1}, answered]}, on: {insert: {text: " "}}}
          edges: {go: [{when: {visits: go, over: 1}, to: end}, on], on: go}
        compare: [solo a]
    """
    with Run(bench.run(alone).path) as run:
        told = [part.text for part in gained(run) if isinstance(part, Note | Caption)]
        said = " ".join(methods(run))
    assert any("solo a: a scripted model says a text a visit, alone its first only" in text for text in told)
    assert not any("Pays" in text for text in told)
    assert "1 cell was compared with 1 baseline that ran" in said


def test_the_best_cell_is_chosen_on_one_half_and_measured_on_the_other(drafted: Path) -> None:
    with Run(drafted) as run:
        found = best(run)
        assert found is not None
        first, second = halves(40, 0)
        assert found.chosen_on == 20
        by_problem = {
            cell: dict(run.query(
                "SELECT r.problem, avg(o.text = 'correct') FROM rollout r JOIN verdict v ON v.rollout = r.id "
                "JOIN name o ON o.id = v.outcome WHERE r.cell = ? GROUP BY 1", cell
            ))
            for cell in range(4)
        }  # fmt: skip
        means = [sum(by_problem[cell][p] for p in first) / 20 for cell in (0, 1)]
        assert found.cell == run.cells[means.index(max(means))]
        assert found.chosen_at == pytest.approx(max(means))
        cell = run.cells.index(found.cell)
        for gain, base in zip(found.gains, (2, 3), strict=True):
            moved = sum(by_problem[cell][p] - by_problem[base][p] for p in second) / 20
            assert gain.difference.mean == pytest.approx(moved)
    lost = first[:5]
    with closing(sqlite3.connect(drafted)) as db, db:  # verdicts of one cell that are not there
        where = f"cell = 1 AND problem IN ({', '.join(map(str, lost))})"
        db.execute(f"DELETE FROM verdict WHERE rollout IN (SELECT id FROM rollout WHERE {where})")
    with Run(drafted) as run:
        fewer = best(run)
    assert fewer is not None
    assert fewer.chosen_on == 15, "what all cells were tried on"


def test_the_report_says_it_in_every_form(
    drafted: Path, capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    with Run(drafted) as run:
        found = gains(run)
    report([drafted])
    told = " ".join(capsys.readouterr().out.split())
    assert "gains: cell minus baseline, paired by problem" in told
    assert "what a right answer costs, as a multiple of the baseline's" in told
    assert "Best of 2 cells" in told
    for each in found:
        assert f"{100 * each.difference.mean:+.1f} {100 * each.difference.low:+.1f} – " in told
    report([drafted], price=["1,4"], json=True)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    lines = [row for row in rows if row.get("gain")]
    assert [row["answer"] for row in lines] == [each.answer for each in found]
    assert all(row["times"]["money"]["ratio"] > 0 and row["drafts"] for row in lines)
    assert [row["cell"] for row in rows if row.get("best")] == [best_of(drafted)]
    report([drafted], csv=tmp_path / "s.csv", latex=tmp_path / "s.tex", html=tmp_path / "s.html")
    with (tmp_path / "s.gains.csv").open() as file:
        assert [row["difference"] for row in csv.DictReader(file)] == [str(each.difference.mean) for each in found]
    assert "gains: cell minus baseline, paired by problem" in (tmp_path / "s.tex").read_text()
    with Run(drafted) as run:
        said = " ".join(methods(run))
    assert "2 cells were compared with 2 baselines" in said
    assert "adjusted by Benjamini-Hochberg" in said


def best_of(path: Path) -> str:
    with Run(path) as run:
        found = best(run)
    assert found is not None
    return found.cell


def test_the_page_draws_accuracy_against_cost_with_both_intervals(drafted: Path, tmp_path: Path) -> None:
    with Run(drafted) as run:
        found = points(run, paid(run, prices={"": Price(1, 4)}))
        drawn = costs(found)
        lines, _ = break_even(run, gains(run), paid(run))
        priced = prices(lines, run.cells)
        swept = curves(found)
    assert [picture.title for picture in drawn] == [
        "Cost against accuracy", "Accuracy against seconds", "Accuracy against money"
    ]  # fmt: skip
    for picture in drawn:
        marks = [mark for line in picture.lines for mark in line.marks]
        assert {mark.cell for mark in marks} == {0, 1, 2, 3}
        assert all(mark.left < mark.x < mark.right and mark.high < mark.low for mark in marks)
        frontier = [tuple(map(float, place.split(","))) for place in picture.frontier.split()]
        assert frontier
        for x, y in frontier:
            assert not [m for m in marks if m.x < x - 0.1 and m.y < y - 0.1], "another is cheaper and better"
    assert [picture.title for picture in priced] == [
        "When it pays, beside solo small", "When it pays, beside solo large"
    ]  # fmt: skip
    for picture in priced:
        assert picture.level is not None
        assert all(
            0 <= mark.y <= HEIGHT and mark.high <= mark.y <= mark.low for line in picture.lines for mark in line.marks
        )
    assert [line.name for line in swept[0].lines] == ["score"], "baselines are no values of a swept number"
    assert swept[0].level is not None
    assert swept[0].level.told.startswith("fresh solos: solo small")
    report([drafted], html=tmp_path / "p.html", price=["1,4"])
    text = (tmp_path / "p.html").read_text()
    assert len(re.findall(r"<figure>", text)) == 1 + 3 + 2
    assert "no other cell is cheaper and better" in text


def test_a_baseline_is_no_fresh_solo_and_no_steered_cell(bench: Any) -> None:
    """`without hint` is still a relay, and `solo small` is not steered."""
    hinted = (
        DRAFTS.replace("start: draft", "start: hint")
        .replace("    draft: {write: small", "    hint: {insert: {text: Hm.}}\n    draft: {write: small")
        .replace("  edges:\n", "  edges:\n    hint: draft\n")
        .replace("[solo small, solo large]", "[solo small, without hint]")
    )
    bench.given = engines()
    with Run(bench.run(hinted).path) as run:
        assert fresh_cell(run) is None
        assert [name for _, name in steered_cells(run)] == ["most=2", "most=3"]


def test_a_run_without_baselines_has_no_gains_and_takes_no_prices_for_them(bench: Any) -> None:
    bench.given = engines()
    path = bench.run(DRAFTS.replace("compare: [solo small, solo large]", "").replace("40", "2")).path
    with Run(path) as run:
        assert (gains(run), best(run)) == ([], None)
    with pytest.raises(UserError, match="is for the table of costs"):
        report([path], price=["1,4"])


def test_a_run_that_was_begun_before_baselines_were_cells_goes_on_as_it_began(bench: Any) -> None:
    bench.run(DRAFTS.replace("compare: [solo small, solo large]", "").replace("40", "3"), in_flight=1)
    path = bench.folder / "out.relay"
    with closing(sqlite3.connect(path)) as db, db:  # as such a run looks, broken off before its last rollout
        tree = json.loads(db.execute("SELECT value FROM meta WHERE key = 'scenario'").fetchone()[0])
        tree["compare"] = ["solo small"]
        db.execute("UPDATE meta SET value = ? WHERE key = 'scenario'", (json.dumps(tree),))
        db.execute("UPDATE meta SET value = '\"walking\"' WHERE key = 'phase'")
        (last,) = db.execute("SELECT max(id) FROM rollout").fetchone()
        db.execute("DELETE FROM rollout WHERE id = ?", (last,))
        db.execute("DELETE FROM step WHERE rollout = ?", (last,))
        db.execute("DELETE FROM verdict WHERE rollout = ?", (last,))
    outcome = asyncio.run(bench.resume())
    assert outcome.total == 3 * 2 * 2
    with Run(path) as run:
        assert run.cells == ["most=2", "most=3"]
        assert run.query("SELECT count(*) FROM rollout WHERE stop IS NOT NULL")[0][0] == 12
