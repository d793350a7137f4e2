"""Recorded trajectories in a run: an author that is not loaded, taken as any other solo, counted in its own tokens."""

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import tokenizers

from relay.engine.recorded import RecordedModel
from relay.engine.scripted import SHIPPED, shipped
from relay.errors import EngineError, UserError
from relay.language.reading import read
from relay.pool import Pool
from relay.prepare.importing import import_into, read_file
from relay.seam.tokens import Tokenizer
from relay.session import Options, Outcome, resume, start
from relay.store.reader import Run
from tests.loop.conftest import Silent

TRACES = Path(__file__).parents[2].parent / "shared" / "traces"
STEPS = " ".join(f"Step {k} goes on." for k in range(1, 11))
SCENARIO = """
    relay: 1
    models:
      main: {{engine: scripted, says: " So.</think>\\\\boxed{{{{answer}}}}"}}
      r: {{engine: recorded, model: R}}
    problems: {problems}
    pool: {{samples: {samples}}}
    graph:
      start: main
      answer: main
      nodes:
        main: {{write: main, opens_with: {{pool: r, where: correct, take: .4}}, until: answered}}
        steer: {{insert: {{pool: r, of: another problem, where: {where}}}, take: .2, stitch: " Wait. "}}
      edges:
        main: [{{when: {{visits: main, equals: 1}}, to: steer}}, end]
        steer: main
    {more}
"""


def rows(count: int = 4, samples: int = 1) -> list[dict[str, Any]]:
    return [
        {
            "problem_id": f"p{n}", "question": f"{n} + 1?", "answer": str(n + 1), "model": "R",
            "reasoning": f"Of {n}, way {k}. {STEPS}", "response": f"\\boxed{{{n + 1 if n % 4 else 99}}}",
        }
        for n in range(count) for k in range(samples)
    ]  # fmt: skip


class Shop:
    """A folder with a pool, problems, and what was recorded on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pool = folder / "pool.sqlite"
        self.watcher = Silent()

    def put(self, lines: Sequence[dict[str, Any]], tokenizer: str | None = None) -> None:
        path = self.folder / "traces.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in lines))
        unique = {row["problem_id"]: row for row in lines}
        (self.folder / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in unique.values()))
        with closing(Pool(self.pool)) as pool:
            asyncio.run(import_into(pool, read_file(path, {}), tokenizer))

    def run(self, problems: str = "p.jsonl", samples: int = 1, where: str = "any", more: str = "") -> Outcome:
        text = SCENARIO.format(problems=problems, samples=samples, where=where, more=more)
        (self.folder / "s.yaml").write_text(dedent(text))
        reading, out = read(str(self.folder / "s.yaml")), self.folder / "out.relay"
        return asyncio.run(start(reading, out, Options(pool=self.pool), self.watcher))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_a_recorded_solo_opens_and_steers_like_any_other(shop: Shop) -> None:
    shop.put(rows())
    with Run(shop.run().path) as run:
        assert [(r.problem, r.state, r.outcome) for r in run.rollouts()] == [
            ("p0", "missing", ""),  # what was recorded on it is wrong
            *((f"p{n}", "end", "correct") for n in (1, 2, 3)),
        ]
        opened, steer, rest = [h.segment for h in run.hops(1)]
        assert opened is not None
        assert steer is not None
        assert rest is not None
        assert opened.text == f"Of 1, way 0. {STEPS}"[: len(opened.text)]
        assert opened.text.endswith("Step 3 goes on.")
        assert (opened.model, opened.stop, opened.tokenizer) == ("r", "replayed", rest.tokenizer)
        assert steer.text.startswith(" Wait. Of ")
        assert run.hops(1)[1].source in {"p0/0", "p2/0", "p3/0"}
        tokenizer = shipped()
        assert all(tokenizer.bytes_of(s.ids) == s.text.encode() for s in (opened, steer))
        assert run.query("SELECT DISTINCT n.text FROM head JOIN name n ON n.id = head.model") == [("main",)]
    assert "pool r: 4 recorded samples of 4 problems" in shop.watcher.notes
    assert not any("r" in phase.split() for phase in shop.watcher.phases)  # it is neither loaded nor sampled


def test_how_often_it_was_right_selects_problems(shop: Shop) -> None:
    shop.put(rows(8, samples=2))
    outcome = shop.run(samples=2, more="select: {problems: {solved: r, at_least: 2/2}}")
    with Run(outcome.path) as run:
        assert sorted(r.problem for r in run.rollouts()) == ["p1", "p2", "p3", "p5", "p6", "p7"]
        assert set(run.query("SELECT solved, sampled FROM solved")) == {(2, 2), (0, 2)}


def test_its_tokens_are_those_of_the_tokenizer_that_came_with_it(shop: Shop) -> None:
    spec = json.loads(SHIPPED.read_text())
    spec["model"].update(merges=[])  # one id a byte
    shop.put(rows(), json.dumps(spec))
    with Run(shop.run().path) as run:
        opened = run.hops(1)[0].segment
        assert opened is not None
        own = Tokenizer.from_rust(tokenizers.Tokenizer.from_str(json.dumps(spec)))
        assert opened.tokenizer == own.fingerprint != shipped().fingerprint
        assert own.bytes_of(opened.ids) == opened.text.encode()
        assert {(h["author"], h["reader"]) for h in run.meta["handoffs"]} == {("r", "main")}
        assert run.hops(1)[2].recoded > 0


def test_characters_that_its_tokenizer_lacks_are_left_out_and_told(shop: Shop) -> None:
    spec = json.loads(SHIPPED.read_text())
    spec["model"].update(merges=[])
    del spec["model"]["vocab"]["Ã"]  # the byte that é begins with
    shop.put([{**row, "reasoning": f"Voilà café. {STEPS}"} for row in rows()], json.dumps(spec))
    with Run(shop.run().path) as run:
        opened = run.hops(1)[0].segment
        assert opened is not None
        assert opened.text.startswith("Voil caf. Step 1 goes on.")
        note = "pool r: 4 recorded samples lose characters that their tokenizer lacks"
        assert note in run.meta["notes"]
    assert note in shop.watcher.notes


def test_a_run_goes_on_with_them(shop: Shop) -> None:
    shop.put(rows())
    outcome = shop.run()
    with closing(sqlite3.connect(outcome.path)) as db, db:
        before = db.execute("SELECT rollout, n, text, source FROM hop ORDER BY rollout, n").fetchall()
        db.execute("DELETE FROM step WHERE rollout = 3")
        db.execute("DELETE FROM verdict WHERE rollout = 3")
        db.execute("DELETE FROM rollout WHERE id = 3")
        db.execute("UPDATE meta SET value = '\"walking\"' WHERE key = 'phase'")
    asyncio.run(resume(outcome.path, Options(pool=shop.pool), Silent()))
    with closing(sqlite3.connect(outcome.path)) as db:
        assert db.execute("SELECT rollout, n, text, source FROM hop ORDER BY rollout, n").fetchall() == before


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model: R}": "model: Q}"}, "5:32: models.r.model: the pool holds no recorded model 'Q'"),
        ({"{write: main,": "{write: r,"}, "12:11: graph.nodes.main: 'r' cannot write: it is only recorded"),
        ({"model: R}": "model: R, system: Be brief}"}, "5:43: models.r.system: a recorded model has no 'system'"),
        ({"p.jsonl": "sums"}, "problems: nothing of 'R' is recorded on any of these problems"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(shop: Shop, change: dict[str, str], told: str) -> None:
    shop.put(rows())
    text = dedent(SCENARIO.format(problems="p.jsonl", samples=1, where="any", more=""))
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new, 1)
    path = shop.folder / "s.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        asyncio.run(start(read(str(path)), shop.folder / "out.relay", Options(pool=shop.pool), shop.watcher))
    [mistake] = caught.value.mistakes
    assert str(mistake).removeprefix(f"{path}:").startswith(told), str(mistake)
    assert not (shop.folder / "out.relay").exists()


def test_it_is_never_loaded() -> None:
    with pytest.raises(EngineError, match="R is recorded: it cannot be loaded"):
        asyncio.run(RecordedModel(model="R").open())


@pytest.mark.skipif(not TRACES.is_dir(), reason=f"the recorded traces are not there: {TRACES}")
def test_the_real_traces_serve_the_recoverability_test_from_end_to_end(shop: Shop) -> None:
    files = sorted(TRACES.glob("*.jsonl.gz"))
    found = [one for path in files for one in read_file(path, {})]
    with closing(Pool(shop.pool)) as pool:
        summary = asyncio.run(import_into(pool, found))
        assert summary[:6] == (400, 200, tuple(sorted({r.model for r in found})), 384, 16, 400)
        assert summary.outcomes == {"correct": 370, "wrong": 30}
        again = asyncio.run(import_into(pool, found))
        assert (again.added, sum(again.outcomes.values())) == (0, 0)
        right = "json_extract(extra, '$.labelled_correct')"  # what their authors say: kept, and not counted
        labelled = f"SELECT count(*) FROM line JOIN solo ON solo.id = solo WHERE {right} AND {{}}"
        assert pool.db.execute(labelled.format("outcome = 'correct'")).fetchone() == (370,)
        assert pool.db.execute(labelled.format("outcome = 'wrong' AND NOT finished")).fetchone() == (4,)
    first, second = summary.models
    text = dedent(SCENARIO.format(problems=json.dumps(str(files[0])), samples=1, where="wrong", more=""))
    text = text.replace("model: R}", f"model: {first}}}\n  s: {{engine: recorded, model: {second}}}")
    text = text.replace("insert: {pool: r", "insert: {pool: s").replace("take: .4", "take: '{m}'")
    text += "sweep: {over: {m: [0, .5]}, also: [{without: steer}]}\n"
    text += "select: {problems: {solved: r, at_least: 1/1}, limit: 40}\n"
    (shop.folder / "s.yaml").write_text(text)
    reading, out = read(str(shop.folder / "s.yaml")), shop.folder / "out.relay"
    outcome = asyncio.run(start(reading, out, Options(pool=shop.pool), shop.watcher))
    assert (outcome.total, outcome.failed) == (120, 0)
    tokenizer = shipped()
    thoughts = {r.problem.id: r.text for r in found if r.model == first}
    with Run(out) as run:
        assert {r.outcome for r in run.rollouts()} == {"correct"}
        for row in run.rollouts():
            segments = [h.segment for h in run.hops(row.id) if h.segment]
            assert all(tokenizer.bytes_of(s.ids) == s.text.encode() for s in segments)
            if segments[0].stop == "replayed":
                assert thoughts[row.problem].startswith(segments[0].text)
