"""A run played again from its file: every hop is what it was, and what cannot be played is told."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from relay.engine import Delta, Request
from relay.engine.record import Recording
from relay.engine.scripted import TEMPLATE, Scripted, shipped
from relay.errors import EngineError, UserError
from relay.prepare.models import facts_of
from relay.replay.engine import ReplayModel
from relay.replay.whole import differences, lay_out
from relay.seam.templates import Template
from relay.session import Options, resume
from relay.store.calls import surprises
from relay.store.reader import Run
from relay.store.rows import unpack
from tests.loop.conftest import Silent
from tests.loop.test_golden_traces import TURNS
from tests.loop.test_judges import SCENARIO as JUDGED
from tests.loop.test_judges import engine, judge, main
from tests.loop.test_twin_scripted import RECOVERABILITY, model

ENDLESS = TURNS.replace('"Then it is {answer}.</think>\\\\\\\\boxed{{answer}}"', '"Again it is {answer}. "')
TEXTS = """
    relay: 1
    models:
      large: {engine: scripted, delta: token, says: ["First 40 + 2 = 57", " So it is.</think>42"]}
      small: {engine: scripted, says: [" 42. Then more"]}
    problems: {from: sums, limit: 2}
    graph:
      start: derive
      answer: derive
      nodes:
        derive: {write: large, until: [{text: "="}, {tokens: 256}]}
        finish: {write: small, until: [{sentences: 1}, {tokens: 48}]}
      edges:
        derive: [{when: {stopped: "="}, to: finish}, {when: answered, to: end}, {to: derive}]
        finish: derive
"""
KINDS = {
    "turns": TURNS,
    "samples": f"{TURNS}\n    samples: 3\n",
    "a sweep": TURNS.replace("{sentences: 2}", '{sentences: "{k}"}') + "\n    sweep: {over: {k: [1, 2, 3]}}\n",
    "texts, token by token": TEXTS,
    "a budget of tokens": f"{ENDLESS}\n    budget: {{tokens: 20}}\n",
    "a budget of hops": f"{ENDLESS}\n    budget: {{hops: 4}}\n",
    "a failing model": TURNS.replace('says: ["Wait. Let me see. Ok. "]', 'says: {sum-0001: ["Wait. Ok. So. "]}'),
    "a full context": TURNS.replace("a: {engine: scripted,", "a: {engine: scripted, context: 26,"),
    "a deadline within a call": TURNS.replace('says: ["Wait', 'seconds: 30, says: ["Wait')
    + "\n    budget: {seconds: 0.4}\n",
    "forced": TURNS.replace('"Wait. Let me see. Ok. "', '"Done</think> < / THINK >4. "'),
    "silence": TURNS.replace('["Wait. Let me see. Ok. "]', '[""]'),
}


def again(path: Path, out: str = "again.relay", speed: float = 0.0) -> tuple[list[str], Path]:
    """Play a run again: what differs, and the new run file."""
    there = path.with_name(out)
    lay_out(path, there, speed)
    asyncio.run(resume(there, Options(), Silent()))
    with Run(path) as was, Run(there) as now:
        return [str(each) for each in differences(was, now)], there


def hops(path: Path) -> list[list[Any]]:
    with Run(path) as run:
        return [
            [hop._replace(usage=hop.usage._replace(seconds=0.0)) for hop in run.hops(row.id)] for row in run.rollouts()
        ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("record", [True, False])
def test_every_hop_is_what_it_was(kind: str, record: bool, bench: Any) -> None:
    outcome = bench.run(KINDS[kind], record=record)
    found, there = again(outcome.path)
    assert found == []
    assert hops(there) == hops(outcome.path)
    with Run(outcome.path) as was, Run(there) as now:
        assert [(r.state, r.outcome, r.found, r.why) for r in was.rollouts()] == [
            (r.state, r.outcome, r.found, r.why) for r in now.rollouts()
        ]
        assert len(hops(there)) == was.query("SELECT count(*) FROM rollout")[0][0] > 1


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "deadline" not in kind])
def test_recording_changes_nothing_of_a_run(kind: str, bench: Any) -> None:
    with_it = bench.run(KINDS[kind], out="with.relay", record=True)
    without = bench.run(KINDS[kind], out="without.relay")
    assert hops(with_it.path) == hops(without.path)
    with closing(sqlite3.connect(without.path)) as db:
        names = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    assert not names & {"call", "aside", "tokenizer"}


def test_all_that_was_fed_is_kept_what_was_thrown_away_too(bench: Any) -> None:
    outcome = bench.run(TURNS, record=True)
    asked = {
        (r.purpose.problem.id, r.purpose.node, r.purpose.visit): r for e in bench.engines.values() for r in e.requests
    }
    with Run(outcome.path) as run:
        problems = [row.problem for row in run.rollouts()]
        rows = run.query(
            "SELECT s.rollout, n.text, s.visit, c.same, c.ids, s.ids FROM call c JOIN step s ON s.id = c.id / 256 "
            "JOIN name n ON n.id = s.node"
        )
    assert len(rows) == len(asked)
    for rollout, node, visit, same, ids, own in rows:
        fed = unpack(own or b"")[:same] + unpack(ids or b"")
        assert list(fed) == asked[problems[rollout], node, visit].cut.ids
    assert sum(len(unpack(ids or b"")) for *_, ids, _ in rows) > 0


@pytest.mark.parametrize("record", [True, False])
def test_recoverability_played_again_needs_no_pool_and_no_model(record: bool, bench: Any) -> None:
    """Six cells, pool samples, a selection: all but the writing is in the run file."""
    bench.given = {"main": model(lambda read, request: "7" in read)}
    from relay.language.reading import read

    outcome = asyncio.run(bench._go(read("recoverability", RECOVERABILITY), "out.relay", record=record))
    (bench.folder / "pool.sqlite").unlink()
    (bench.folder / "pool.sqlite").mkdir()  # whoever opens it fails
    found, there = again(outcome.path)
    assert found == []
    assert hops(there) == hops(outcome.path)
    with Run(outcome.path) as run:
        assert not record or run.query("SELECT count(*) FROM aside") == [(48 * 8,)]
        assert len({row.cell for row in run.rollouts()}) == 6


def test_guidability_and_its_missing_rollouts_are_played_again(bench: Any) -> None:
    from relay.language.reading import read

    bench.given = {
        "main": model(lambda read, request: "9" in read, solves=lambda r: False),
        "guide": model(lambda read, request: True, solves=lambda r: int(r.purpose.problem.id[-4:]) % 3 > 0),
    }
    sets = {
        "models.main": "{engine: scripted, says: x}", "models.guide": "{engine: scripted, says: y}",
        "select": "{problems: {solved: main, at_most: 1/8}}", "problems": "{from: sums, limit: 9}",
    }  # fmt: skip
    outcome = asyncio.run(bench._go(read("guidability", sets), "out.relay", record=True))
    found, there = again(outcome.path)
    assert found == []
    with Run(there) as run:
        assert "missing" in {row.state for row in run.rollouts()}


@pytest.mark.parametrize("record", [True, False])
def test_judges_say_what_they_said(record: bool, bench: Any) -> None:
    scenario = JUDGED.replace("problems:", "samples: 2\nproblems:")
    bench.given = {"main": engine(main), "j": engine(judge, thinking=False)}
    outcome = asyncio.run(bench.start(scenario, record=record))
    with Run(outcome.path) as was:
        kept = was.query("SELECT count(*) FROM aside") if record else [(0,)]
        assert kept == [(16 if record else 0,)]
        before = [was.opinions(row.id) for row in was.rollouts()]
    found, there = again(outcome.path)
    assert found == []
    with Run(there) as now:
        assert [now.opinions(row.id) for row in now.rollouts()] == before


def test_a_judge_without_a_recording_says_its_reply_again(bench: Any) -> None:
    scenario = JUDGED.replace("says: x", 'says: "Well.</think>It is {answer}, I think, plus 0"')
    outcome = bench.run(scenario.replace("CORRECT", "CORRECT. So it is."))
    found, there = again(outcome.path)
    assert found == []
    with Run(outcome.path) as was, Run(there) as now:
        said = [was.opinions(row.id) for row in was.rollouts()]
        assert {len(each) for each in said} == {3}
        assert [now.opinions(row.id) for row in now.rollouts()] == said


WEIGHED = """
    relay: 1
    models:
      a: {engine: scripted, says: ["One. Two. Three. ", " Four.</think>{answer}"]}
      j: {engine: scripted, says: x}
    problems: {from: sums, limit: 3}
    samples: 2
    graph:
      start: think
      answer: think
      nodes:
        think: {write: a, until: [{sentences: 1}, answered]}
        check: {judge: j, ask: " Good? ", labels: {"good ": 1, bad: 0, so so: 0.3}, score: mean}
        back: {write: a, until: [{sentences: 1}]}
      edges:
        think: [{when: answered, to: end}, check]
        check: [{when: {score: check, under: 0.5}, to: back}, {to: think}]
        back: think
"""


def weigher() -> Any:
    """A judge whose chances hang on a clock: what it said once it never says again."""
    times, tokenizer = count(1), shipped()
    chances = lambda before, i: -((next(times) * 0.618) % 1)  # noqa: E731 - it stands for a model
    return Scripted(tokenizer, Template(tokenizer, TEMPLATE), lambda r: "x", facts={}, probable=chances)


def test_a_judge_that_weighs_its_labels_is_played_from_its_recording(bench: Any) -> None:
    bench.given = {"j": weigher()}
    outcome = bench.run(WEIGHED, record=True)
    with Run(outcome.path) as run:
        rulings = [hop.extra.score for row in run.rollouts() for hop in run.hops(row.id) if hop.node == "check"]
        assert {row.state for row in run.rollouts()} == {"end"}
        assert len(set(rulings)) > 5, "no two are alike"
        assert surprises(run.query, 0) == {}, "they are not what somebody wrote"
    found, there = again(outcome.path)
    assert found == []
    assert hops(there) == hops(outcome.path)
    bench.given = {}
    asked = played(WEIGHED, outcome.path).replace("model: b}", "model: j}").replace("      b:", "      j:")
    other = bench.run(asked, out="played.relay")
    assert hops(other.path) == hops(outcome.path)
    other = bench.run(asked.replace("bad: 0", "worse: 0"), out="worse.relay")
    assert {"another prompt, other labels" in said for said in why(other.path)} == {True}


@pytest.mark.parametrize("record", [True, False])
def test_a_run_that_lacks_what_labels_weighed_is_refused_before_anything_is_written(record: bool, bench: Any) -> None:
    outcome = bench.run(WEIGHED, record=record)
    if record:  # as relay recorded before it kept them
        with closing(sqlite3.connect(outcome.path)) as db, db:
            db.execute("UPDATE meta SET value = json_remove(value, '$.scores') WHERE key = 'recording'")
    told = "an earlier relay recorded the run" if record else "made without --record"
    with pytest.raises(UserError, match=f"`score: mean` cannot be played: .*{told}"):
        again(outcome.path)
    asked = played(WEIGHED, outcome.path).replace("model: b}", "model: j}").replace("      b:", "      j:")
    with pytest.raises(UserError, match=f"models.j: cannot weigh the labels of 'check' .*{told}"):
        bench.run(asked, out="played.relay")
    assert not list(bench.folder.glob("again.relay*")) + list(bench.folder.glob("played.relay*"))


PLAYED = """
    relay: 1
    models:
      a: {engine: replay, run: RUN, model: a}
      b: {engine: replay, run: RUN, model: b}
"""


def played(text: str, path: Path) -> str:
    return PLAYED.replace("RUN", str(path)) + text[text.index("    problems:") :]


@pytest.mark.parametrize("record", [True, False])
def test_a_scenario_with_replayed_models_is_the_run_that_was_recorded(record: bool, bench: Any) -> None:
    outcome = bench.run(TURNS, record=record)
    other = bench.run(played(TURNS, outcome.path), out="played.relay")
    assert hops(other.path) == hops(outcome.path)
    with Run(other.path) as run:
        facts = run.meta["models"]["a"]
    assert (facts["engine"], facts["model"], facts["name"]) == ("replay", "scripted (replayed)", "a")


def why(path: Path) -> set[str]:
    with Run(path) as run:
        assert {row.state for row in run.rollouts()} == {"failed"}
        return {row.why for row in run.rollouts()}


@pytest.mark.parametrize("record", [True, False])
def test_another_prompt_is_told_with_the_first_id_that_differs(record: bool, bench: Any) -> None:
    outcome = bench.run(TURNS, record=record)
    text = played(TURNS, outcome.path).replace("model: a}", "model: a, system: Be brief.}")
    other = bench.run(text, out="played.relay")
    tokenizer, template = bench.engines["a"].tokenizer, bench.engines["a"].template
    for said, problem in zip(sorted(why(other.path)), ("sum-0000", "sum-0001"), strict=True):
        with Run(outcome.path) as run:
            question = next(p.question for p in run.problems if p.id == problem)
        one, two = (template.render(question, system).ids for system in ("Be brief.", None))
        at = next(i for i, (x, y) in enumerate(zip(one, two, strict=False)) if x != y)
        texts = [f"{i} ({tokenizer.text_of([i])!r})" for i in (one[at], two[at])]
        assert said == (
            f"first (visit 1 of pen 0, problem {problem!r}, sample 0) has another prompt than in {outcome.path}: "
            f"from id {at} on, which is {texts[0]} here and {texts[1]} there"
        )


@pytest.mark.parametrize("record", [True, False])
@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("limit: 2", "limit: 3", "has no problem 'sum-0002'"),
        ("graph:", "samples: 2\n    graph:", "has no sample 1; it has 1, from 0"),
        ("start: first", "start: second", "second (visit 1 of pen 0, problem 'sum-0000', sample 0) has another prompt"),
        ("write: b, until: {sentences: 2}", "write: a, until: {sentences: 2}", "was a call of 'b' in"),
        (
            "second: first",
            "second: [{when: {visits: second, equals: 2}, to: first}, {to: second}]",
            "second (visit 2 of pen 0, problem 'sum-0000', sample 0) is not in",
        ),
        ("graph:", "sweep: {over: {k: [1]}}\n    graph:", None),
    ],
)
def test_what_the_recording_does_not_have_is_told(
    old: str, new: str, told: str | None, record: bool, bench: Any
) -> None:
    outcome = bench.run(TURNS, record=record)
    text = played(TURNS, outcome.path).replace(old, new)
    if told is None:
        text = text.replace("{sentences: 2}", '{sentences: "{k}"}')
        told = f"{outcome.path} has no cell 'k=1'; it has 'all'"
    other = bench.run(text, out="played.relay")
    with Run(other.path) as run:
        assert any(told in row.why for row in run.rollouts()), [row.why for row in run.rollouts()]


def test_a_scenario_that_asks_for_more_than_was_said_is_told(bench: Any) -> None:
    text = TURNS.replace("{sentences: 2}", "{tokens: 3}")
    for record in (True, False):
        outcome = bench.run(text, out=f"{record}.relay", record=record)
        more = played(text, outcome.path).replace("{tokens: 3}", "{tokens: 4}")
        other = bench.run(more, out=f"{record}-more.relay")
        assert why(other.path) == {"second: the recording ends after 3 tokens (tokens), this scenario asks for more"}


def test_a_scenario_that_cuts_earlier_cuts_what_was_said(bench: Any) -> None:
    outcome = bench.run(TURNS, record=True)
    text = played(TURNS, outcome.path).replace("{sentences: 2}", "{sentences: 1}")
    other = bench.run(text, out="played.relay")
    with Run(other.path) as run:
        assert [h.segment.text for h in run.hops(0)[:2] if h.segment] == ["We add.", "Wait."]


# --- what is damaged


def test_a_recording_that_was_tampered_with_is_told(bench: Any) -> None:
    outcome = bench.run(TURNS, record=True)
    changes = [
        "UPDATE call SET ids = x'00000000' WHERE id / 256 = 3",
        "UPDATE call SET same = 1 WHERE id / 256 = 3",
        "UPDATE call SET deltas = x'ff' WHERE id / 256 = 3",
        "UPDATE call SET ids = x'000000' WHERE id / 256 = 3",
        "UPDATE call SET checksum = checksum + 1 WHERE id / 256 = 3",
        "UPDATE step SET ids = CAST(substr(ids, 5) || x'01000000' AS BLOB) WHERE id = 3",
    ]
    for number, change in enumerate(changes):
        path = bench.folder / f"{number}.relay"
        path.write_bytes(outcome.path.read_bytes())
        with closing(sqlite3.connect(path)) as db, db:
            assert db.execute(change).rowcount == 1
        other = bench.run(played(TURNS, path), out=f"played-{number}.relay")
        with Run(other.path) as run:
            failed = [row.why for row in run.rollouts() if row.state == "failed"]
        assert len(failed) == 1, change
        assert "is damaged in" in failed[0], change


def test_a_recording_that_is_cut_short_is_told(bench: Any) -> None:
    outcome = bench.run(TURNS, record=True)
    path = bench.folder / "short.relay"
    path.write_bytes(outcome.path.read_bytes()[:-20000])
    with pytest.raises(UserError, match="is cut short"):
        bench.run(played(TURNS, path), out="played.relay")
    with pytest.raises(UserError, match="no such run file"):
        bench.run(played(TURNS, bench.folder / "none.relay"), out="played.relay")


def test_a_tokenizer_that_is_damaged_or_not_there_is_told(bench: Any, tmp_path: Path) -> None:
    outcome = bench.run(TURNS, record=True)
    with closing(sqlite3.connect(outcome.path)) as db, db:
        db.execute("UPDATE tokenizer SET json = substr(json, 1, 900)")
    with pytest.raises(UserError, match="model 'a': its tokenizer in the recording is damaged"):
        asyncio.run(ReplayModel(run=str(outcome.path), model="a").open())
    with pytest.raises(UserError, match=r"model 'c': is not one that this run used \(there are a, b\)"):
        asyncio.run(ReplayModel(run=str(outcome.path), model="c").open())
    plain = bench.run(TURNS, out="plain.relay")
    with closing(sqlite3.connect(plain.path)) as db, db:
        other = '{"engine": "transformers", "model": "/nowhere/at/all"}'
        db.execute("UPDATE meta SET value = json_set(value, '$.models.a', json(?)) WHERE key = 'scenario'", (other,))
    with pytest.raises(UserError, match=r"its tokenizer is not in the run, which was made without --record, nor here"):
        asyncio.run(ReplayModel(run=str(plain.path), model="a").open())


# --- what else a call holds


class Surprised(Scripted):
    """Says how probable each id was, in deltas of three ids."""

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        async for delta in super().extend(request):
            for at in range(0, len(delta.ids), 3):
                some = delta.ids[at : at + 3]
                last = at + 3 >= len(delta.ids)
                yield Delta(
                    some, delta.usage if last else None, tuple(-i / 7 for i in some) if request.logprobs else ()
                )


def test_logprobs_and_the_lengths_of_deltas_come_back(bench: Any) -> None:
    """A model in the middle asks for log-probabilities, as a verb of a third party may."""

    class Curious(Recording):
        def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
            return super().extend(request._replace(logprobs=request.purpose.problem.id == "sum-0001"))

    tokenizer = shipped()
    inner = Surprised(tokenizer, Template(tokenizer, TEMPLATE), lambda r: "One two three four. Five six.", facts={})
    kept: list[Any] = []
    bench.given = {"a": inner}
    text = TURNS[: TURNS.index("      b:")] + TURNS[TURNS.index("    problems:") :].replace("write: b", "write: a")
    text = f"{text}\n    budget: {{hops: 3}}\n"
    from relay.store import tape

    class Asking(tape.Tape):
        def around(self, engines: Any) -> Any:
            return {
                name: Curious(name, e, lambda call: (kept.append(call), self.note(call))) for name, e in engines.items()
            }

    before, tape.Tape = tape.Tape, Asking  # type: ignore[misc]
    try:
        outcome = bench.run(text, record=True)
    finally:
        tape.Tape = before  # type: ignore[misc]

    async def play() -> None:
        engine = await ReplayModel(run=str(outcome.path), model="a").open()
        for call in kept:
            request = next(
                r for r in bench.engines["a"].requests if (r.purpose, tuple(r.prompt)) == (call.purpose, call.prompt)
            )
            cut = type(request.cut)(tokenizer, tokens=500, sentences=1 if call.purpose.node == "first" else 2)
            deltas = [d async for d in engine.extend(request._replace(cut=cut))]
            assert tuple(len(d.ids) for d in deltas) == call.deltas
            assert tuple(x for d in deltas for x in d.logprobs) == call.logprobs
            assert deltas[-1].usage is not None
            assert deltas[-1].usage[:3] == call.usage[:3]
            assert cut.ids == list(call.ids)
        await engine.aclose()

    asyncio.run(play())
    assert {len(call.deltas) > 1 for call in kept} == {True}
    assert {bool(call.logprobs) for call in kept} == {True, False}


@pytest.mark.parametrize("speed", [0, 1, 4])
def test_a_call_takes_as_long_as_the_speed_says(speed: int, bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = bench.run(TURNS.replace("engine: scripted,", "engine: scripted, seconds: 0.2,"), record=True)
    slept: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        slept.append(seconds)
        await sleep(0)

    monkeypatch.setattr("relay.replay.engine.sleep", noted)
    found, there = again(outcome.path, speed=speed)
    assert found == []
    assert hops(there) == hops(outcome.path)
    with Run(there) as now, Run(outcome.path) as was:
        took = "SELECT sum(ms) FROM step"
        ((ms,),) = was.query(took)
        assert now.query(took) == [(ms,)], "the seconds are those of the run that is played"
    assert ms >= 6 * 200
    assert sum(slept) == pytest.approx(ms / 1000 / speed if speed else 0, rel=0.01)
    assert len(slept) > 6 * (2 if speed else 0), "it comes bit by bit"


def test_facts_tell_one_recording_from_another(bench: Any) -> None:
    paths = [bench.run(TURNS, out=f"{n}.relay", record=n < 2).path for n in range(3)]

    async def facts(path: Path) -> Any:
        engine = await ReplayModel(run=str(path), model="a").open()
        await engine.aclose()
        return facts_of({"a": engine})["a"]

    found = [asyncio.run(facts(path)) for path in paths]
    assert len({each["recording"] for each in found}) == 3
    with Run(paths[0]) as run:
        for each in found:
            assert {k: each[k] for k in ("tokenizer", "template")} == {
                k: run.meta["models"]["a"][k] for k in ("tokenizer", "template")
            }


def test_an_engine_that_breaks_is_noted_as_it_broke() -> None:
    class Broken(Scripted):
        async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
            async for delta in super().extend(request):
                yield delta
                raise EngineError("the server said 500")

    from relay.engine import Purpose, Sampling
    from relay.problems import Problem
    from relay.seam.cuts import Cut

    tokenizer = shipped()
    inner = Broken(tokenizer, Template(tokenizer, TEMPLATE), lambda r: "One.", delta="token", facts={})
    noted: list[Any] = []
    request = Request(
        [1, 2], Cut(tokenizer, tokens=5), Sampling(), 1, frozenset(), Purpose(Problem("p", "q", "a"), 0, "n", 1, "0")
    )

    async def drain() -> None:
        async for _ in Recording("m", inner, noted.append).extend(request):
            pass

    with pytest.raises(EngineError, match="500"):
        asyncio.run(drain())
    (call,) = noted
    assert (call.failed, call.ids, call.deltas) == ("the server said 500", tuple(request.cut.ids), (1,))
