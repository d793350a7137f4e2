"""What a user sees who mistypes a command: one line that says what was meant, or where to look."""

import pytest

from tests.cli.conftest import ALL, CANNED, Relay, Said

COMMANDS = {
    "rnu s.yaml": "relay: no command 'rnu' (did you mean 'run'?)",
    "frobnicate": "relay: no command 'frobnicate' (`relay --help` says what there is)",
    "--frobnicate": "relay: no option --frobnicate (`relay --help` says what there is)",
    "run --frobnicate": "relay run: no option --frobnicate (did you mean --price?)",
    "run s.yaml --resum x": "relay run: no option --resum (did you mean --assume, --preset, --resume?)",
    "run": "relay run: takes a scenario, or --resume RUN (one of the two)",
    "run s.yaml t.yaml": "relay run: too much: t.yaml (`relay run --help` says what there is)",
    "run s.yaml -o": "relay run: -o needs a value (`relay run --help` says what there is)",
    "run s.yaml --json=yes": "relay run: --json takes no value (`relay run --help` says what there is)",
    "run s.yaml --in-flight 0": "relay run: --in-flight should be at least 1 (`relay run --help` says what there is)",
    "run s.yaml --in-flight 1000000": (
        "relay run: --in-flight should be at most 100000 (`relay run --help` says what there is)"
    ),
    "run s.yaml --in-flight many": (
        "relay run: --in-flight should be a whole number (`relay run --help` says what there is)"
    ),
    "check": "relay check: takes a scenario, or --schema (one of the two)",
    "check s.yaml --schema": "relay check: takes a scenario, or --schema (one of the two)",
    "graph": "relay graph: SCENARIO is missing (`relay graph --help` says what there is)",
    "graph s.yaml --format svg": (
        "relay graph: --format should be one of 'text', 'mermaid', not 'svg' (`relay graph --help` says what there is)"
    ),
    "show": "relay show: RUN is missing (`relay show --help` says what there is)",
    "show x one": "relay show: ROLLOUT should be a whole number (`relay show --help` says what there is)",
    "show x -1": "relay show: no option -1 (`relay show --help` says what there is)",
    "show x --limit 0": "relay show: --limit should be at least 1 (`relay show --help` says what there is)",
    "watch x 0 --speed -1": "relay watch: --speed should be at least 0.01 (`relay watch --help` says what there is)",
    "watch x 0 --speed fast": "relay watch: --speed should be a number (`relay watch --help` says what there is)",
    "report": "relay report: RUN is missing (`relay report --help` says what there is)",
    "export x": "relay export: --out or -o is missing (`relay export --help` says what there is)",
    "export x -o y.jsonl --rows pens": (
        "relay export: --rows should be one of 'rollouts', 'hops', 'inspect', 'verifiers', not 'pens' "
        "(`relay export --help` says what there is)"
    ),
    "scenarios sol": "there is no scenario 'sol' (did you mean 'solo'?)",
    "scenarios xyz": f"there is no scenario 'xyz' (there are {CANNED}, paper, perturb-r, strict)",
    "problems sum": "there is no problem set 'sum' (did you mean 'sums'?)",
    "problems sums --limit 0": (
        "relay problems: --limit should be at least 1 (`relay problems --help` says what there is)"
    ),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_mistyped_command_is_one_line(command: str, relay: Relay) -> None:
    assert relay(*command.split()) == Said(2, "", f"{COMMANDS[command]}\n")


def test_a_line_is_a_line_whatever_was_typed(relay: Relay) -> None:
    assert relay("run", "a\nb\x1b[2J.yaml").err == (
        f"there is no scenario file 'a\\nb\\x1b[2J.yaml' (canned ones: {ALL})\n"
    )
    assert relay("show", "a\nb\x1b[2J\u202e.relay").err == (
        "a␊b␛[2J<U+202E>.relay: no such run file (`ls *.relay runs` shows what is there)\n"
    )


def test_as_a_program_too_a_mistake_is_a_line_and_code_two(program: Relay) -> None:
    assert program("rnu") == Said(2, "", "relay: no command 'rnu' (did you mean 'run'?)\n")
    assert program("run", "nope") == Said(
        2,
        "",
        f"there is no scenario file 'nope' (canned ones: {ALL})\n",
    )
