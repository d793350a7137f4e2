"""Recorded trajectories put into the pool: all mistakes at once, nothing half-written, none of them twice."""

import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from relay.engine.scripted import SHIPPED
from tests.cli.conftest import Relay

LINE: dict[str, Any] = {
    "problem_id": "p1", "question": "1 + 1?", "answer": "2", "level": 3, "model": "R", "prompt": "<user>1 + 1?",
    "reasoning": "One and one.", "response": "It is \\boxed{2}.", "finished_thinking": True, "labelled_correct": False,
}  # fmt: skip
UNFINISHED = {"reasoning": None, "response": "One and one is 2 or", "finished_thinking": False}
MEND = "(mend the line, or leave it out)"


def line(**changes: Any) -> str:
    return json.dumps({k: v for k, v in {**LINE, **changes}.items() if v is not ...}) + "\n"


def pool(relay: Relay) -> list[dict[str, Any]]:
    return [json.loads(row) for row in relay("pool", "list", "--json").out.splitlines()]


def test_lines_are_counted_graded_and_never_taken_twice(relay: Relay, folder: Path) -> None:
    lines = line() + line(model="S", response="It is 3.") + line(**UNFINISHED, problem_id="p2", question="2 + 0?")
    (folder / "t.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    said = relay("pool", "import", "t.jsonl.gz")
    assert said.code == 0
    assert said.out.splitlines()[0] == "3 trajectories of 2 problems by 2 models (R, S): 2 finished, 1 not"
    assert said.out.splitlines()[1].startswith("3 are new (1 correct, 2 wrong); the pool: ")
    held = pool(relay)
    assert relay("pool", "import", "t.jsonl.gz").out.splitlines()[1].startswith("none is new; ")
    assert pool(relay) == held
    assert [(h["facts"]["model"], h["problems"], h["samples"], h["correct"], h["unfinished"]) for h in held] == [
        ("R", 2, 2, 1, 1),
        ("S", 1, 1, 0, 0),
    ]


def test_other_trajectories_on_the_same_problem_are_further_samples(relay: Relay, folder: Path) -> None:
    (folder / "a.jsonl").write_text(line() + line())
    (folder / "b.jsonl").write_text(line(reasoning="Another way.") + line())
    said = json.loads(relay("pool", "import", "a.jsonl", "b.jsonl", "--json").out)
    assert (said["trajectories"], said["added"]) == (4, 2)
    assert [h["samples"] for h in pool(relay)] == [2]


def test_the_pool_says_what_it_holds(relay: Relay, folder: Path) -> None:
    said = relay("pool")
    assert said.out.startswith("the pool is empty: ")
    assert not Path(said.out.removeprefix("the pool is empty: ").strip()).exists()
    (folder / "t.jsonl").write_text(line())
    relay("pool", "import", "t.jsonl", "--model", "Some Model")
    for words in (("pool",), ("pool", "list")):
        heads, row, _ = relay(*words).out.splitlines()
        assert heads.split() == ["model", "engine", "problems", "samples", "right", "unfinished", "address"]
        assert row.split()[:6] == ["Some", "Model", "recorded", "1", "1", "1"]


def test_columns_may_bear_other_names(relay: Relay, folder: Path) -> None:
    row = {"q": "1 + 1?", "gold": 2, "all": "One and one.</think>2", "by": "R"}
    (folder / "t.jsonl").write_text(json.dumps(row) + "\n")
    said = relay("pool", "import", "t.jsonl", "--fields", "question=q,answer=gold", "--fields", "response=all,model=by")
    assert (said.code, said.out.splitlines()[0]) == (0, "1 trajectory of 1 problem by 1 model (R): 1 finished, 0 not")
    assert pool(relay)[0]["correct"] == 1


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"reasoning": "<think>\nOne and one."}, "One and one.</think>It is \\boxed{2}."),
        ({"reasoning": None, "response": "\n<think>\nOne.</think>2"}, "One.</think>2"),
        ({**UNFINISHED, "response": "<think>One and"}, "One and"),
        (
            {"reasoning": "a\u2028b\x85c\x00d e\u0301👩‍👩‍👧"},
            "a\u2028b\x85c\x00d e\u0301👩‍👩‍👧</think>It is \\boxed{2}.",
        ),
    ],
)
def test_a_thought_is_taken_word_for_word_from_behind_the_tag_that_opens_it(
    relay: Relay, folder: Path, changes: dict[str, Any], text: str
) -> None:
    (folder / "t.jsonl").write_text(line(**changes), encoding="utf-8")
    assert relay("pool", "import", "t.jsonl", "--pool", "p.sqlite").code == 0
    with closing(sqlite3.connect(folder / "p.sqlite")) as db:
        assert db.execute("SELECT text FROM solo").fetchall() == [(text,)]


def test_where_none_finished_it_is_said_what_would_say_so(relay: Relay, folder: Path) -> None:
    (folder / "t.csv").write_text(f"question,answer,model,response\n1 + 1?,2,R,{'very ' * 40_000}long: 2\n")
    said = relay("pool", "import", "t.csv")
    assert said.code == 0
    assert said.out.splitlines()[-1] == (
        "none finished: where no </think> closes the thinking, a column 'finished_thinking' says whether one did"
    )


WRONG = {
    line(question=None): f"'question' is empty {MEND}",
    line(model="  "): "does not say which model wrote: no 'model' (name it with --model)",
    line(reasoning=..., response=...): "has no text: no column 'reasoning' or 'response'; it has 'problem_id', "
    "'question', 'answer', 'level', 'model', 'prompt', 'finished_thinking', 'labelled_correct' "
    "(name it: --fields response=COLUMN)",
    line(question=...).replace("prompt", "text"): "has no question: no column 'question' or 'problem' or 'prompt'; it "
    "has 'problem_id', 'answer', 'level', 'model', 'text', 'reasoning', 'response', 'finished_thinking', "
    "'labelled_correct' (say which it is: --fields 'question=COLUMN')",
    line(answer=""): f"'answer' is empty {MEND}",
    line(model=None): "does not say which model wrote: no 'model' (name it with --model)",
    line(response=[1]): f"'response' should be text or null {MEND}",
    line(reasoning="\ud800"): f"its reasoning holds half a character, a lone surrogate {MEND}",
    line(reasoning=None, response=None): f"has no text: neither 'reasoning' nor 'response' holds any {MEND}",
    line(finished_thinking=False): f"'finished_thinking' is false, but 'reasoning' and 'response' stand apart {MEND}",
    line(finished_thinking="perhaps"): f"'finished_thinking' should be true or false {MEND}",
    line(reasoning="a</think>b"): f"'reasoning' holds </think>, which ends it {MEND}",
    line(**{**UNFINISHED, "response": "a</think>b"}): f"'finished_thinking' is false, but the text closes its thinking "
    f"{MEND}",
    "[1]\n": 'is JSON, but not an object (write {"question": ..., ...})',
}


def test_every_wrong_line_is_told_at_once_and_nothing_is_taken(relay: Relay, folder: Path) -> None:
    lines, told = list(WRONG), list(WRONG.values())
    (folder / "t.jsonl").write_text(line() + "".join(lines[:10]))
    (folder / "u.jsonl").write_text("".join(lines[10:]))
    said = relay("pool", "import", "t.jsonl", "u.jsonl")
    first = [f"t.jsonl:{n}: {what}" for n, what in enumerate(told[:10], 2)]
    assert said.err.splitlines() == [*first, *(f"u.jsonl:{n}: {what}" for n, what in enumerate(told[10:], 1))]
    assert (said.code, said.out) == (2, "")
    assert pool(relay) == []


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["none.jsonl"], "none.jsonl: cannot be read: No such file or directory (mend it, or take another)"),
        (["empty.jsonl"], "empty.jsonl: holds no trajectory (take another file)"),
        (["t.jsonl", "--fields", "qestion=q"], "--fields: there is no part 'qestion' (did you mean 'question'?)"),
        (
            ["t.jsonl", "--fields", "answer = a, answer=b"],
            "--fields: 'answer' is both 'a' and 'b' (name one column for it)",
        ),
        (["t.jsonl", "--model", " "], "t.jsonl:1: does not say which model wrote: no 'model' (name it with --model)"),
        (["t.jsonl", "--fields", "question"], "--fields: 'question' does not name a column (write PART=COLUMN)"),
        (["t.jsonl", "--fields", "response=no"], "t.jsonl:1: has no column 'no' (name another with --fields)"),
        (["t.jsonl", "--tokenizer", "t.jsonl"], "t.jsonl: no tokenizer.json that can be read"),
        (["t.jsonl", "--tokenizer", "no.json"], "no.json: no tokenizer.json that can be read"),
        ([], "relay pool: FILE is missing (`relay pool --help` says what there is)"),
    ],
)
def test_a_wrong_command_is_one_line(relay: Relay, folder: Path, args: list[str], told: str) -> None:
    (folder / "t.jsonl").write_text(line())
    (folder / "empty.jsonl").write_text("\n")
    said = relay("pool", "import", *args)
    assert said.code == 2
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith(told), said.err
    assert pool(relay) == []


def test_a_tokenizer_goes_in_with_them(relay: Relay, folder: Path) -> None:
    (folder / "t.jsonl").write_text(line())
    (folder / "tok").mkdir()
    (folder / "tok" / "tokenizer.json").write_bytes(SHIPPED.read_bytes())
    assert relay("pool", "import", "t.jsonl", "--tokenizer", "tok").code == 0
