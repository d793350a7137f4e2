"""relay run --record and relay replay: what they say, and how they exit."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from relay.store.reader import Run
from tests.cli.conftest import SCENARIO, Relay


@pytest.fixture
def recorded(relay: Relay, folder: Path) -> Path:
    assert relay("run", "s.yaml", "--record", "-o", "run.relay").code == 0
    return folder / "run.relay"


def test_a_replay_says_that_every_hop_is_equal(relay: Relay, recorded: Path) -> None:
    said = relay("replay", "run.relay", "-o", "again.relay")
    with Run(recorded) as run:
        tokens = run.query("SELECT sum(decoded) FROM step")[0][0]
    assert said.code == 0
    assert said.out == f"every hop is equal: 4 hops of 4 rollouts, {tokens} tokens\nrun file: again.relay\n"
    report = relay("report", "again.relay")
    assert "a = scripted (replayed)" in report.out


def test_a_replay_goes_into_runs_under_a_name_of_its_own(relay: Relay, recorded: Path) -> None:
    said = relay("replay", "run.relay", "--json")
    last = json.loads(said.out.splitlines()[-1])
    assert {**last, "run": ""} == {"event": "compared", "run": "", "hops": 4, "differences": 0, "first": ""}
    assert Path(last["run"]).parent == Path("runs")
    assert Path(last["run"]).name.startswith("run-replay-")


def test_the_first_difference_is_told_and_the_exit_code_is_1(relay: Relay, recorded: Path) -> None:
    with closing(sqlite3.connect(recorded)) as db, db:  # as if it had said something else
        db.execute("UPDATE step SET text = 'Oh.' || text WHERE id = 2")
    said = relay("replay", "run.relay", "-o", "again.relay")
    assert said.code == 1
    first, counted, _ = said.out.splitlines()
    assert first == (
        "not as in run.relay: rollout 1, hop 0 of pen 0 (think, visit 1), text: "
        '"Well, let me see.</think>The answer is 14." here, "Oh.Well, let me see.</think>The answer is 14." there'
    )
    assert counted == "differences: 1 in 4 hops of 4 rollouts"
    said = relay("replay", "--resume", "again.relay", "--json")
    assert (said.code, json.loads(said.out.splitlines()[-1])["differences"]) == (1, 1)


def test_a_replay_needs_neither_the_problems_nor_the_pool(relay: Relay, folder: Path) -> None:
    (folder / "p.jsonl").write_text('{"question": "1+1", "answer": "2"}\n{"question": "1+2", "answer": "3"}\n')
    (folder / "s.yaml").write_text(SCENARIO.replace("{from: sums, limit: 4}", "./p.jsonl"))
    assert relay("run", "s.yaml", "-o", "run.relay").code == 0
    (folder / "p.jsonl").unlink()
    (folder / "s.yaml").unlink()
    assert relay("replay", "run.relay", "-o", "again.relay").out.startswith("every hop is equal: 2 hops")


MISTAKES = {
    "replay": "relay replay: takes a run, or --resume FILE (one of the two)",
    "replay run.relay --resume x.relay": "relay replay: takes a run, or --resume FILE (one of the two)",
    "replay --resume x.relay -o y": "relay replay --resume: takes no --out or --speed: it goes on as it began",
    "replay --resume run.relay": "run.relay: plays no other run (`relay run --resume` goes on with any run)",
    "replay none.relay": "none.relay: no such run file (`ls *.relay runs` shows what is there)",
    "replay s.yaml": "s.yaml: is not a run file (a run file is what `relay run` writes)",
    "replay run.relay --speed -1": (
        "relay replay: --speed should be at least 0 (`relay replay --help` says what there is)"
    ),
    "replay run.relay -o run.relay": (
        "run.relay: exists already "
        "(choose another name with -o; `relay replay --resume` goes on with a replay that was broken off)"
    ),
    "replay open.relay -o x.relay": (
        "open.relay: was broken off before its end, or still goes on "
        "(`relay run --resume open.relay` does what is missing)"
    ),
    "run --resume run.relay --record": (
        "relay run --resume: takes no --set, --preset, --out or --record: a run goes on as it began"
    ),
}


@pytest.mark.parametrize("command", MISTAKES)
def test_a_mistake_is_one_line_and_leaves_nothing(command: str, relay: Relay, recorded: Path) -> None:
    with closing(sqlite3.connect(recorded)) as db, closing(sqlite3.connect("open.relay")) as other:
        db.backup(other)
        with other:
            other.execute("UPDATE meta SET value = '\"walking\"' WHERE key = 'phase'")
    before = sorted(Path().iterdir())
    said = relay(*command.split())
    assert (said.code, said.out, said.err) == (2, "", f"{MISTAKES[command]}\n")
    assert sorted(Path().iterdir()) == before


def test_a_replayed_model_is_told_as_such_by_check(relay: Relay, recorded: Path, folder: Path) -> None:
    played = SCENARIO.replace(
        '{engine: scripted, says: "Well, let me see.</think>The answer is {answer}."}',
        "{engine: replay, run: run.relay, model: a}",
    )
    (folder / "r.yaml").write_text(played)
    said = relay("check", "r.yaml", "--expand")
    assert said.code == 0
    assert "speed: 0" in said.out
    assert relay("run", "r.yaml", "-o", "r.relay").code == 0
    for key, value in (("thinking", "false"), ("context", "100")):
        (folder / "r.yaml").write_text(played.replace("model: a}", f"model: a, {key}: {value}}}"))
        told = f"models.a.{key}: a replayed model has the {key!r} of its run (leave it out)"
        assert relay("check", "r.yaml").err == f"r.yaml:3:{51 + len(key)}: {told}\n"


def test_hostile_words_of_a_model_do_not_reach_the_terminal(relay: Relay, folder: Path) -> None:
    (folder / "s.yaml").write_text(SCENARIO.replace("Well, let me see.", "\\e[2J\\e]0;x\\a"))
    assert relay("run", "s.yaml", "--record", "-o", "run.relay").code == 0
    with closing(sqlite3.connect("run.relay")) as db, db:
        db.execute("UPDATE step SET text = text || char(27) || '[31m' WHERE id = 1")
    said = relay("replay", "run.relay", "-o", "again.relay")
    assert said.code == 1
    assert "\x1b" not in said.out + said.err
