"""The pool: what was sampled once is there again, by what made it."""

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from relay.errors import UserError
from relay.pool import Pool, Sampled, address_of
from relay.problems import Problem

ONE, TWO = Problem("a", "1 + 1?", "2"), Problem("b", "2 + 2?", "4")
FACTS = {"model": "m", "seed": 7}


def sampled(problem: Problem, sample: int, text: str = "It is.</think>2") -> Sampled:
    return Sampled(problem.hash, sample, text, (1, 2, 3), "t", 6, True, "turn", "math", "correct")


def test_what_is_missing_is_told_sample_by_sample(tmp_path: Path) -> None:
    pool, address = Pool(tmp_path / "pool.sqlite"), address_of(FACTS)
    pool.add(address, FACTS, [sampled(ONE, 0), sampled(TWO, 1)])
    assert [(p.id, k) for p, k in pool.missing(address, [ONE, TWO], 2)] == [("b", 0), ("a", 1)]
    assert pool.missing(address_of({**FACTS, "seed": 8}), [ONE], 1) == [(ONE, 0)]
    pool.close()


def test_a_sample_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    pool, address = Pool(tmp_path / "pool.sqlite"), address_of(FACTS)
    pool.add(address, FACTS, [sampled(ONE, 0)])
    pool.add(address, FACTS, [sampled(ONE, 0, "another text")])
    assert pool.get(address, "m", ONE, 0).text == "It is.</think>2"
    with pytest.raises(KeyError):
        pool.get(address, "m", ONE, 1)
    pool.close()


def test_a_problem_is_known_by_its_content_not_by_its_name(tmp_path: Path) -> None:
    pool, address = Pool(tmp_path / "pool.sqlite"), address_of(FACTS)
    pool.add(address, FACTS, [sampled(ONE, 0)])
    assert pool.missing(address, [ONE._replace(id="renamed")], 1) == []
    assert pool.missing(address, [ONE._replace(question="other?")], 1) != []
    pool.close()


def test_two_processes_may_use_it_at_once(tmp_path: Path) -> None:
    one, two, address = Pool(tmp_path / "pool.sqlite"), Pool(tmp_path / "pool.sqlite"), address_of(FACTS)
    one.add(address, FACTS, [sampled(ONE, 0)])
    two.add(address, FACTS, [sampled(TWO, 0)])
    assert one.missing(address, [ONE, TWO], 1) == two.missing(address, [ONE, TWO], 1) == []
    one.close()
    two.close()


@pytest.mark.parametrize("kept_free", [False, True])
def test_runs_that_begin_at_once_share_a_new_pool(kept_free: bool, tmp_path: Path) -> None:
    """Three processes, again and again: each finds a whole pool, whoever made it."""
    program = "import sys; from pathlib import Path; from relay.pool import Pool; sys.stdin.readline()\n"
    program += "for i in range(10): Pool(Path(sys.argv[1]) / str(i)).close()"
    if kept_free:
        for i in range(10):
            (tmp_path / str(i)).touch()
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    time.sleep(0.5)
    for run in runs:
        assert run.stdin is not None
        run.stdin.write("\n")
        run.stdin.flush()
    assert [run.communicate(timeout=60)[1] for run in runs] == ["", "", ""]
    assert {p.name.partition("-")[0] for p in tmp_path.iterdir()} == {str(i) for i in range(10)}


def test_another_database_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (x)")
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"is a database, but not a pool \(name another file with --pool\)"):
        Pool(path)
    assert path.read_bytes() == before
