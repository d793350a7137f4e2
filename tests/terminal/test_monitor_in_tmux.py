"""The monitor in a real terminal: tmux, 80 columns, keys as they are typed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

RELAY = Path(sys.executable).with_name("relay")


class Terminal:
    """A terminal of its own tmux server."""

    def __init__(self, socket: Path, command: str) -> None:
        self._tmux = ["tmux", "-S", str(socket), "-f", "/dev/null"]
        self("new-session", "-d", "-x", "80", "-y", "24", "-s", "watch", command)

    def __call__(self, *words: str) -> str:
        said = subprocess.run([*self._tmux, *words], capture_output=True, text=True, check=False, timeout=30)
        return said.stdout

    def shows(self, words: str) -> None:
        """Wait until these words stand there."""
        end = time.monotonic() + 60
        seen = ""
        while time.monotonic() < end:
            seen = self("capture-pane", "-p", "-t", "watch")
            if words in seen:
                return
            time.sleep(0.1)  # a terminal has no event to wait for
        raise AssertionError(f"{words!r} is not in\n{seen}")

    def hides(self, words: str) -> None:
        """Wait until they are gone: an escape and a key behind it in one breath are another key."""
        end = time.monotonic() + 60
        while words in self("capture-pane", "-p", "-t", "watch"):
            assert time.monotonic() < end
            time.sleep(0.1)

    def types(self, *keys: str) -> None:
        self("send-keys", "-t", "watch", *keys)


@pytest.fixture
def typed(tmp_path: Path) -> Iterator[Callable[[str], Terminal]]:
    """Terminals in which a command was typed."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not here")
    made: list[Terminal] = []

    def start(command: str) -> Terminal:
        made.append(Terminal(tmp_path / "socket", f"{command}; echo left with $?; cat"))
        return made[-1]

    yield start
    for terminal in made:
        terminal("kill-server")


Typed = Callable[[str], Terminal]
SLOW = """\
relay: 1
models: {a: {engine: scripted, seconds: 0.4, says: "Well.</think>The answer is {answer}."}}
problems: {from: sums, limit: 40}
graph: {start: think, answer: think, nodes: {think: {write: a}}, edges: {think: end}}
"""


def test_a_run_is_watched_a_thought_opened_and_left_with_the_terminal_as_it_was(helped: Path, typed: Typed) -> None:
    terminal = typed(f"{RELAY} watch {helped}")
    terminal.shows("48/48 rollouts")
    terminal.shows("✗ (none)")
    terminal.types("/")
    terminal.shows("words that must all hold")
    terminal.types("-l", "#2")
    terminal.types("Enter")
    terminal.shows("filter: #2")
    terminal.types("Enter")
    terminal.shows("世界 is a wide word")
    terminal.types("x")
    terminal.shows("␛[31mI guess<U+202E>")
    terminal.types("?")
    terminal.shows("The run")
    terminal.types("Escape")
    terminal.hides("The run")
    terminal.types("q")
    terminal.shows("filter: #2")
    terminal.types("q")
    terminal.shows("left with 0")


def test_a_run_is_watched_from_its_beginning_and_goes_on_when_the_monitor_is_left(tmp_path: Path, typed: Typed) -> None:
    (tmp_path / "s.yaml").write_text(SLOW)
    terminal = typed(f"cd {tmp_path} && {RELAY} run s.yaml --watch --in-flight 1 -o s.relay")
    terminal.shows("▶ running")
    terminal.shows("✓")
    terminal.types("q")
    terminal.shows("walking")
    terminal.shows("run file: s.relay")
    terminal.shows("left with 0")


def test_a_run_that_is_done_stays_in_the_monitor_until_it_is_left(tmp_path: Path, typed: Typed) -> None:
    (tmp_path / "s.yaml").write_text(SLOW.replace("0.4", "0"))
    terminal = typed(f"cd {tmp_path} && {RELAY} run s.yaml --watch -o s.relay")
    terminal.shows("■ done")
    terminal.shows("40/40")
    terminal.types("q")
    terminal.shows("run file: s.relay")
    terminal.shows("left with 0")


def test_a_killed_monitor_does_its_run_no_harm(tmp_path: Path, typed: Typed) -> None:
    (tmp_path / "s.yaml").write_text(SLOW)
    terminal = typed(f"cd {tmp_path} && {RELAY} run s.yaml --watch --in-flight 1 -o s.relay")
    terminal.shows("✓")
    (monitor,) = (
        int(found.parent.name)
        for found in Path("/proc").glob("[0-9]*/cmdline")
        if b"\0watch\0s.relay\0" in found.read_bytes() and (found.parent / "cwd").resolve() == tmp_path
    )
    os.kill(monitor, signal.SIGKILL)
    terminal.shows("run file: s.relay")
    terminal.shows("left with 0")
    assert sorted(p.name for p in tmp_path.glob("s.relay*")) == ["s.relay"]


def test_the_program_needs_a_terminal_and_says_so(helped: Path) -> None:
    said = subprocess.run([str(RELAY), "watch", str(helped)], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (2, "")
    assert "needs a terminal" in said.stderr
    assert os.path.exists(helped)
