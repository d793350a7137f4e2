"""What a run shows while it works and when it is done: a bar, plain lines, or JSON; and how it exits."""

import fcntl
import json
import os
import pty
import re
import resource
import statistics
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from relay.batch import Tally
from relay.tui import progress
from tests.cli.conftest import PROGRAM, SCENARIO, Relay

STATE = re.compile(r"walking: (\d+)/12( · [\d,]+ tok/s · 100 % of (\d+) correct)?")
SLOW = SCENARIO.replace("scripted,", "scripted, seconds: 0.1,").replace("limit: 4", "limit: 12")
HALF = SCENARIO.replace(
    '"Well, let me see.</think>The answer is {answer}."', '{sum-0001: "</think>{answer}", sum-0002: "</think>no"}'
)


def test_without_a_terminal_progress_is_plain_lines(
    relay: Relay, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.2)
    (folder / "s.yaml").write_text(SLOW)
    said = relay("run", "s.yaml", "-o", "x.relay", "--in-flight", "1")
    assert said.code == 0
    loading, *states = said.err.splitlines()
    assert loading == "loading a"
    found = [STATE.fullmatch(line) for line in states]
    assert len(found) >= 3
    assert all(found), said.err
    done = [int(match[1]) for match in found if match]
    assert done == sorted(done)
    assert done[-1] == 12
    assert states[-1].endswith(" · 100 % of 12 correct")
    table, run_file = said.out.splitlines()[:3], said.out.splitlines()[-1]
    assert table[0].strip() == "s.yaml · a = scripted"
    assert table[1].split() == ["cell", "score", "95", "%", "interval", "correct", "graded", "problems", "tokens"]
    assert table[2].split()[:-1] == ["all", "100.0", "75.8", "–", "100.0", "12", "12", "12"]
    assert run_file == "run file: x.relay"


def test_in_a_terminal_a_bar_shows_rollouts_speed_and_score(folder: Path) -> None:
    (folder / "s.yaml").write_text(SLOW)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    env = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")} | {
        "TERM": "xterm-256color"
    }
    command = [PROGRAM, "run", "s.yaml", "-o", "x.relay", "--in-flight", "2"]
    process = subprocess.Popen(command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 1 << 16)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    assert process.wait() == 0
    words = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    assert "Traceback" not in words
    assert re.search(r"loading a ━+", words)
    assert re.search(r"walking +[━╸╺]+ ([2-9]|10)/12 +[\d,]+ tok/s · 100 % of \d+ correct +0:00:0\d", words)
    assert re.search(r"walking +━+ 12/12 +[\d,]+ tok/s · 100 % of 12 correct +0:00:0\d 0:00:00", words)
    assert shown.decode().count("\x1b[?25h") >= 1, "the cursor is there again"
    assert "run file: x.relay" in words


def test_json_is_one_object_a_line(relay: Relay, folder: Path) -> None:
    (folder / "s.yaml").write_text(SLOW)
    said = relay("run", "s.yaml", "-o", "x.relay", "--json")
    assert (said.code, said.err) == (0, "")
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [line["event"] for line in lines if line["event"] != "progress"] == ["phase", "phase", "done"]
    last = [line for line in lines if line["event"] == "progress"][-1]
    assert last.pop("tokens") > 100
    assert last == {"event": "progress", "phase": "walking", "done": 12, "total": 12, "failed": 0, "correct": 12}
    assert lines[-1] == {"event": "done", "run": "x.relay", "total": 12, "failed": 0}
    again = relay("run", "--resume", "x.relay", "--json")
    note = {"event": "note", "text": "x.relay: nothing is missing, all 12 rollouts have ended"}
    assert (again.code, again.err, [json.loads(line) for line in again.out.splitlines()]) == (0, "", [note, lines[-1]])


def test_every_json_is_objects_only(relay: Relay, folder: Path) -> None:
    assert relay("run", "s.yaml", "-o", "x.relay").code == 0
    for command, rows in {
        "show x.relay --json": 4, "show x.relay 0 --json": 1, "report x.relay --json": 1, "check s.yaml --json": 1,
        "check s.yaml --expand --json": 1, "export x.relay -o y.jsonl": 4, "export x.relay -o z.jsonl --rows hops": 4,
    }.items():  # fmt: skip
        said = relay(*command.split())
        assert (said.code, said.err) == (0, "")
        text = Path(command.split()[3]).read_text() if "export" in command else said.out
        objects = [json.loads(line) for line in text.splitlines()]
        assert len(objects) == rows
        assert all(isinstance(o, dict) for o in objects)


def test_rollouts_that_failed_make_exit_code_one(relay: Relay, folder: Path) -> None:
    """Those that are wrong do not. Going on with the run does not mend what failed, and says the same."""
    (folder / "s.yaml").write_text(HALF)
    said = relay("run", "s.yaml", "-o", "x.relay", "--in-flight", "1")
    why = "2 of 4 rollouts failed, the last with: the script has no text for problem 'sum-0003' and none for '*'"
    assert (said.code, said.err.splitlines()[-1]) == (1, why)
    assert said.err.splitlines()[-2].endswith(" · 50 % of 2 correct · 2 failed")
    assert " 2 " in said.out
    again = relay("run", "--resume", "x.relay")
    assert (again.code, again.out) == (1, said.out)
    assert again.err.splitlines() == ["x.relay: nothing is missing, all 4 rollouts have ended", why]
    assert json.loads(relay("run", "--resume", "x.relay", "--json").out.splitlines()[-1])["failed"] == 2


def test_a_run_without_a_name_goes_into_runs(relay: Relay, folder: Path) -> None:
    said = relay("run", "s.yaml")
    assert said.code == 0
    (path,) = (folder / "runs").iterdir()
    assert re.fullmatch(r"s-\d{8}-\d{6}\.relay", path.name)
    assert said.out.splitlines()[-1] == f"run file: runs/{path.name}"


@pytest.mark.parametrize(
    "command", ["show x.relay --limit 1000000", "show x.relay 0", "report x.relay", "run --resume x.relay"]
)
def test_who_reads_may_stop_reading(command: str, relay: Relay, folder: Path) -> None:
    """`relay show RUN | head -1`, and `2>&1 |` too."""
    assert relay("run", "s.yaml", "-o", "x.relay", "--set", "samples=200").code == 0
    line = f"{PROGRAM} {command} 2>&1 1>&3 3>&- | cat; exit ${{PIPESTATUS[0]}}"
    closed = ["bash", "-c", f"exec 3> >(head -c 1 > /dev/null); sleep 0.2; {line}"]
    ended = subprocess.run(closed, cwd=folder, capture_output=True, text=True, check=False)
    assert "Traceback" not in ended.stdout
    assert "BrokenPipe" not in ended.stdout
    assert ended.stdout in ("", "x.relay: nothing is missing, all 800 rollouts have ended\n")
    both = f"set -o pipefail; {PROGRAM} {command} 2>&1 | head -c 1"
    ended = subprocess.run(["bash", "-c", both], cwd=folder, capture_output=True, text=True, check=False)
    assert (len(ended.stdout), ended.stderr) == (1, "")


def test_a_terminal_that_lacks_a_character_gets_its_number(program: Relay, folder: Path) -> None:
    assert program("run", "s.yaml", "-o", "x.relay").code == 0
    said = program("show", "x.relay", "0", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"})
    assert (said.code, said.err) == (0, "")
    assert "\\u2713 " in said.out


COMMANDS = [
    "run", "twin", "serve", "check", "graph", "watch", "show", "report", "compare", "credit", "export", "fork",
    "replay", "scenarios", "problems", "models", "doctor", "pool", "train",
]  # fmt: skip


def test_help_lists_the_commands_that_there_are(program: Relay) -> None:
    said = program("--help")
    assert (said.code, said.err) == (0, "")
    assert re.findall(r"^  (\w+)  ", said.out.partition("Commands:\n")[2], re.MULTILINE) == COMMANDS
    assert program() == said
    assert re.fullmatch(r"relay \d+\.\d+\.\d+\n", program("--version").out)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, relay: Relay) -> None:
    said = relay(command, "--help")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"Usage: relay {command} ")


def test_help_is_quick() -> None:
    """At most twice what Python takes to import typer: CPU seconds, both in turns, medians of five."""
    commands = {"help": [PROGRAM, "--help"], "typer": [sys.executable, "-c", "import typer"]}
    took: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(5):
        for name, command in commands.items():
            began = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            ended = resource.getrusage(resource.RUSAGE_CHILDREN)
            took[name].append(ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime)
    assert statistics.median(took["help"]) <= 2.0 * statistics.median(took["typer"])


def test_a_display_that_comes_late_tells_the_speed_since_it_came(capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally(total=9, done=4, tokens=5_000_000)
    shown = progress.Lines(sys.stderr)
    shown.phase("walking", tally)
    shown.close()
    assert "4/9 · 0 tok/s" in capsys.readouterr().err
