"""Words that others wrote, models first, reach the terminal as signs, and never as what they would do to it."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Relay

HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202egnp.\u200b\u2066[/bold][link=x]y[/link]:smile:\r"  # fmt: skip
SCENARIO = {
    "relay": 1,
    "title": f"T{HOSTILE}\nsecond line",
    "models": {
        "a": {"engine": "scripted", "says": [f"I say {HOSTILE} and.\n\n{HOSTILE}</think>It is {{answer}}{HOSTILE}."]}
    },
    "problems": "p.jsonl",
    "graph": {
        "start": "put",
        "answer": "a",
        "nodes": {
            "put": {"insert": {"text": f"Steer {HOSTILE}. "}},
            "a": {"write": "a", "until": ["answered", {"text": HOSTILE}]},
        },
        "edges": {"put": "a", "a": [{"when": {"contains": HOSTILE}, "to": "end"}, "end"]},
    },
    "sweep": {"over": {"x": [f"cell{HOSTILE}"]}, "also": [{"without": "put"}]},
}
ROWS = [{"id": f"id{HOSTILE}{n}", "question": f"Q {HOSTILE}", "answer": f"{n}{HOSTILE}"} for n in range(2)]


@pytest.fixture
def hostile(folder: Path) -> Path:
    tree = json.loads(json.dumps(SCENARIO))
    tree["graph"]["nodes"]["put"]["stitch"] = "{x}"
    (folder / "s.yaml").write_text(json.dumps(tree))
    (folder / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return folder


def tame(text: str) -> None:
    """Nothing but what can be printed, and ends of lines."""
    odd = {c for c in text if not c.isprintable() and c != "\n"}
    assert not odd, f"{odd} in {text!r}"


COMMANDS = [
    "check s.yaml",
    "check s.yaml --json",
    "check s.yaml --expand",
    "check s.yaml --expand --json",
    "graph s.yaml",
    "graph s.yaml --format mermaid",
    "show x.relay",
    "show x.relay --json",
    "show x.relay 0",
    "show x.relay 3",
    "show x.relay 0 --json",
    "report x.relay",
    "report x.relay --json",
    "run --resume x.relay",
    "run s.yaml -o y.relay --json",
    "export x.relay -o y.jsonl",
    "export x.relay -o y.jsonl --rows hops",
]


def test_no_command_lets_them_through(relay: Relay, hostile: Path) -> None:
    said = relay("run", "s.yaml", "-o", "x.relay")
    assert said.code == 0, said.err
    tame(said.out + said.err)
    assert "␛[2J␛]0;owned␇<U+009B>31m<U+202E>gnp.<U+200B><U+2066>[/bold][link=x]y[/link]:smile:" in said.out
    for command in COMMANDS:
        said = relay(*command.split())
        assert said.code == 0, (command, said.err)
        tame(said.out + said.err)
        if "export" in command:
            tame((hostile / "y.jsonl").read_text())
            (hostile / "y.jsonl").unlink()


def test_expanded_they_still_mean_the_same(relay: Relay, hostile: Path) -> None:
    (hostile / "again.yaml").write_text(relay("check", "s.yaml", "--expand").out)
    assert json.loads(relay("check", "again.yaml", "--expand", "--json").out)["title"] == SCENARIO["title"]


def test_nor_does_a_mistake(relay: Relay, hostile: Path) -> None:
    tree = json.loads((hostile / "s.yaml").read_text())
    tree["graph"]["nodes"]["a"]["write"] = HOSTILE
    tree["problems"] = f"{HOSTILE}.jsonl"
    (hostile / "s.yaml").write_text(json.dumps(tree))
    for command in (
        ["run", "s.yaml"], ["check", "s.yaml"], ["run", HOSTILE], ["show", HOSTILE],
        ["export", HOSTILE, "-o", "y.jsonl"],
        ["scenarios", HOSTILE], ["problems", HOSTILE], [HOSTILE], ["run", f"--{HOSTILE}"], ["show", "x", HOSTILE],
        ["run", "s.yaml", "--set", HOSTILE], ["run", "s.yaml", "--set", f"{HOSTILE}=1"],
    ):  # fmt: skip
        said = relay(*command)
        assert said.code == 2
        tame(said.out + said.err)
        assert said.err.count("\n") <= 2


def test_nor_a_problem_file_s_faults(relay: Relay, hostile: Path) -> None:
    (hostile / "p.jsonl").write_text(
        json.dumps({f"q{HOSTILE}": 1}) + "\n" + json.dumps(ROWS[0]) + "\n" + json.dumps(ROWS[0])
    )
    tame(relay("run", "s.yaml").err)
    (hostile / "p.jsonl").write_text(json.dumps(ROWS[0]) + "\n" + json.dumps(ROWS[0]))
    tame(relay("run", "s.yaml").err)
