"""What a user sees whose run file is none, or cannot be used now: a line, exit code 2, and the file as it was."""

import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from relay.store.schema import VERSION
from tests.cli.conftest import PROGRAM, SCENARIO, Relay, Said, tree

NONE = "is not a run file (a run file is what `relay run` writes)"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A finished run of four rollouts."""
    work = tmp_path_factory.mktemp("good")
    (work / "s.yaml").write_text(SCENARIO)
    subprocess.run([PROGRAM, "run", "s.yaml", "-o", "x.relay"], cwd=work, check=True, capture_output=True)
    return (work / "x.relay").read_bytes()


@pytest.fixture
def run_file(folder: Path, good: bytes) -> Path:
    (folder / "x.relay").write_bytes(good)
    return folder / "x.relay"


def altered(*statements: str) -> Callable[[Path], None]:
    def alter(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            for statement in statements:
                db.execute(statement)

    return alter


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def other_database(path: Path) -> None:
    path.unlink()
    altered("CREATE TABLE t (x)")(path)


RUNS: dict[str, tuple[Callable[[Path], object], str]] = {
    "none": (Path.unlink, "no such run file (`ls *.relay runs` shows what is there)"),
    "text": (lambda p: p.write_text("hello\n" * 100), NONE),
    "empty": (lambda p: p.write_bytes(b""), NONE),
    "folder": (folder_instead, "is a folder, not a run file"),
    "another database": (other_database, f"is a database, but not {NONE.removeprefix('is not ')}"),
    "newer": (
        altered(f"PRAGMA user_version = {VERSION + 1}"),
        f"was written by a newer relay (schema {VERSION + 1}, this one reads {VERSION}) (upgrade relay)",
    ),
    "cut short": (
        lambda p: p.write_bytes(p.read_bytes()[:100_000]),
        "is cut short: 100,000 of {whole} bytes are here (copy it again)",
    ),
    "with a hole": (
        lambda p: p.write_bytes(p.read_bytes()[:16_384] + b"\xee" * 60_000 + p.read_bytes()[76_384:]),
        "cannot be read: database disk image is malformed (is it a whole copy?)",
    ),
    "without its meta": (
        altered("DELETE FROM meta"),
        "holds nothing yet: its run was ended as it began (delete it, and run the scenario again)",
    ),
}
COMMANDS = {
    "show": ("show", "x.relay"),
    "show one": ("show", "x.relay", "0", "--json"),
    "report": ("report", "x.relay"),
    "export": ("export", "x.relay", "-o", "new/y.jsonl"),
    "resume": ("run", "--resume", "x.relay"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", RUNS)
def test_what_is_no_run_file_is_said_in_a_line(kind: str, command: str, relay: Relay, run_file: Path) -> None:
    spoil, line = RUNS[kind]
    line = line.replace("{whole}", f"{run_file.stat().st_size:,}")
    spoil(run_file)
    before = tree(run_file.parent)
    assert relay(*COMMANDS[command]) == Said(2, "", f"x.relay: {line}\n")
    assert tree(run_file.parent) == before


SLOW = SCENARIO.replace("scripted,", "scripted, seconds: 60,")


@pytest.fixture
def running(folder: Path) -> subprocess.Popen[str]:
    """A run that has begun and will not end."""
    (folder / "slow.yaml").write_text(SLOW)
    process = subprocess.Popen(
        [PROGRAM, "run", "slow.yaml", "-o", "x.relay"], cwd=folder, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "loading a\n"
    until = time.monotonic() + 20
    while not _begun(folder / "x.relay"):
        assert time.monotonic() < until
        time.sleep(0.02)
    return process


def _begun(path: Path) -> bool:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        try:
            return bool(db.execute("SELECT count(*) FROM rollout").fetchone()[0])
        except sqlite3.OperationalError:
            return False


def test_a_run_in_use_can_be_read_but_not_resumed(relay: Relay, folder: Path, running: subprocess.Popen[str]) -> None:
    """And a copy of it without its -wal is told from a whole one."""
    try:
        line = f"x.relay: the run is in use by process {running.pid} (wait for it, or stop it with Ctrl-C)"
        assert relay("run", "--resume", "x.relay") == Said(2, "", f"{line}\n")
        said = relay("show", "x.relay")
        assert (said.code, said.err) == (0, "")
        assert said.out.count(" open ") == 4
        assert "(walking)" in relay("report", "x.relay").out
        shutil.copy("x.relay", "copy.relay")
        line = "copy.relay: was copied without its -wal file (copy copy.relay-wal beside it too)"
        for command in COMMANDS.values():
            before = tree(folder / "copy.relay")
            assert relay(*(word.replace("x.relay", "copy.relay") for word in command)) == Said(2, "", f"{line}\n")
            assert tree(folder / "copy.relay") == before
    finally:
        running.kill()
        running.communicate()


QUESTIONS = {
    ("show", "x.relay", "4"): "x.relay: no rollout 4 (they go from 0 to 3)",
    ("show", "x.relay", "9" * 30): f"x.relay: no rollout {2**63 - 1} (they go from 0 to 3)",
    ("show", "x.relay", "--cell", "al"): "--cell: there is no cell 'al' (did you mean 'all'?)",
    ("show", "x.relay", "--cell", "zz"): "--cell: there is no cell 'zz' (there are 'all')",
    ("show", "x.relay", "--outcome", "right"): "--outcome: there is no verdict 'right' (correct, wrong or undecided)",
    ("show", "x.relay", "1", "--cell", "all"): "relay show: takes a rollout, or --cell and --outcome (one of the two)",
    ("export", "x.relay", "-o", "new/y.csv"): (
        "new/y.csv: cannot export to a name that ends in '.csv' (it should end in .jsonl or .parquet)"
    ),
    ("export", "x.relay", "-o", "new/y"): (
        "new/y: cannot export to a name without an ending (it should end in .jsonl or .parquet)"
    ),
    ("export", "x.relay", "-o", "old.jsonl"): "old.jsonl: exists already (choose another name)",
    ("export", "x.relay", "-o", "s.yaml/y.jsonl"): (
        "s.yaml/y.jsonl: cannot be written: s.yaml is not a folder (choose another place with -o)"
    ),
    ("export", "x.relay", "-o", f"new/{'y' * 300}.jsonl"): (
        f"new/{'y' * 300}.jsonl: cannot be written: File name too long (choose another place with -o)"
    ),
    ("run", "s.yaml", "-o", "x.relay"): (
        "x.relay: exists already (`relay run --resume x.relay` goes on with it; or choose another name with -o)"
    ),
    ("run", "s.yaml", "-o", "old.jsonl"): "old.jsonl: exists already (choose another name with -o)",
    ("run", "s.yaml", "-o", "."): ".: is a folder (name a file in it with -o)",
    ("run", "s.yaml", "-o", "s.yaml/y.relay"): (
        "s.yaml/y.relay: cannot be written: s.yaml is not a folder (choose another place with -o)"
    ),
    ("run", "s.yaml", "-o", f"new/deep/{'y' * 300}.relay"): (
        f"new/deep/{'y' * 300}.relay: cannot be written: File name too long (choose another place with -o)"
    ),
    ("run", "s.yaml", "-o", "/proc/nowhere/y.relay"): (
        "/proc/nowhere/y.relay: cannot be written: No such file or directory (choose another place with -o)"
    ),
    ("run", "--resume", "x.relay", "--set", "samples=2"): (
        "relay run --resume: takes no --set, --preset, --out or --record: a run goes on as it began"
    ),
    ("run", "--resume", "x.relay", "-o", "y.relay"): (
        "relay run --resume: takes no --set, --preset, --out or --record: a run goes on as it began"
    ),
    ("run", "s.yaml", "--resume", "x.relay"): "relay run: takes a scenario, or --resume RUN (one of the two)",
}


@pytest.mark.parametrize("command", QUESTIONS, ids=lambda words: " ".join(words)[:60])
def test_what_cannot_be_done_with_a_good_run_file_is_a_line(
    command: tuple[str, ...], relay: Relay, run_file: Path
) -> None:
    (run_file.parent / "old.jsonl").write_text("old")
    before = tree(run_file.parent)
    assert relay(*command) == Said(2, "", f"{QUESTIONS[command]}\n")
    assert tree(run_file.parent) == before


def test_resuming_a_finished_run_does_nothing_and_says_so(relay: Relay, run_file: Path) -> None:
    """Not even on a disk that cannot be written."""
    before = tree(run_file.parent)
    run_file.chmod(0o444)
    said = relay("run", "--resume", "x.relay")
    assert (said.code, said.err) == (0, "x.relay: nothing is missing, all 4 rollouts have ended\n")
    assert said.out == relay("report", "x.relay").out + "run file: x.relay\n"
    assert tree(run_file.parent) == before
