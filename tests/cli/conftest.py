"""Running the command line in a test: in this process where many cases share a call, as a program where it matters."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from relay.cli import main

PROGRAM = str(Path(sys.executable).with_name("relay"))

PRESETS = ("paper", "perturb-r", "strict")
SHIPPED = sorted(path.stem for path in (Path(__file__).parents[2] / "scenarios").glob("*.yaml"))
ALL = ", ".join(SHIPPED)  # as the command line lists them
CANNED = ", ".join(name for name in SHIPPED if name not in PRESETS)

SCENARIO = """\
relay: 1
models:
  a: {engine: scripted, says: "Well, let me see.</think>The answer is {answer}."}
problems: {from: sums, limit: 4}
graph:
  start: think
  answer: think
  nodes: {think: {write: a}}
  edges: {think: end}
"""


class Said(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


Relay = Callable[..., Said]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that commands run in, with a scenario `s.yaml`; the pool lies beside it."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "s.yaml").write_text(SCENARIO)
    monkeypatch.chdir(work)
    monkeypatch.setenv("RELAY_POOL", str(tmp_path / "pool.sqlite"))
    monkeypatch.delenv("COLUMNS", raising=False)
    return work


@pytest.fixture
def relay(folder: Path, capsys: pytest.CaptureFixture[str]) -> Relay:
    """The command line, called in this process."""

    def call(*args: str) -> Said:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main(args)
        said = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Said(end.value.code, said.out, said.err)

    return call


@pytest.fixture
def program(folder: Path) -> Relay:
    """The command line as a program of its own."""

    def call(*args: str, env: dict[str, str] | None = None) -> Said:
        ended = subprocess.run(
            [PROGRAM, *args], cwd=folder, env=os.environ | (env or {}), capture_output=True, text=True, check=False
        )
        return Said(ended.returncode, ended.stdout, ended.stderr)

    return call


def tree(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder below this one, with what the files hold."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))}
