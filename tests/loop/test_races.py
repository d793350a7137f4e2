"""`pick: first`: the first pen to rest is gone on from, the others are stopped and paid for, in virtual time."""

import asyncio
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from relay.cli.check import check
from relay.engine import Delta, Request
from relay.engine.scripted import TEMPLATE, Scripted, shipped
from relay.events import HopCommitted
from relay.folding import fold
from relay.measure.cost import costs
from relay.node import Stage
from relay.races import too_late
from relay.seam.templates import Template
from relay.store.reader import Run
from relay.walk import DISCARDED, Hop, StopReason, Walk, begin

RACE = """
    relay: 1
    models:
      slow: {engine: scripted, delta: token, seconds: 0.5, says: ["Slow and sure we go on. ", "So </think>{answer}"]}
      quick: {engine: scripted, seconds: 0.05, says: ["Quick. ", "So </think>{answer}"]}
      never: {engine: scripted, delta: token, seconds: 5, says: "I think and think and think."}
    problems: {from: sums, limit: 2}
    graph:
      start: fork
      answer: try
      nodes:
        fork: {branch: try, over: [slow, quick, never]}
        try: {write: quick, until: [{sentences: 1}, answered]}
        best: {pick: first}
      edges:
        fork: best
        try: [{when: answered, to: join}, try]
        best: end
"""


def hops(path: Path, number: int = 0) -> list[Hop]:
    with Run(path) as run:
        return list(run.hops(number))


def test_the_first_to_rest_is_gone_on_from_and_the_others_are_stopped(bench: Any) -> None:
    outcome = bench.run(RACE)
    with Run(outcome.path) as run:
        walk = run.walk(0)
        assert {path: pen.rest for path, pen in walk.pens.items()} == {
            "0": StopReason.END, "0.0": StopReason.LATE, "0.1": StopReason.JOIN, "0.2": StopReason.LATE,
        }  # fmt: skip
        assert walk.pens["0"].trajectory == walk.pens["0.1"].trajectory
        assert walk.pens["0"].seconds < 1
        assert {row.outcome for row in run.rollouts()} == {"correct"}
    pick = hops(outcome.path)[-1]
    assert pick.extra is not None
    assert pick.extra.chosen == "0.1"


def test_what_was_being_written_is_discarded_and_paid_for(bench: Any) -> None:
    outcome = bench.run(RACE)
    late = [hop for hop in hops(outcome.path) if hop.rest == StopReason.LATE]
    assert sorted(hop.pen for hop in late) == ["0.0", "0.2"]
    for hop in late:
        assert hop.extra is not None
        assert hop.extra.apart == DISCARDED
        assert hop.to == hop.node == "try"
    with Run(outcome.path) as run:
        walk, found = run.walk(0), costs(run)
        assert walk.pens["0.2"].trajectory.length == 0, "nobody reads it"
        said = sum(
            hop.usage.decoded + hop.usage.thrown for n in (0, 1) for hop in run.hops(n) if hop.rest == StopReason.LATE
        )
        assert sum(each.discarded for each in found) == said
        waited = sum(each.critical or 0.0 for each in found)
        assert waited == pytest.approx(sum(run.walk(n).pens["0"].seconds for n in (0, 1)), abs=0.01)
    asked = sum(len(r.cut.ids) for engine in bench.engines.values() for r in engine.requests)
    counted = sum(hop.usage.decoded + hop.usage.thrown for n in (0, 1) for hop in hops(outcome.path, n))
    assert counted <= asked <= counted + len(hops(outcome.path)) * 2


class Dripping(Scripted):
    """Says a word at a time, so that it can be stopped in the middle of a sentence."""

    def __init__(self, says: str) -> None:
        tokenizer = shipped()
        super().__init__(tokenizer, Template(tokenizer, TEMPLATE), lambda request: says, delta="token")

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        async for delta in super().extend(request):
            await asyncio.sleep(0.05)
            yield delta


def test_half_a_sentence_stays_in_the_file_where_nobody_reads_it(bench: Any) -> None:
    bench.given = {"never": Dripping("I think " * 40)}
    outcome = bench.run(RACE.replace("seconds: 0.05", "seconds: 0.3"))
    lost = next(hop for hop in hops(outcome.path) if hop.pen == "0.2")
    assert lost.rest == StopReason.LATE
    assert lost.segment is not None
    assert lost.segment.text.startswith("I think I think")
    assert lost.segment.stop == DISCARDED
    assert 2 <= lost.usage.decoded == len(lost.segment.ids) < 40
    asked = next(r for r in bench.engines["never"].requests if r.purpose.problem.id == "sum-0000")
    assert len(asked.cut.ids) == lost.usage.decoded + lost.usage.thrown, "what it had said by then, and no more"


def test_the_tree_read_back_is_the_tree_that_was_walked(bench: Any) -> None:
    """However often it is broken off: a walk whose first pen is at rest stops the others at once."""
    outcome = bench.run(RACE)
    rows = hops(outcome.path)
    walk = begin("fork")
    for hop in rows:
        walk = fold(walk, hop)
    with Run(outcome.path) as run:
        assert walk == run.walk(0)
    first = next(i for i, hop in enumerate(rows) if hop.rest == StopReason.JOIN)
    assert all(hop.rest == StopReason.LATE for hop in rows[first + 1 : -1])


NESTED = RACE.replace("fork: {branch: try, over: [slow, quick, never]}",
    "fork: {branch: inner, times: 2}\n        inner: {branch: try, over: [slow, never, quick]}").replace(
    "best: {pick: first}", "best: {pick: first}\n        last: {pick: first}").replace(
    "fork: best", "fork: last\n        inner: best").replace("best: end", "best: join\n        last: end")  # fmt: skip


def test_branches_of_a_branch_that_is_too_late_are_stopped_with_it(bench: Any) -> None:
    outcome = bench.run(NESTED)
    with Run(outcome.path) as run:
        walk = run.walk(0)
        assert walk.stop == StopReason.END
        assert all(pen.rest is not None for pen in walk.pens.values())
        ends = {path: pen.rest for path, pen in walk.pens.items() if path.count(".") == 1}
        assert sorted(ends.values(), key=str) == [StopReason.JOIN, StopReason.LATE]


def test_a_run_killed_before_the_others_were_stopped_goes_on_from_the_same_pen(bench: Any) -> None:
    """The file ends with the winner's last hop: on resume the others rest without another word."""
    outcome = bench.run(RACE)
    rows = hops(outcome.path)
    first = next(i for i, hop in enumerate(rows) if hop.rest == StopReason.JOIN)
    walk = begin("fork")
    for hop in rows[: first + 1]:
        walk = fold(walk, hop)
    done = asyncio.run(gone_on(walk, bench))
    assert done.pens["0"].trajectory == Walk({"0": done.pens["0.1"]}).pens["0"].trajectory
    assert {path: pen.rest for path, pen in done.pens.items()}["0.2"] == StopReason.LATE
    assert done.stop == StopReason.END


async def gone_on(walk: Walk, bench: Any) -> Walk:
    from relay.language.graph import build
    from relay.language.reading import read
    from relay.problems import Problem
    from relay.runtime import rollout

    graph = build(read(str(bench.write(RACE))).cells[0].scenario)
    assert too_late(walk, graph) == {path for path, pen in walk.pens.items() if pen.rest is None and path != "0"}
    stage = Stage(Problem("sum-0000", "1+1", "2"), 0, graph, {}, 0)
    async for event in rollout(walk, stage):
        if isinstance(event, HopCommitted):
            walk = fold(walk, event.hop)
    return walk


def test_played_again_it_is_the_same_tree(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from relay.cli.replay import replay

    outcome = bench.run(RACE)
    monkeypatch.chdir(outcome.path.parent)
    monkeypatch.setenv("RELAY_POOL", str(outcome.path.parent / "p.sqlite"))
    again = Path(os.fspath(outcome.path)).with_name("again.relay")
    replay(outcome.path, out=again)
    with Run(outcome.path) as was, Run(again) as now:
        for n in (0, 1):
            assert was.walk(n).pens["0"].trajectory == now.walk(n).pens["0"].trajectory
            assert {p: q.rest for p, q in was.walk(n).pens.items()} == {p: q.rest for p, q in now.walk(n).pens.items()}


def test_check_says_that_it_depends_on_time(bench: Any, capsys: pytest.CaptureFixture[str]) -> None:
    check(str(bench.write(RACE)))
    assert "'best' goes on from the first pen to rest: which one that is depends on time" in capsys.readouterr().out


def test_a_judge_that_is_too_late_and_what_is_begun_ahead_of_it_are_stopped_with_their_pen(bench: Any) -> None:
    text = RACE.replace("seconds: 0.5, says: [", f'seconds: 0.01, says: ["One. ", "{"On and on " * 40}. ", ')
    text = text.replace("seconds: 0.05", "seconds: 0.2").replace('"Quick. ", ', "").replace(", never]", "]")
    judge = '        check: {judge: never, ask: " 0 or 9: ", labels: [0, 9], ahead: try}\n'
    text = text.replace("        best: {p", f"{judge}        best: {{p")
    text = text.replace("to: join}, try]", "to: join}, check]\n        check: try")
    outcome = asyncio.run(asyncio.wait_for(bench.start(text), 20))
    with Run(outcome.path) as run:
        assert run.walk(0).pens["0.0"].rest == StopReason.LATE
        assert run.walk(0).stop == StopReason.END
    assert [hop.node for hop in hops(outcome.path) if hop.pen == "0.0"] == ["try", "try", "check"]
