"""What a large run may cost, at a small scale, where it can be held exactly. benchmarks/scale.py measures the rest."""

import asyncio
import gc
import re
import sqlite3
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from relay.engine import Sampling
from relay.engine.scripted import Scripted, shipped
from relay.language.graph import Exit, Graph
from relay.language.reading import Reading, from_tree
from relay.language.scenario import Need
from relay.measure import scores
from relay.node import Limits
from relay.node.write import Write
from relay.prepare import filed, units
from relay.prepare.jobs import CellPlan, Jobs, RunPlan
from relay.problems import Problem
from relay.seam.templates import Template
from relay.session import Options, Outcome, resume, start
from relay.store import files, reader
from relay.store.gathered import Begun
from relay.store.reader import Run
from relay.store.rows import LONG_IDS, LONG_TEXT
from relay.store.writer import RunWriter
from relay.trajectory import Segment, Usage
from relay.walk import Hop, StopReason


def new(path: Path) -> RunWriter:
    writer = RunWriter.create(path)
    with writer.at_once():
        writer.put("cell", [(0, "all", "{}")])
        writer.put("problem", [(0, "p", "math", "q?", "4", "h", None)])
        writer.put_meta(scenario={"graph": {"start": "node"}}, phase="walking", samples=1)
    return writer


def hop_of(n: int, tokens: int, letters: float, draw: Random) -> Hop:
    ids = tuple(draw.choices(range(150_000), k=tokens))
    segment = Segment("node", "model", "x" * round(letters * tokens), ids, "tokenizer", "sentences")
    usage = Usage(draw.randrange(9000), draw.randrange(9000), tokens, draw.randrange(4), draw.random() * 60)
    return Hop("0", n, "node", n + 1, "node", segment, usage, recoded=draw.randrange(500))


SHAPES = {
    "11": (11, 11),
    "32": (32, 32),
    "100..300": (100, 300),
    "129": (129, 129),
    "500..1500": (500, 1500),
    "2000": (2000, 2000),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_run_file_takes_nine_bytes_a_token_and_ninety_a_hop(shape: str, tmp_path: Path) -> None:
    """At four letters a token, which is what prose takes; the empty tables left out, which are 360 kB."""
    path, draw, (least, most) = tmp_path / "a.relay", Random(1), SHAPES[shape]
    writer = new(path)
    writer.close(finished=True)
    empty = path.stat().st_size
    writer = RunWriter.resume(path)
    hops, tokens = min(3000, 1_000_000 // (least + most)), 0
    for number in range(hops):  # of rollouts of 6 hops, 64 of them under way at once
        rollout, n = number // 384 * 64 + number % 64, number % 384 // 64
        if n == 0:
            writer.begin(Begun(rollout, 0, rollout, 0))
        hop = hop_of(n, draw.randint(least, most), 4.0, draw)
        tokens += hop.usage.decoded
        writer.hop(rollout, hop)
        if n == 5:
            writer.end(rollout, StopReason.END, "", None)
    writer.close(finished=True)
    assert path.stat().st_size - empty <= 9 * tokens + 90 * hops


@pytest.mark.parametrize("tokens", [LONG_IDS, LONG_IDS + 1, 1000, 300 * LONG_IDS])
def test_a_long_segment_lies_in_small_parts_and_is_whole_in_every_reading(tokens: int, tmp_path: Path) -> None:
    hop = hop_of(0, tokens, 4.0, Random(2))
    assert hop.segment is not None
    writer = new(tmp_path / "a.relay")
    writer.begin(Begun(0, 0, 0, 0))
    writer.hop(0, hop._replace(usage=Usage(decoded=tokens), recoded=-1))
    writer.close(finished=True)
    with Run(tmp_path / "a.relay") as run:
        assert run.hops(0)[0].segment == hop.segment
        assert run.query("SELECT text, length(ids) / 4 FROM hop") == [(hop.segment.text, tokens)]
        parts = run.query("SELECT length(text), length(ids) / 4 FROM part")
    if tokens <= LONG_IDS:
        assert parts == []
    elif tokens <= 256 * LONG_IDS:
        assert max(text for text, _ in parts) <= LONG_TEXT
        assert max(ids for _, ids in parts) <= LONG_IDS
    else:
        assert len(parts) == 256, "a step has room for so many"


def test_hops_written_after_a_resume_take_no_part_of_those_before(tmp_path: Path) -> None:
    path, draw = tmp_path / "a.relay", Random(3)
    hops = [hop_of(n, 500, 4.0, draw)._replace(recoded=-1, usage=Usage()) for n in range(3)]
    writer = new(path)
    writer.begin(Begun(0, 0, 0, 0))
    for hop in hops:
        writer.hop(0, hop)
        writer.close(finished=False)
        writer = RunWriter.resume(path)
    assert [found for _, found in writer.open_rollouts()] == [hops]
    writer.close(finished=True)


# -- the rest on runs with a pool, which is where most could grow


def scenario(samples: int) -> Reading:
    think = "We look at it. It is as it is, and so {answer} = {answer}. "
    main = {"write": "main", "opens_with": {"pool": "main", "where": "correct", "take": 0.5}, "until": ["answered"]}
    steer = {"insert": {"pool": "main", "of": "another problem", "among": 4}, "take": 0.2, "stitch": "\nWait. "}
    tree = {
        "relay": 1,
        "models": {"main": {"engine": "scripted", "says": [think * 3 + "</think> The answer is {answer}."]}},
        "problems": {"from": "sums", "limit": 6},
        "samples": samples,
        "pool": {"samples": 3},
        "graph": {
            "start": "main",
            "answer": "main",
            "nodes": {"main": main, "steer": steer},
            "edges": {"main": [{"when": {"visits": "main", "equals": 1}, "to": "steer"}, "end"], "steer": "main"},
        },
    }
    return from_tree(tree)


class Silent:
    def phase(self, name: str, tally: object) -> None: ...
    def note(self, text: str) -> None: ...


def whole(path: Path, samples: int) -> Outcome:
    return asyncio.run(start(scenario(samples), path, Options(pool=path.with_suffix(".pool")), Silent()))


def reopened(path: Path, numbers: list[int]) -> None:
    """As if the run had been killed when these rollouts had two hops and the rest had ended."""
    with closing(sqlite3.connect(path)) as db, db:
        for number in numbers:
            db.execute("UPDATE rollout SET stop = NULL WHERE id = ?", (number,))
            db.execute("DELETE FROM verdict WHERE rollout = ?", (number,))
            db.execute("DELETE FROM step WHERE rollout = ? AND n = 2", (number,))
        db.execute("""UPDATE meta SET value = '"walking"' WHERE key = 'phase'""")


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that a run file is asked, with its values."""
    statements: list[str] = []
    connect = files.connect

    def listened(path: Path, query: str = "") -> sqlite3.Connection:
        db = connect(path, query)
        db.set_trace_callback(statements.append)
        return db

    monkeypatch.setattr(files, "connect", listened)
    return statements


GROW = {"rollout", "step", "hop", "part", "unit", "verdict", "r", "h", "v"}  # tables, and their names in queries


def scans(path: Path, statements: list[str]) -> Iterator[tuple[str, str]]:
    """The tables that these statements read from end to end, of those that grow with a run's rollouts."""
    with closing(sqlite3.connect(path)) as db:
        for sql in dict.fromkeys(statements):
            if re.match(r"\s*(SELECT|UPDATE|DELETE|INSERT)", sql):
                for *_, step in db.execute(f"EXPLAIN QUERY PLAN {sql}"):
                    words = step.split()
                    if words[0] == "SCAN" and words[1] in GROW:
                        yield words[1], sql


def test_a_resume_reads_the_open_rollouts_and_no_others(tmp_path: Path, said: list[str]) -> None:
    path, opened = tmp_path / "a.relay", [50, 57, 58]
    assert whole(path, 10).total == 60
    with Run(path) as run:
        before = [run.walk(n).pens["0"]._replace(seconds=0.0) for n in range(60)]
    reopened(path, opened)
    said.clear()
    asyncio.run(resume(path, Options(), Silent()))
    statements = said.copy()
    assert any(s.startswith("SELECT id, problem, sample, cell FROM rollout") for s in statements)
    ended = ("SELECT count(*) FROM rollout", "SELECT name.text, count(*), sum(", "SELECT 1 FROM unit")
    read = [sql.strip() for _, sql in scans(path, statements)]
    (counted,) = [sql for sql in read if not sql.startswith(ended)]  # those once, when the run has ended
    assert counted.startswith("SELECT r.cell, v.outcome, count(*)"), "the running score goes on from what was graded"
    assert {int(n) for s in statements for n in re.findall(r"way\(number, upto\) AS \(\s*SELECT (\d+),", s)} == set(
        opened
    )
    asked = {m for s in statements for m in re.findall(r"FROM unit WHERE problem = (\d+) AND sample = (\d+)", s)}
    assert asked == {(str(n % 6), str(n // 6)) for n in opened}
    with Run(path) as run:
        assert [run.walk(n).pens["0"]._replace(seconds=0.0) for n in range(60)] == before


def test_a_resumed_rollout_is_given_what_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "a.relay"
    whole(path, 4)
    writer = RunWriter.resume(path)
    plan = filed.read_back(writer, scenario(4), {})
    given = Jobs(plan).job(plan.begun(7)).stage.units
    writer.close(finished=True)
    with Run(path) as run:
        sources = [h.source for h in run.hops(7)]
        assert [s.source for s in (given["main"], given["steer"])] == sources[:2]
        assert len(run.query("SELECT 1 FROM unit")) == 2 * 24


def test_reports_and_lists_read_no_long_text_and_look_rollouts_up(tmp_path: Path) -> None:
    path = tmp_path / "a.relay"
    whole(path, 2)
    listed = f"{reader._LISTED.replace('?', ':verifier')} WHERE 1 ORDER BY r.id LIMIT 50"
    with Run(path) as run:
        for sql in (scores.COUNTS, scores.COST, listed):
            steps = [step for *_, step in run.query(f"EXPLAIN QUERY PLAN {sql}", verifier="math")]
            assert not any(re.search(r"\bpart\b", step) for step in steps), steps
            scanned = [step for step in steps if step.startswith("SCAN")]
            assert len(scanned) == 1, f"each row is met once: {steps}"
        steps = [step for *_, step in run.query(f"EXPLAIN QUERY PLAN {listed}", verifier="math")]
        assert not any("TEMP B-TREE" in step for step in steps), "the first rows come without the last"


def test_names_given_out_while_one_reads_are_known(tmp_path: Path) -> None:
    writer = new(tmp_path / "a.relay")
    with Run(tmp_path / "a.relay") as run:
        for n in range(3):
            writer.begin(Begun(n, 0, n, 0))
            writer.hop(n, Hop("0", 0, f"node{n}", 1, "end", rest=StopReason.END))
            writer.flush()
            assert [h.node for h in run.hops(n)] == [f"node{n}"]
    writer.close(finished=True)


def test_failed_rollouts_are_counted_and_the_last_one_speaks(tmp_path: Path) -> None:
    path = tmp_path / "a.relay"
    whole(path, 3)
    writer = RunWriter.resume(path)
    for number, why in ((3, "first"), (11, "last"), (7, "middle")):
        writer.end(number, StopReason.FAILED, why, None)
    writer.close(finished=True)
    assert asyncio.run(resume(path, Options(), Silent()))[1:] == (18, 3, "last")


# -- memory


PROBLEMS = [Problem(f"p{i}", f"Find {i} + 1.", str(i)) for i in range(50)]


def test_the_jobs_of_a_hundred_thousand_rollouts_hold_nothing() -> None:
    tokenizer = shipped()
    engine = Scripted(tokenizer, Template(tokenizer, "{{ messages[-1].content }}\n"), lambda _: "So it is. ")
    graph = Graph(
        "a", frozenset({"a"}), {"a": Write.model_validate({"write": "w"})}, {"a": (Exit(None, "end", 0),)}, frozenset()
    )
    plan = RunPlan(PROBLEMS, [CellPlan(graph, Limits(), Sampling(), 7)], 2000, {"w": engine}, {})
    jobs = Jobs(plan)
    coming = (jobs.job(jobs.plan.begun(n)) for n in range(jobs.plan.total))
    for _ in range(50):
        next(coming)
    gc.collect()
    before, last = sys.getallocatedblocks(), 0
    for job in coming:
        last = job.id
    gc.collect()
    assert last == 99_999
    assert sys.getallocatedblocks() - before < 100, "objects, of a hundred thousand rollouts"


def test_dealing_out_steers_takes_a_number_for_each() -> None:
    need = Need("steer", "main", "another problem", "any", 24)
    outcomes = {p.id: {0: "correct", 1: "wrong"} for p in PROBLEMS}
    tracemalloc.start()
    try:
        number = sum(1 for _ in units.deal(need, units.Pairs(PROBLEMS, 400), PROBLEMS, outcomes, 7))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert number == 20_000
    assert most < 12 * number


def test_the_log_beside_a_run_file_stays_small_while_others_read(tmp_path: Path) -> None:
    """Each reading ends at once, as a monitor's do: then the log is written over from its start."""
    path, draw = tmp_path / "a.relay", Random(4)
    writer, log = new(path), tmp_path / "a.relay-wal"
    hops = [hop_of(n, 1000, 4.0, draw) for n in range(50)]
    most = 0
    with Run(path) as run:
        for number in range(40):
            writer.begin(Begun(number, 0, number, 0))
            for hop in hops:
                writer.hop(number, hop)
            writer.flush()
            run.query("SELECT count(*) FROM rollout WHERE stop IS NULL")
            most = max(most, log.stat().st_size)
    writer.close(finished=True)
    assert path.stat().st_size > 16e6
    assert most < 6e6
