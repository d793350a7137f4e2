"""relay report --regrade: a finished run graded once more; its traces untouched, the verdicts of both kept."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from relay.store.schema import JUDGEMENT
from tests.cli.conftest import PROGRAM, Relay

TRACES = ("step", "part", "rollout", "problem", "cell", "head", "solo", "unit")


def rows(path: Path, *tables: str) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as db:
        return {table: db.execute(f"SELECT * FROM {table}").fetchall() for table in tables}


def verdicts(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as db:
        return dict(db.execute("SELECT n.text, count(*) FROM verdict v JOIN name n ON n.id = v.verifier GROUP BY 1"))


def test_the_traces_stay_and_the_verdicts_of_both_are_kept(relay: Relay, folder: Path) -> None:
    assert relay("run", "s.yaml", "-o", "a.relay").code == 0
    before = rows(folder / "a.relay", *TRACES)
    said = relay("report", "a.relay", "--regrade", "{text: exact}")
    assert said.code == 0
    assert rows(folder / "a.relay", *TRACES) == before
    assert verdicts(folder / "a.relay") == {"math": 4, "text exact": 4}
    assert "Verdicts by math, and once more by text exact." in said.out
    lines = [json.loads(line) for line in relay("report", "a.relay", "--json").out.splitlines()]
    assert [line["verifier"] for line in lines] == ["math", "text exact"]
    assert not (folder / "a.relay-wal").exists()


def test_what_is_graded_already_is_not_graded_again(relay: Relay, folder: Path) -> None:
    relay("run", "s.yaml", "-o", "a.relay")
    relay("report", "a.relay", "--regrade", "number")
    before = (folder / "a.relay").read_bytes()
    said = relay("report", "a.relay", "--regrade", "number")
    assert "nothing is missing" in said.err
    assert (folder / "a.relay").read_bytes() == before


def test_show_and_export_say_the_run_s_own_verdict_once(relay: Relay, folder: Path) -> None:
    relay("run", "s.yaml", "-o", "a.relay")
    relay("report", "a.relay", "--regrade", "text")
    assert len(relay("show", "a.relay", "--json").out.splitlines()) == 4
    assert "text exact: correct" in relay("show", "a.relay", "0").out
    assert relay("export", "a.relay", "-o", "a.jsonl").code == 0
    assert [json.loads(line)["verifier"] for line in (folder / "a.jsonl").read_text().splitlines()] == ["math"] * 4


def test_a_run_that_graded_nothing_can_be_graded_afterwards(relay: Relay) -> None:
    relay("run", "s.yaml", "-o", "a.relay", "--set", "verify=none")
    assert "Nothing was graded" in relay("report", "a.relay").out
    assert "100.0" in relay("report", "a.relay", "--regrade", "math").out


def test_a_judge_s_model_may_be_named_beside_it(relay: Relay, folder: Path) -> None:
    relay("run", "s.yaml", "-o", "a.relay")
    model = "models.j={engine: scripted, thinking: false, says: WRONG}"
    said = relay("report", "a.relay", "--regrade", "{judge: j}", "--set", model)
    assert said.code == 0
    assert verdicts(folder / "a.relay") == {"math": 4, "judge j": 4}
    other = model.replace("WRONG", "CORRECT")
    relay("run", "s.yaml", "-o", "b.relay")
    with closing(sqlite3.connect(folder / "a.relay")) as db, db:
        db.execute("DELETE FROM verdict WHERE rollout = 0 AND verifier = (SELECT id FROM name WHERE text = 'judge j')")
    said = relay("report", "a.relay")
    assert "1 answers have no verdict by judge j yet" in said.out
    said = relay("report", "a.relay", "--regrade", "{judge: j}", "--set", other)
    assert said.code == 2
    assert "is not the one the run began with" in said.err


def judge(name: str, says: str) -> list[str]:
    return ["--set", f"models.{name}={{engine: scripted, thinking: false, says: {says}}}"]


def test_what_was_a_part_of_the_run_s_rule_becomes_a_score(relay: Relay, folder: Path) -> None:
    rule = ["--set", "verify={first: math, then: {judge: j}}", *judge("j", "WRONG")]
    assert relay("run", "s.yaml", "-o", "a.relay", *rule).code == 0
    traces = rows(folder / "a.relay", *TRACES, "verdict")
    said = relay("report", "a.relay", "--regrade", "math")
    assert said.code == 0
    assert "nothing is missing" in said.err
    assert "and once more by math. " in said.out
    lines = [json.loads(line) for line in relay("report", "a.relay", "--json").out.splitlines()]
    assert [line["verifier"] for line in lines] == ["math, then judge j when wrong", "math"]
    assert rows(folder / "a.relay", *TRACES, "verdict") == traces


def test_a_rule_asks_for_no_verdict_that_is_there(relay: Relay, folder: Path) -> None:
    """Asked again, a judge might say something else: then the verdicts of both would not be kept."""
    relay("run", "s.yaml", "-o", "a.relay", "--set", "verify={judge: j}", *judge("j", "CORRECT"))
    with closing(sqlite3.connect(folder / "a.relay")) as db, db:
        db.execute("UPDATE verdict SET ms = 7777")
    before = rows(folder / "a.relay", *TRACES, "verdict", "judgement")
    rule = "{first: {judge: j}, then: {judge: k, when: correct}}"
    assert relay("report", "a.relay", "--regrade", rule, *judge("k", "WRONG")).code == 0
    after = rows(folder / "a.relay", *TRACES, "verdict", "judgement")
    assert set(before["verdict"]) < set(after["verdict"])
    assert set(before["judgement"]) < set(after["judgement"])
    assert verdicts(folder / "a.relay") == {"judge j": 4, "judge k": 4, "judge j, then judge k when correct": 4}


def test_mistakes_are_told_all_at_once_and_nothing_is_touched(relay: Relay, folder: Path) -> None:
    relay("run", "s.yaml", "-o", "a.relay")
    before = (folder / "a.relay").read_bytes()
    for args, words in (
        (("a.relay", "--regrade", "maths"), ["--regrade: verify: there is no verifier 'maths' (did you mean 'math'?)"]),
        (("a.relay", "--regrade", "none"), ["--regrade: 'none' grades nothing (name a verifier)"]),
        (("a.relay", "--regrade", "{judge: q}"), ["--regrade: verify.judge: there is no model 'q' (known: a)"]),
        (("a.relay", "--regrade", "{text: exact"), ["--regrade"]),
        (
            ("a.relay", "--regrade", "{first: {judge: a}, then: {judge: a, when: correct}}"),
            ["--regrade: verify.then: is the same judge once more (take another model, or another prompt)"],
        ),
        (
            ("a.relay", "--regrade", "{judge: a, prompt: '{answer} {referense} {x}'}"),
            ["verify.prompt: the prompt asks for {referense}, which is nothing (did you mean {reference}?)"],
        ),
        (("a.relay", "no.relay", "--regrade", "{number: near, tolerance: -1}"), ["number", "tolerance", "no such run"]),
        (("a.relay", "--regrade", "math", "--set", "seed=2"), ["--set seed: only models can be set here"]),
        (("a.relay", "--set", "models.j=1"), ["--regrade"]),
    ):
        said = relay("report", *args)
        assert said.code == 2, args
        assert "Traceback" not in said.err
        for word in words:
            assert word in said.err, (args, said.err)
    assert (folder / "a.relay").read_bytes() == before


def test_a_run_that_is_going_on_or_was_broken_off_is_refused_in_words(relay: Relay, folder: Path) -> None:
    slow = ["--set", "models.a.seconds=30"]
    process = subprocess.Popen([PROGRAM, "run", "s.yaml", "-o", "a.relay", *slow], stderr=subprocess.PIPE)
    try:
        for _ in range(600):
            time.sleep(0.1)
            if (folder / "a.relay").exists() and "walking" in relay("report", "a.relay").out:
                break
        said = relay("report", "a.relay", "--regrade", "text")
        assert said.code == 2
        assert "the run is still going on" in said.err
    finally:
        process.kill()
        process.communicate()
    said = relay("report", "a.relay", "--regrade", "text")
    assert said.code == 2
    assert "`relay run --resume a.relay` does what is missing" in said.err


def test_a_file_of_the_first_schema_is_read_and_graded(relay: Relay, folder: Path) -> None:
    relay("run", "s.yaml", "-o", "a.relay")
    with closing(sqlite3.connect(folder / "a.relay")) as db:
        db.executescript("DROP TABLE judgement; DELETE FROM meta WHERE key = 'verifiers'; PRAGMA user_version = 1;")
    assert "100.0" in relay("report", "a.relay").out
    assert relay("show", "a.relay", "0").code == 0
    assert relay("report", "a.relay", "--regrade", "text").code == 0
    assert verdicts(folder / "a.relay") == {"math": 4, "text exact": 4}
    assert [json.loads(x)["verifier"] for x in relay("report", "a.relay", "--json").out.splitlines()] == [
        "math", "text exact",
    ]  # fmt: skip
    assert JUDGEMENT.startswith("CREATE TABLE judgement")
    with closing(sqlite3.connect(folder / "a.relay")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (5,)
        assert db.execute("SELECT count(*) FROM judgement").fetchone() == (0,)


KILLED = """
import sys, time
from relay.verifiers import text
grade = text.TextVerifier.grade
async def slowly(self, question):
    import asyncio
    await asyncio.sleep(0.05)
    return await grade(self, question)
text.TextVerifier.grade = slowly
import relay.regrade
relay.regrade.AT_ONCE = 2
from relay.cli import main
main(sys.argv[1:])
"""


def test_killed_at_any_moment_it_goes_on_where_it_was(relay: Relay, folder: Path) -> None:
    relay("run", "s.yaml", "-o", "a.relay", "--set", "problems.limit=64", "--set", "samples=4")
    before = rows(folder / "a.relay", *TRACES)
    reached = [0]
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, "report", "a.relay", "--regrade", "text"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until = time.monotonic() + 60
        while verdicts(folder / "a.relay").get("text exact", 0) <= reached[-1] and time.monotonic() < until:
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        reached.append(verdicts(folder / "a.relay").get("text exact", 0))
    assert reached == sorted(set(reached)), "each went further than the one before"
    assert reached[-1] < 256
    said = relay("report", "a.relay")
    assert f"{256 - reached[-1]:,} answers have no verdict by text exact yet" in said.out
    assert relay("report", "a.relay", "--regrade", "text").code == 0
    assert verdicts(folder / "a.relay") == {"math": 256, "text exact": 256}
    assert rows(folder / "a.relay", *TRACES) == before
