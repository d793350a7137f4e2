"""Adaptive sampling: rounds stop on width, are planned again alike after any kill, and change no rollout."""

import asyncio
import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import batch
from relay.cli.anytime import print_anytime
from relay.errors import UserError
from relay.language.scenario import Adaptive
from relay.measure.adaptive import order
from relay.measure.anytime import anytime
from relay.measure.scores import scores
from relay.prepare.jobs import RunPlan
from relay.replay.whole import differences, lay_out
from relay.reports.parts import Caption, parts
from relay.rounds import between, following
from relay.store.reader import Run
from tests.loop.conftest import Bench

STUDY = """
    relay: 1
    models:
      main:
        engine: simulated
        solves: {mean: 0.8, icc: 0.3}
        recovers: {"0": 0.4, "0.4": 0.5, "0.8": 0.97}
        distractors: {sd: 0.5}
        tokens: {mean: 400, sd: 0.1}
        rows: 20
    problems: {from: chains, limit: 60}
    pool: {samples: 2}
    graph:
      start: main
      answer: main
      nodes:
        main:  {write: main, opens_with: {pool: main, take: "{m}"}, until: [answered]}
        steer: {insert: {pool: main, of: another problem, among: 40}, take: 0.2}
      edges:
        main: [{when: {visits: main, equals: 1}, to: steer}, {to: end}]
        steer: main
    sweep: {over: {m: [0, 0.4, 0.8]}}
    samples: %s
"""
SAMPLES = "{adaptive: 0.24, at_most: 2, batch: 15}"


def plan(problems: int, cells: int) -> RunPlan:
    cell = SimpleNamespace(seed=3)
    return RunPlan(range(problems), [cell] * cells, 1, {}, {})  # type: ignore[arg-type, list-item]


@given(
    st.integers(1, 30), st.integers(1, 4), st.integers(1, 3), st.integers(1, 20), st.integers(0, 2**32),
    st.floats(0.01, 0.9),
)  # fmt: skip
def test_rounds_take_new_problems_first_each_once_and_end(
    problems: int, cells: int, most: int, size: int, seed: int, target: float
) -> None:
    """Whatever the widths are: the run's numbers, no rollout twice, one order in all cells, never beyond at_most."""
    draw, wanted, run = random.Random(seed), Adaptive(adaptive=target, at_most=most, batch=size), plan(problems, cells)
    reach, seen = [0] * cells, list[Any]()
    for _ in range(problems * most * cells + 1):
        widths = [draw.choice([None, draw.random()]) for _ in range(cells)]
        upto = following(run, wanted, reach, widths)
        if upto is None:
            assert all(r == problems * most or (w or 2) <= target for r, w in zip(reach, widths, strict=True))
            break
        for before, after, width in zip(reach, upto, widths, strict=True):
            assert (after > before) == (before < problems * most and (width is None or width > target))
        seen += between(run, reach, upto)
        reach = upto
    assert len(seen) == sum(reach)
    assert all(b.id == (b.sample * problems + b.problem) * cells + b.cell for b in seen)
    draws = order(problems, 3)
    for cell in range(cells):
        places = [(b.sample, draws.index(b.problem)) for b in seen if b.cell == cell]
        assert places == [divmod(i, problems) for i in range(reach[cell])]


def rows(path: Path) -> list[tuple[Any, ...]]:
    """Every rollout with its verdict and texts."""
    with Run(path) as run:
        return run.query(
            "SELECT r.id, r.problem, r.sample, r.cell, o.text, v.answer,"
            " (SELECT group_concat(h.text, '|') FROM hop h WHERE h.rollout = r.id)"
            " FROM rollout r JOIN verdict v ON v.rollout = r.id JOIN name o ON o.id = v.outcome ORDER BY r.id"
        )


def test_each_cell_stops_when_it_is_narrow_and_its_rollouts_are_those_of_the_fixed_run(bench: Bench) -> None:
    found = bench.run(STUDY % SAMPLES, out="adaptive.relay")
    whole = bench.run(STUDY % 2, out="fixed.relay")
    assert (found.failed, whole.total) == (0, 360)
    walked, fixed = rows(found.path), {row[:4]: row[4:] for row in rows(whole.path)}
    assert found.total == len(walked) < 300
    assert {row[:4]: row[4:] for row in walked} == {row[:4]: fixed[row[:4]] for row in walked}
    with Run(found.path) as run:
        rounds, counted = run.meta["rounds"], scores(run)
        said = f"widths of these intervals, in {len(rounds)} rounds, until each was at most 24 points wide"
        assert said in next(part.text for part in parts(run) if isinstance(part, Caption))
    assert len(rounds) > 2
    assert sum(rounds[-1]) == len(walked)
    for score, reach in zip(counted, rounds[-1], strict=True):
        assert score.graded == reach
        assert score.interval is not None
        assert score.interval.high - score.interval.low <= 0.24 or reach == 120
    assert counted[2].graded < 60 < counted[1].graded, "what is far from one half needs fewer"


def test_what_cannot_become_narrow_takes_all_that_is_allowed_and_says_so(bench: Bench) -> None:
    found = bench.run((STUDY % "{adaptive: 0.05, batch: 50}").replace("limit: 60", "limit: 20"))
    assert found.total == 60
    note = next(note for note in bench.watcher.notes if "wider" in note)
    assert note.startswith("wider than 0.05 with all that `at_most:` allows: m=0 (0.")
    with Run(found.path) as run:
        assert run.meta["rounds"] == [[20, 20, 20]]
        assert note in run.meta["notes"]


def snapshot(path: Path, copy: Path) -> None:
    """What a kill at this moment would leave: all that is committed, and nobody who writes."""
    with closing(sqlite3.connect(path)) as db, closing(sqlite3.connect(copy)) as to:
        db.backup(to)
        to.execute("DELETE FROM lease")
        to.execute("UPDATE meta SET value = ? WHERE key = 'inode'", (copy.stat().st_ino,))
        to.commit()


async def snapshots(bench: Bench, most: int) -> tuple[Path, Sequence[Path]]:
    """A run that ends, and what killed ones would have left at moments of it that differ."""
    task = asyncio.ensure_future(bench.start(STUDY % SAMPLES, out="whole.relay", in_flight=8))
    path, states, kept = bench.folder / "whole.relay", set[tuple[int, int]](), list[Path]()
    while not task.done():
        await asyncio.sleep(0)
        if not path.exists() or len(kept) == most:
            continue
        with closing(sqlite3.connect(path)) as db:
            if db.execute("SELECT count(*) FROM meta WHERE key = 'rounds'").fetchone() == (0,):
                continue
            state = db.execute("SELECT count(*), count(stop) FROM rollout").fetchone()
        if state not in states:
            states.add(state)
            if len(states) % 5:
                continue
            kept.append(bench.folder / f"killed{len(kept)}.relay")
            snapshot(path, kept[-1])
    return (await task).path, kept


def test_a_run_killed_at_any_moment_does_exactly_the_rollouts_it_would_have_done(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "FLUSH", 0.0)
    whole, killed = asyncio.run(snapshots(bench, 400))
    expected = rows(whole)
    with Run(whole) as run:
        rounds = run.meta["rounds"]
    assert len(rounds) > 2
    assert len(killed) > 12
    for path in random.Random(1).sample(killed, 5):
        outcome = asyncio.run(bench.resume(path.name))
        assert outcome.total == len(expected)
        assert rows(path) == expected
        with Run(path) as run:
            assert run.meta["rounds"] == rounds


def test_an_adaptive_run_is_played_again_as_it_was(bench: Bench) -> None:
    path = bench.run((STUDY % SAMPLES).replace("limit: 60", "limit: 30")).path
    lay_out(path, bench.folder / "again.relay")
    asyncio.run(bench.resume("again.relay"))
    with Run(path) as was, Run(bench.folder / "again.relay") as now:
        assert list(differences(was, now)) == []
        assert now.meta["rounds"] == was.meta["rounds"]
        assert len(list(now.rollouts())) == len(list(was.rollouts()))


def test_anytime_intervals_count_problems_up_to_the_first_that_is_open(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    found = bench.run((STUDY % SAMPLES).replace("limit: 60", "limit: 30"))
    with Run(found.path) as run:
        reach, whole = run.meta["rounds"][-1], list(anytime(run))
    assert reach[0] == 60, "every cell but the last took a second sample"
    for each, upto in zip(whole, reach, strict=True):
        assert each.samples in (1, 2)
        assert each.problems == min(upto, 30)
        assert each.low <= (each.score or 0) <= each.high
        assert each.times is not None
    print_anytime([found.path], as_json=False)
    said = capsys.readouterr().out
    assert "95 % at every look" in said
    assert f" {whole[0].times:.2f}" in said
    with closing(sqlite3.connect(found.path)) as db:
        db.execute("UPDATE rollout SET stop = NULL WHERE cell = 0 AND sample = 0 AND problem = ?", (order(30, 0)[7],))
        db.commit()
    with Run(found.path) as run:
        assert [each.problems for each in anytime(run)] == [7, *(each.problems for each in whole[1:])]


def test_adaptive_needs_verdicts(bench: Bench) -> None:
    text = (STUDY % SAMPLES).replace("relay: 1", "relay: 1\n    verify: none")
    with pytest.raises(UserError, match="no interval has a width"):
        bench.run(text)


def test_the_rollouts_to_come_are_counted_beside_the_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    from relay import rounds

    monkeypatch.setattr(rounds, "_rounds", lambda *_: iter([([1], ""), ([3], "")]))
    run, totals = plan(5, 1)._replace(adaptive=Adaptive(adaptive=0.1, at_most=1)), list[int]()
    tally = batch.Tally(run.total)
    for _ in rounds.parts(run, None, 0, tally):  # type: ignore[arg-type]
        tally.total += 1  # a fork
        totals.append(tally.total)
    assert totals == [2, 5]
