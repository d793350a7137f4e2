"""The run file: what goes in comes out, whole, from beside a killed writer and from a finished file alike."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relay.errors import RelayError, UserError
from relay.events import Tokens
from relay.store import files, making
from relay.store.gathered import Begun, Graded
from relay.store.reader import Run
from relay.store.rows import INSERT_STEP, SELECT_HOPS, Names, hop_of, pack, row_of, rows_beside, unpack
from relay.store.schema import TABLES, VERSION
from relay.store.writer import LeaseLostError, RunWriter
from relay.trajectory import Segment, Usage
from relay.walk import DISCARDED, PRIVATE, Extra, Hop, StopReason

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
IDS = st.lists(st.integers(0, 2**31 - 1), max_size=20).map(tuple)
LONG = st.builds(str.__mul__, TEXT, st.sampled_from([0, 1, 40, 8000]))
LONG_IDS = st.builds(tuple.__mul__, IDS, st.sampled_from([0, 1, 40, 4000]))
SEGMENT = st.builds(
    Segment, st.just("node"), TEXT, LONG, LONG_IDS, TEXT, TEXT.filter(bool), TEXT, st.integers(-1, 10**6)
)
COUNT = st.integers(0, 2**40)
EXTRA = st.builds(
    Extra,
    label=TEXT,
    score=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    apart=st.sampled_from(["", PRIVATE, DISCARDED]),
    drops=TEXT,
    chosen=st.sampled_from(["", "0.1"]),
    over=st.lists(st.sampled_from(["a", "b-2"]), max_size=3).map(tuple),
    beside=st.integers(0, 10**6).map(lambda ms: ms / 1000),
    entropy=st.none() | st.floats(0, 20),
).filter(lambda extra: extra != Extra())
HOP = st.builds(
    Hop,
    pen=st.sampled_from(["0", "0.1", "0.1.0"]),
    n=st.integers(0, 2000),
    node=st.just("node"),
    visit=st.integers(1, 2000),
    to=TEXT,
    segment=st.none() | SEGMENT,
    usage=st.builds(Usage, COUNT, COUNT, COUNT, COUNT, st.integers(0, 10**6).map(lambda ms: ms / 1000)),
    rest=st.none() | st.sampled_from(StopReason),
    why=TEXT,
    branches=st.integers(0, 8),
    starts=TEXT,
    source=TEXT,
    recoded=st.integers(-1, 10**6),
    turn_ended=st.booleans(),
    extra=st.none() | EXTRA,
)


def new(path: Path) -> RunWriter:
    writer = RunWriter.create(path)
    with writer.at_once():
        writer.put("cell", [(0, "all", "{}")])
        writer.put("problem", [(0, "p", "math", "q?", "4", "h", None)])
        writer.put_meta(scenario={"graph": {"start": "node"}}, phase="walking", samples=1)
    return writer


@given(HOP)
@example(Hop("0", 0, "n", 1, "m", Segment("n", "w", "-1", (1,), "", "text", "-1"), why="-1", source="-1"))
def test_a_hop_comes_back_as_it_was(hop: Hop) -> None:
    names = Names()
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(TABLES)
        db.execute(INSERT_STEP, row_of(9, 5, hop, names))
        for insert, row in rows_beside(9, hop, names):
            db.execute(insert, row)
        assert hop_of(db.execute(SELECT_HOPS, (5,)).fetchone(), names) == (5, hop)


def test_ids_are_packed_as_little_endian_int32() -> None:
    assert pack([1, 256, 2**31 - 1]) == b"\x01\0\0\0\0\x01\0\0\xff\xff\xff\x7f"
    assert unpack(pack(range(1000))) == tuple(range(1000))


def test_what_was_flushed_is_there_and_what_was_not_is_not(tmp_path: Path) -> None:
    writer = new(tmp_path / "a.relay")
    writer.begin(Begun(0, 0, 0, 0))
    writer.hop(0, Hop("0", 0, "node", 1, "node", Segment("node", "m", "one", (1,), "t", "tokens")))
    writer.flush()
    writer.hop(0, Hop("0", 1, "node", 2, "node", Segment("node", "m", "two", (2,), "t", "tokens")))
    with Run(tmp_path / "a.relay") as run:
        assert [h.segment.text for h in run.hops(0) if h.segment] == ["one"]
    writer.flush()
    with Run(tmp_path / "a.relay") as run:
        assert run.walk(0).pens["0"].trajectory.text == "onetwo"
    writer.close(finished=True)


def test_a_finished_run_is_one_plain_file_that_a_read_only_folder_can_hold(tmp_path: Path) -> None:
    writer = new(tmp_path / "a.relay")
    writer.begin(Begun(0, 0, 0, 0))
    writer.end(0, StopReason.END, "", Graded("math", "correct", "4", "", 0.01))
    writer.close(finished=True)
    assert [p.name for p in tmp_path.iterdir()] == ["a.relay"]
    (tmp_path / "a.relay").chmod(stat.S_IREAD)
    tmp_path.chmod(stat.S_IREAD | stat.S_IEXEC)
    try:
        with Run(tmp_path / "a.relay") as run:
            assert [(r.state, r.outcome, r.found) for r in run.rollouts()] == [("end", "correct", "4")]
    finally:
        tmp_path.chmod(0o700)


def test_a_reader_s_connection_does_not_hinder_the_writer(tmp_path: Path) -> None:
    writer = new(tmp_path / "a.relay")
    with Run(tmp_path / "a.relay") as run:
        for number in range(3):
            writer.begin(Begun(number, 0, number, 0))
            writer.flush()
            assert len(list(run.rollouts())) == number + 1
        writer.close(finished=True)
    with Run(tmp_path / "a.relay") as run:
        assert len(list(run.rollouts())) == 3


def test_the_live_table_holds_the_tail_of_each_open_segment(tmp_path: Path) -> None:
    writer = new(tmp_path / "a.relay")
    writer.live(0, Tokens("0", "node", 1, 900, "x" * 5000 + "end"))
    writer.live(1, Tokens("0.1", "node", 2, 3, "abc"))
    writer.flush()
    with Run(tmp_path / "a.relay") as run:
        rows = run.query("SELECT rollout, pen, tokens, length(tail), substr(tail, -3) FROM live ORDER BY rollout")
    assert rows == [(0, "0", 900, 2000, "end"), (1, "0.1", 3, 3, "abc")]
    writer.hop(0, Hop("0", 0, "node", 1, "node"))
    writer.flush()
    with Run(tmp_path / "a.relay") as run:
        assert run.query("SELECT rollout FROM live") == [(1,)]
    writer.close(finished=True)


def test_a_flush_that_fails_writes_nothing(tmp_path: Path) -> None:
    writer = new(tmp_path / "a.relay")
    writer.begin(Begun(0, 0, 0, 0))
    writer.begin(Begun(0, 0, 0, 0))
    with pytest.raises(sqlite3.IntegrityError):
        writer.flush()
    assert writer.query("SELECT count(*) FROM rollout") == [(0,)]
    writer.begin(Begun(1, 0, 1, 0))
    with pytest.raises(RelayError, match="an earlier flush failed"):
        writer.flush()
    writer.close(finished=True)
    with Run(tmp_path / "a.relay") as run:
        assert list(run.rollouts()) == [], "nothing follows what was lost"


def test_only_open_rollouts_come_back_with_their_hops(tmp_path: Path) -> None:
    writer = new(tmp_path / "a.relay")
    hop = Hop("0", 0, "node", 1, "node", Segment("node", "m", "one", (1,), "t", "tokens"))
    for number in range(3):
        writer.begin(Begun(number, 0, number, 0))
        writer.hop(number, hop)
    writer.end(1, StopReason.END, "", None)
    writer.close(finished=False)
    again = RunWriter.resume(tmp_path / "a.relay")
    assert [(b.id, hops) for b, hops in again.open_rollouts()] == [(0, [hop]), (2, [hop])]
    assert again.rollouts_begun() == 3
    again.close(finished=True)


def test_a_second_runner_is_told_that_the_run_is_in_use(tmp_path: Path) -> None:
    writer = new(tmp_path / "a.relay")
    hold = "from pathlib import Path; from relay.store.writer import RunWriter; "
    hold += f"RunWriter.resume(Path({str(tmp_path / 'a.relay')!r}))"
    said = subprocess.run([sys.executable, "-c", hold], capture_output=True, text=True, check=False)
    assert f"the run is in use by process {os.getpid()}" in said.stderr
    writer.close(finished=True)


def test_a_killed_runner_s_lease_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "a.relay"
    new(path).close(finished=False)
    die = "import os, signal, sys; from pathlib import Path; from relay.store.gathered import Begun\n"
    die += "from relay.store.writer import RunWriter\n"
    die += f"w = RunWriter.resume(Path({str(path)!r})); w.begin(Begun(0, 0, 0, 0)); w.flush()\n"
    die += "os.kill(os.getpid(), signal.SIGKILL)"
    assert subprocess.run([sys.executable, "-c", die], check=False).returncode == -9
    writer = RunWriter.resume(path)
    assert [b.id for b, _ in writer.open_rollouts()] == [0]
    writer.close(finished=True)


def test_a_runner_that_lost_its_lease_stops_writing(tmp_path: Path) -> None:
    writer = new(tmp_path / "a.relay")
    other = sqlite3.connect(tmp_path / "a.relay")
    other.execute("UPDATE lease SET pid = 1")
    other.commit()
    writer.begin(Begun(0, 0, 0, 0))
    with pytest.raises(LeaseLostError, match="another process took this run over"):
        writer.flush()
    assert other.execute("SELECT count(*) FROM rollout").fetchone() == (0,)
    other.close()
    writer.close(finished=False)


def test_a_copy_without_its_wal_is_told_from_a_whole_file(tmp_path: Path) -> None:
    writer = new(tmp_path / "a.relay")
    writer.begin(Begun(0, 0, 0, 0))
    writer.flush()
    shutil.copy(tmp_path / "a.relay", tmp_path / "copy.relay")
    with pytest.raises(
        UserError, match=r"copy\.relay: was copied without its -wal file \(copy copy\.relay-wal beside it too\)"
    ):
        Run(tmp_path / "copy.relay")
    shutil.copy(tmp_path / "a.relay-wal", tmp_path / "copy.relay-wal")
    with Run(tmp_path / "copy.relay") as run:
        assert len(list(run.rollouts())) == 1
    writer.close(finished=True)


def test_on_a_network_file_system_the_journal_is_truncated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "on_network", lambda path: True)
    writer = new(tmp_path / "a.relay")
    assert writer.query("PRAGMA journal_mode") == [("truncate",)]
    writer.begin(Begun(0, 0, 0, 0))
    writer.flush()
    with Run(tmp_path / "a.relay") as run:
        assert len(list(run.rollouts())) == 1
    writer.close(finished=True)


def damage(path: Path, kind: str) -> None:
    match kind:
        case "text":
            path.write_text("hello\n" * 100)
        case "empty":
            path.write_bytes(b"")
        case "folder":
            path.mkdir()
        case "database":
            with closing(sqlite3.connect(path)) as db:
                db.execute("CREATE TABLE t (x)")
        case "newer":
            new(path).close(finished=True)
            db = sqlite3.connect(path)
            db.execute(f"PRAGMA user_version = {VERSION + 1}")
            db.close()


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("none", "no such run file (`ls *.relay runs` shows what is there)"),
        ("text", "is not a run file (a run file is what `relay run` writes)"),
        ("empty", "is not a run file (a run file is what `relay run` writes)"),
        ("folder", "is a folder, not a run file"),
        ("database", "is a database, but not a run file (a run file is what `relay run` writes)"),
        ("newer", f"was written by a newer relay (schema {VERSION + 1}, this one reads {VERSION}) (upgrade relay)"),
    ],
)
def test_what_is_no_run_file_is_said_in_one_line(tmp_path: Path, kind: str, said: str) -> None:
    path = tmp_path / "x.relay"
    damage(path, kind)
    for use in (Run, RunWriter.resume):
        with pytest.raises(UserError) as error:
            use(path)
        assert str(error.value) == f"{path}: {said}"


def test_a_new_run_does_not_overwrite_an_old_one(tmp_path: Path) -> None:
    new(tmp_path / "a.relay").close(finished=True)
    with pytest.raises(UserError, match="exists already"):
        RunWriter.create(tmp_path / "a.relay")


def test_of_two_runs_into_one_file_the_slower_is_told_and_takes_nothing_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.relay"
    lay_out = making._lay_out

    def late(place: Path) -> None:
        monkeypatch.undo()
        new(path).close(finished=False)
        lay_out(place)

    monkeypatch.setattr(making, "_lay_out", late)
    with pytest.raises(UserError, match="exists already"):
        RunWriter.create(path)
    with Run(path) as run:
        assert run.meta["phase"] == "walking"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_to_nothing_is_told_as_one(tmp_path: Path) -> None:
    (tmp_path / "a.relay").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"is a link to nothing \(remove it"):
        RunWriter.create(tmp_path / "a.relay")


def test_a_discarded_run_leaves_nothing_behind(tmp_path: Path) -> None:
    new(tmp_path / "a.relay").discard()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("second", ["look", "run"])
def test_a_second_connection_of_the_writer_leaves_its_locks_alone(second: str, tmp_path: Path) -> None:
    """Another program that closes the file must not take the -wal away from under the writer."""
    path = tmp_path / "a.relay"
    writer = RunWriter.create(path)
    if second == "look":
        writer.look("SELECT 1")
    else:
        Run(path, writing=True).close()
    other = (
        f"import sqlite3; db = sqlite3.connect({str(path)!r}); db.execute('SELECT * FROM meta').fetchall(); db.close()"
    )
    subprocess.run([sys.executable, "-c", other], check=True)
    assert path.with_name("a.relay-wal").exists()
    with writer.at_once():
        writer.put_meta(kept=1)
    read = other.replace("; db.close()", "; print(db.execute('SELECT count(*) FROM meta').fetchone()[0])")
    assert subprocess.run([sys.executable, "-c", read], check=True, capture_output=True).stdout == b"1\n"
    writer.close(finished=True)
