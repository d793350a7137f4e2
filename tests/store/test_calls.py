"""Recorded calls in the run file: each comes back as it was, and takes little beside its hop."""

import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.engine import Purpose
from relay.engine.record import Call
from relay.errors import UserError
from relay.problems import Problem
from relay.store import files
from relay.store.calls import (
    INSERT_ASIDE,
    INSERT_CALL,
    MOST_CALLS,
    SELECT_CALLS,
    DamagedError,
    Kept,
    hash_of,
    kept_aside,
    kept_call,
    row_of_aside,
    row_of_call,
)  # fmt: skip
from relay.store.gathered import Begun
from relay.store.reader import Run
from relay.store.rows import Names
from relay.store.schema import PAGE, RECORDING, VERSION
from relay.store.tape import Tape, Visit, lay_out
from relay.store.writer import RunWriter
from relay.trajectory import Segment, Usage
from relay.walk import Hop
from tests.store.test_scale_small import SHAPES, hop_of, new

IDS = st.lists(st.integers(0, 2**31 - 1), max_size=20).map(tuple)
PROBLEM = Problem("p", "q?", "4")
CALL = st.builds(
    Call,
    st.sampled_from(["m", "n"]),
    st.builds(
        Purpose, st.just(PROBLEM), st.integers(0, 9), st.sampled_from(["a", "(pool)"]), st.integers(1, 9), st.just("0")
    ),
    st.sampled_from(["", "m=0.4"]),
    IDS,
    IDS,
    st.lists(st.integers(0, 2**20) | st.just(1), max_size=200).map(tuple),
    st.lists(st.floats(allow_nan=False), max_size=9).map(tuple),
    st.builds(Usage, *[st.integers(0, 2**40)] * 3, st.just(0), st.integers(0, 10**6).map(lambda ms: ms / 1000)),
    st.none() | st.just("") | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)


def kept_of(call: Call) -> Kept:
    return Kept(call.model, hash_of(call.prompt), *call[4:])


@given(CALL, st.integers(0, 20))
def test_a_call_comes_back_as_it_was(call: Call, common: int) -> None:
    names = Names()
    own = (*call.ids[:common], 7, 8)
    usage = call.usage._replace(computed=5, seconds=call.usage.seconds + 1)
    for hop in (
        Hop("0", 0, "a", 1, "b", Segment("a", "m", "x", own, "t", "text"), usage),
        Hop("0", 0, "a", 1, "b", Segment("a", "m", "x", call.ids, "t", "text"), call.usage),
        Hop("0", 0, "a", 1, "b"),
    ):
        with closing(sqlite3.connect(":memory:")) as db:
            db.executescript(RECORDING)
            db.execute(INSERT_CALL, row_of_call(9, 3, call, hop, names))
            (row,) = db.execute(SELECT_CALLS, (9 * MOST_CALLS, 9 * MOST_CALLS + MOST_CALLS - 1))
            found = kept_call(row, hop, names)
            seconds = max(call.usage.seconds, hop.usage.seconds)  # a call lies within its hop
            assert found.usage.seconds == pytest.approx(seconds, abs=1e-9)
            assert found._replace(usage=found.usage._replace(seconds=call.usage.seconds)) == kept_of(call)


@given(CALL)
def test_a_call_that_no_hop_tells_of_comes_back_with_its_prompt(call: Call) -> None:
    names = Names()
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(RECORDING)
        db.execute(INSERT_ASIDE, row_of_aside(call, names))
        (row,) = db.execute(
            "SELECT model, prompt, ids, deltas, logprobs, computed, cached, decoded, ms, failed, checksum FROM aside"
        )
        found = kept_aside(row, names)
        assert found.usage.seconds == pytest.approx(call.usage.seconds, abs=1e-9)
        assert found._replace(usage=call.usage) == kept_of(call)
        with pytest.raises(DamagedError):
            kept_aside((*row[:2], b"\x01\x00\x00\x00" + (row[2] or b""), *row[3:]), names)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_recorded_call_takes_at_most_45_bytes_and_four_for_each_id_thrown_away(shape: str, tmp_path: Path) -> None:
    """Beside its hop, in a run whose deltas come token by token or twenty times a second."""
    sizes, thrown, hops = {}, 0, 0
    for record in (True, False):
        path, draw, (least, most) = tmp_path / f"{record}.relay", Random(1), SHAPES[shape]
        writer = new(path)
        tape = None
        if record:
            lay_out(writer, "x")
            tape = Tape(writer, ["node"])
        writer.close(finished=True)
        empty = path.stat().st_size
        writer = RunWriter.resume(path)
        tape = tape and Tape(writer, ["node"])
        hops, thrown = min(3000, 1_000_000 // (least + most)), 0
        for number in range(hops):
            rollout, n = number // 384 * 64 + number % 64, number % 384 // 64
            if n == 0:
                writer.begin(Begun(rollout, 0, rollout, 0))
            hop = hop_of(n, draw.randint(least, most), 4.0, draw)
            assert hop.segment is not None
            away = tuple(draw.choices(range(150_000), k=hop.usage.thrown + 1))  # and the end of the turn
            thrown += len(away)
            if tape is not None:
                ids = hop.segment.ids + away
                each = 1 if number % 2 else 40
                deltas = tuple(min(each, len(ids) - at) for at in range(0, len(ids), each))
                purpose = Purpose(PROBLEM, rollout, "node", hop.visit, "0")
                usage = hop.usage._replace(decoded=len(ids))
                tape.note(Call("model", purpose, "all", (number,), ids, deltas, (), usage))
            step = writer.hop(rollout, hop)
            if tape is not None:
                tape.hop(step, Visit("all", "p", rollout, "0", "node", hop.visit), hop)
        writer.close(finished=True)
        sizes[record] = path.stat().st_size - empty
    print(shape, hops, "hops:", (sizes[True] - sizes[False] - 4 * thrown) / hops, "bytes a call")
    assert sizes[True] - sizes[False] <= 45 * hops + 4 * thrown + PAGE  # the last page of each is not full


def test_a_run_file_of_schema_2_is_read_and_brought_up(tmp_path: Path) -> None:
    path = tmp_path / "a.relay"
    new(path).close(finished=True)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO name VALUES (1, 'judge j'), (2, 'm')")
        db.execute("INSERT INTO judgement VALUES (0, 1, 2, 'CORRECT', 1, 0, 1, 0)")
        db.execute("PRAGMA user_version = 2")
    with Run(path) as run:
        assert run.query("SELECT text FROM judgement") == [("CORRECT",)], "it has judgements of its own"
    RunWriter.resume(path).close(finished=True)
    with Run(path) as run:
        assert run.query("PRAGMA user_version") == [(VERSION,)] == [(5,)]
        assert run.query("SELECT text FROM judgement") == [("CORRECT",)]
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA user_version = 6")
    with pytest.raises(UserError, match="was written by a newer relay"):
        files.check(path)
