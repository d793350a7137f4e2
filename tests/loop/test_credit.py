"""Credit: on models whose chances are known each segment earns what it moved, and all of it is the gain."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from relay.cli.report import report
from relay.cli.show import show
from relay.credit.drawing import Credited, credit
from relay.credit.prefixes import Wanted, prefixes, segments
from relay.engine import Request
from relay.engine.scripted import TEMPLATE, Scripted, shipped
from relay.errors import UserError
from relay.measure.credits import _reach, credits_of, drawn, moves, moves_of
from relay.measure.gains import gains
from relay.regrade import read_verifier, regrade
from relay.reports.credits import credited as credited_parts
from relay.reports.told import Caption
from relay.seam.templates import Template
from relay.store.reader import Run
from tests.loop.test_numbers import queries
from tests.loop.test_twin_scripted import RECOVERABILITY, model, number
from tests.loop.test_watching import JUDGE

HINTED = """
relay: 1
models:
  helper: {engine: scripted, says: x}
  main: {engine: scripted, says: x}
problems: {from: sums, limit: 40}
graph:
  start: hint
  answer: go
  nodes:
    hint: {write: helper, until: {sentences: 1}}
    more: {write: helper, until: {sentences: 1}}
    spoil: {insert: {text: " Nonsense."}}
    go: {write: main}
  edges: {hint: spoil, spoil: [{when: {all: [{visits: spoil, equals: 1}]}, to: more}, more], more: go, go: end}
samples: 2
compare: [solo main, without hint]
"""
CHANCE = {0: 0.2, 1: 0.5, 2: 0.8}  # of main, by how many hints it read; nonsense takes a tenth of it


def chance(read: str) -> float:
    return CHANCE[read.count("hint")] * (0.9 if "Nonsense" in read else 1)


def engines() -> dict[str, Any]:
    tokenizer = shipped()
    template = Template(tokenizer, TEMPLATE)

    def goes_on(request: Request) -> str:
        read = tokenizer.text_of(request.prompt).partition("<think>")[2]
        right = Random(request.seed).random() < chance(read)
        return f" So.</think>{request.purpose.problem.answer if right else 999}"

    facts = {"script": "known"}
    helper = Scripted(tokenizer, template, lambda _: " A hint. And on.", facts=facts)
    return {"main": Scripted(tokenizer, template, goes_on, facts=facts), "helper": helper}


FEW = HINTED.replace("limit: 40", "limit: 6")


@pytest.fixture
def hinted(bench: Any) -> Path:
    bench.given = engines()
    path: Path = bench.run(FEW).path
    return path


def credited(path: Path, bench: Any, *wanted: Any) -> Credited:
    return asyncio.run(credit(path, bench.watcher, Wanted(*wanted), engines()))


def test_every_author_earns_what_it_moved_and_all_of_it_is_the_gain(bench: Any) -> None:
    bench.given = engines()
    path = bench.run(HINTED).path
    done = credited(path, bench, "", 4, "all")
    assert (done.places, done.failed) == (80 * 4, 0)
    with Run(path) as run:
        (found,) = credits_of(run)
        over = {gain.against: gain for gain in gains(run)}
        query = queries()["credit"]
        for each in found.authors:
            ((asked,),) = run.query(
                query, cell="all", by="main", node=each.node, model=each.model, verifier=run.verifier
            )
            assert asked == pytest.approx(100 * each.credit.mean)
    assert (found.cell, found.by, found.rollouts, found.problems) == ("all", "main", 80, 40)
    truths = {"hint": 0.3, "spoil": -0.05, "more": 0.27, "go": 0.0}
    by = {each.node: each for each in found.authors}
    assert set(by) == set(truths)
    for node, truth in truths.items():
        of = by[node].credit
        assert of.low - 0.03 <= truth <= of.high + 0.03, node  # the intervals of four authors, at 95 % each
    assert sum(each.credit.mean for each in found.authors) == pytest.approx(found.end - found.start)
    assert found.total.mean == pytest.approx(found.end - found.start)
    gain = over["solo main"].difference
    assert found.gain == gain
    assert abs(found.total.mean - gain.mean) <= gain.mean - gain.low  # they differ by the error of the chance alone
    assert by["hint"].tokens > 0
    assert by["hint"].segments == 1
    left_out = over["without hint"].difference  # leave one out: what the hint is worth where the other stays
    assert left_out.low <= 0.8 * 0.9 - 0.5 * 0.9 <= left_out.high


def test_no_interval_reaches_beyond_what_an_author_can_earn(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was moved on six problems: elsewhere one may have been, as far as one segment of each author can."""
    for hints in CHANCE:
        monkeypatch.setitem(CHANCE, hints, 0.0)
    bench.given = engines()
    path = bench.run(FEW).path
    credited(path, bench, "", 2, "all")
    with Run(path) as run:
        (found,) = credits_of(run)
    assert {(each.segments, each.credit.mean) for each in found.authors} == {(1, 0)}
    assert {abs(end) <= 1 for each in found.authors for end in (each.credit.low, each.credit.high)} == {True}
    assert [_reach(*each) for each in ((0, 9), (1, 9), (3, 9), (7, 9), (9, 9))] == [1, 1, 3, 3, 1]


def test_more_samples_add_to_those_that_are_there_and_nothing_is_drawn_twice(hinted: Path, bench: Any) -> None:
    credited(hinted, bench, "main", 2, "all", 10)
    with Run(hinted) as run:
        assert drawn(run)[0][1:3] == (40, 80)
        before = run.query("SELECT rollout, place, solved FROM chance ORDER BY 1, 2")
    assert credited(hinted, bench, "main", 2, "all", 10).places == 0
    credited(hinted, bench, "main", 6, "all", 10)
    with Run(hinted) as run:
        assert drawn(run)[0][1:3] == (40, 240)
        now = run.query("SELECT rollout, place, solved FROM chance ORDER BY 1, 2")
    assert all(b >= a for (*_, a), (*_, b) in zip(before, now, strict=True))
    once = hinted.with_name("once.relay")
    bench.given = engines()
    asyncio.run(bench.start(FEW, once.name))
    credited(once, bench, "main", 6, "all", 10)
    with Run(once) as run:
        assert run.query("SELECT rollout, place, solved FROM chance ORDER BY 1, 2") == now


def test_what_a_kill_left_out_is_drawn_by_the_same_command(hinted: Path, bench: Any) -> None:
    credited(hinted, bench, "main", 2, "all", 10)
    with Run(hinted) as run:
        whole = run.query("SELECT * FROM chance ORDER BY rollout, place")
    with closing(sqlite3.connect(hinted)) as db, db:
        db.execute("DELETE FROM chance WHERE rollout % 2 AND place > 0")
    with Run(hinted) as run:
        assert len(whole) > len(list(prefixes(run, Wanted("main", 2, "all", 10)))) > 0
        assert len(credits_of(run)) == 1  # of the rollouts that are whole
    credited(hinted, bench, "main", 2, "all", 10)
    with Run(hinted) as run:
        assert [row[:8] for row in run.query("SELECT * FROM chance ORDER BY rollout, place")] == [
            row[:8] for row in whole
        ]


def test_what_was_cut_away_has_no_place_in_the_final_thought(bench: Any) -> None:
    text = HINTED.replace("more: go", "more: [{to: go, drop: more}]").replace("limit: 40", "limit: 2")
    bench.given = engines()
    path = bench.run(text).path
    with Run(path) as run:
        number = next(row.id for row in run.rollouts() if row.cell == "all")
        nodes = dict(run.query("SELECT s.id, n.text FROM step s JOIN name n ON n.id = s.node"))
        final = segments(run, number)
        assert [nodes[each.step] for each in final] == ["hint", "spoil", "go"]
        assert [each.before.length for each in final] == [0, 1, 2]
        assert final[0].spent == 0 < final[1].spent < final[2].spent


def test_the_trace_the_report_and_the_lines_show_it(hinted: Path, bench: Any, capsys: Any) -> None:
    credited(hinted, bench, "main", 4, "all", 10)
    with Run(hinted) as run:
        first = next(moves(run))
        assert moves_of(run, first.rollout)[0] == [first]
        (found,) = credits_of(run)
    show(hinted, first.rollout)
    assert f"chance {first.before:.2f} → {first.after:.2f}" in " ".join(capsys.readouterr().out.split())
    show(hinted, first.rollout, json=True)
    line = json.loads(capsys.readouterr().out.splitlines()[0])
    assert line["chances"] == [{"by": "main", "before": first.before, "after": first.after}]
    report([hinted])
    told = capsys.readouterr().out
    assert "credit in all: if main went on alone" in told
    assert f"The credits add up to {100 * found.total.mean:+.1f} points" in " ".join(told.split())
    report([hinted], json=True)
    rows = [json.loads(row) for row in capsys.readouterr().out.splitlines()]
    (row,) = [row for row in rows if row.get("credit")]
    assert {a["node"]: a["credit"]["mean"] for a in row["authors"]} == {a.node: a.credit.mean for a in found.authors}


def test_what_cannot_be_credited_is_told_at_once(bench: Any) -> None:
    path = bench.run(HINTED.replace("compare: [solo main, without hint]", "verify: none").replace("40", "2")).path
    with pytest.raises(UserError) as caught:
        credited(path, bench, "mian", 4, "al")
    assert [mistake.what for mistake in caught.value.mistakes] == [
        "nothing was graded: no segment has moved a chance", "there is no model 'mian' that writes",
        "there is no cell 'al'",
    ]  # fmt: skip
    with pytest.raises(UserError, match="nobody is named to go on alone"):
        credited(path, bench)
    asyncio.run(regrade(path, read_verifier(path, "number", {}), bench.watcher))
    with pytest.raises(
        UserError, match="its verdicts are by 'number within 0'; continuations would be graded by 'none'"
    ):
        credited(path, bench, "main")


def test_a_rollout_that_a_watcher_s_judge_began_is_given_credit(bench: Any) -> None:
    """The first row of such a rollout is the judge's word, beside the visit that it is about."""
    path = bench.run(JUDGE).path
    bench.given = {}
    done = asyncio.run(credit(path, bench.watcher, Wanted("m", 1)))
    with Run(path) as run:
        assert run.hops(0)[0].node == "check"
        assert done.places == len(segments(run, 0)) > 0


def test_a_place_whose_continuations_all_failed_is_not_skipped(hinted: Path, bench: Any) -> None:
    credited(hinted, bench, "main", 2, "all", 1)
    with closing(sqlite3.connect(hinted)) as db, db:
        db.execute("UPDATE chance SET tried = 0, solved = 0 WHERE place = 1")
    with Run(hinted) as run:
        (first, *_) = moves(run)
        assert (first.place, first.after) == (0, None)


def test_the_gain_beside_the_credit_is_over_the_model_of_that_very_name(bench: Any) -> None:
    bench.given = engines() | {"main2": engines()["helper"]}
    both = FEW.replace("problems:", "  main2: {engine: scripted, says: x}\nproblems:").replace(
        "[solo main,", "[solo main2, solo main,"
    )
    path = bench.run(both).path
    credited(path, bench, "main", 1, "all")
    with Run(path) as run:
        (found,) = credits_of(run)
        over = {gain.against: gain.difference for gain in gains(run)}
    assert found.gain == over["solo main"] != over["solo main2"]


def test_credit_over_shared_distractors_has_their_luck_in_its_interval(bench: Any) -> None:
    bench.given = {"main": model(lambda read, request: number(request) % 3 > 0)}
    path = asyncio.run(bench.start_canned("recoverability", RECOVERABILITY | {"sweep.over.m": "[0.4]"})).path
    asyncio.run(credit(path, bench.watcher, Wanted("main", 1, limit=12), bench.given))
    with closing(sqlite3.connect(path)) as db, db:  # three distractors for all problems
        others = db.execute("SELECT id FROM solo WHERE problem NOT IN (SELECT key FROM problem) LIMIT 3").fetchall()
        db.executemany("UPDATE unit SET solo = ? WHERE problem % 3 = ?", [(n, i) for i, (n,) in enumerate(others)])
    with Run(path) as run:
        steered = credits_of(run)[0]
        told = " ".join(part.text for part in credited_parts(run) if isinstance(part, Caption))
    assert "distractor" in steered.total.method
    assert "over problems and distractors drawn at random" in told
