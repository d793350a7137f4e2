"""relay train zoo: told how far it is, stopped and gone on with, refused in words."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.cli.conftest import Relay

PROGRAM = [sys.executable, "-c", "from relay.cli import main; main()", "train", "zoo"]


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*PROGRAM, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def until(process: subprocess.Popen[str], least: int) -> int:
    """Read what it says until it has done so many steps, then stop it as a scheduler does."""
    assert process.stdout is not None
    for line in process.stdout:
        said = json.loads(line)
        if said["event"] == "progress" and said["done"] >= least:
            process.send_signal(signal.SIGTERM)
            return int(said["done"])
    raise AssertionError(process.communicate()[1])


def test_stopped_it_says_how_to_go_on_and_goes_on_from_there(folder: Path) -> None:
    words = ["--model", "relay/tiny-calc", "--seed", "5", "--folder", "mine", "--json"]
    process = start(folder, *words)
    done = until(process, 2)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.startswith("interrupted behind step ")
    assert err.endswith("; the same command goes on from there\n")
    assert int(err.split()[3].rstrip(";").replace(",", "")) >= done
    assert list((folder / "mine").iterdir()) == []
    process = start(folder, *words)
    assert until(process, 1) > done
    process.communicate(timeout=60)


def test_what_cannot_be_trained_is_told(relay: Relay, folder: Path) -> None:
    (folder / "full").mkdir()
    (folder / "full" / "notes.txt").write_text("mine")
    cases = {
        "--model tny": "--model: there is no recipe 'tny' (did you mean 'tiny'?)",
        "--model tiny --folder full": "--folder: there is something at full already (name another, or remove it)",
        "--model tiny --folder full/notes.txt": "--folder: there is something at full/notes.txt already (name another, "
        "or remove it)",
        "--model tiny --seed -1": "relay train: --seed should be at least 0 (`relay train --help` says what there is)",
    }
    for words, line in cases.items():
        said = relay("train", "zoo", *words.split())
        assert (said.code, said.out) == (2, "")
        assert said.err.splitlines() == [line]
    assert (folder / "full" / "notes.txt").read_text() == "mine"
