"""The monitor beside a run that goes on in another process: it sees what comes, and stands in nobody's way."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from relay.errors import UserError
from relay.store.following import Following, leave
from relay.tui.monitor import garbage, measuring
from relay.tui.monitor.app import Monitor
from relay.tui.monitor.measuring import apart, here
from relay.tui.monitor.status import Watch
from relay.tui.monitor.trace_screen import TraceScreen
from tests.terminal.test_monitor_keys import Driver, watching

PROGRAM = Path(__file__).with_name("writing.py")


class Writer:
    """The other process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._heard("ready")

    def does(self, *lines: str) -> None:
        """Have it write these."""
        assert self.process.stdin is not None
        for line in lines:
            print(line, file=self.process.stdin, flush=True)
            self._heard("finished" if line == "finish" else "ok")

    def _heard(self, word: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == word


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    made = Writer(tmp_path / "live.relay")
    yield made
    made.process.kill()
    made.process.communicate()


async def until(d: Driver, holds: Callable[[], bool]) -> None:
    for _ in range(400):
        if holds():
            return
        await d.pilot.pause(0.025)
    raise AssertionError(d.lines())


async def test_what_is_written_appears_and_the_end_is_seen(writer: Writer) -> None:
    async with watching(writer.path) as d:
        assert d.shows("▶ running")
        writer.does("begin 0", "live We begin to")
        await until(d, lambda: d.shows("writing"))
        await d.press("enter")
        await until(d, lambda: d.shows("We begin to▁"))
        assert d.shows("● think")
        writer.does("live We begin to add")
        await until(d, lambda: d.shows("We begin to add▁"))
        writer.does("hop We begin to add. It is 2.")
        await until(d, lambda: d.shows("5 of 15"))
        writer.does("end correct")
        await until(d, lambda: d.shows("✓ 2"))
        assert any(re.search(r"→ end +1 ", line) for line in d.lines())
        await d.press("escape")
        writer.does("begin 1", "begin 2", "finish")
        await until(d, lambda: d.shows("■ done"))
        assert d.shows("1/3 rollouts")


async def test_a_killed_run_is_said_to_be_dead(writer: Writer) -> None:
    async with watching(writer.path) as d:
        writer.does("begin 0", "live We begin to")
        await until(d, lambda: d.shows("writing"))
        writer.process.kill()
        writer.process.wait()
        await until(d, lambda: d.shows("✗ dead"))
        await d.press("enter")
        assert d.shows("‖ broken off: the run is dead")
        await d.pilot.press("i")
        assert "the run is dead: relay run --resume goes on with it" in d.toasts()
        await d.press("b")
        assert "relay run --resume goes on" in d.toasts()


def test_intervals_are_the_same_by_another_process_which_ends_when_the_monitor_is_left(
    helped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = threading.Event()
    assert apart(helped, left) == here(helped)
    left.set()
    assert apart(helped, left) is None
    assert apart(helped.with_name("gone.relay"), threading.Event()) is None
    monkeypatch.setattr(measuring, "_HERE", "raise ValueError('a bug')")
    with pytest.raises(UserError, match="could not be worked out: ValueError: a bug"):
        apart(helped, threading.Event())


async def test_a_file_that_is_gone_is_said_and_is_no_end(writer: Writer) -> None:
    writer.does("begin 0", "finish")
    async with watching(writer.path) as d:
        aside = writer.path.rename(writer.path.with_suffix(".aside"))
        await until(d, lambda: d.shows("no such run file"))
        aside.rename(writer.path)
        await until(d, lambda: not d.shows("no such run file"))
        assert isinstance(d.app, Monitor)


def test_a_look_closes_the_file_again(writer: Writer) -> None:
    following = Following(writer.path)
    writer.does("begin 0")
    following.look()
    held = []
    for fd in Path("/proc/self/fd").iterdir():
        try:
            held.append(fd.readlink().name)
        except OSError:
            continue
    assert writer.path.name not in held


def test_looks_between_writes_add_up_to_what_one_look_at_the_end_sees(writer: Writer) -> None:
    following = Following(writer.path)
    for line in ("begin 0", "live a b c", "begin 1", "hop a b c d", "end wrong", "begin 2"):
        writer.does(line)
        following.look()
    by_steps, at_once = following.look(), Following(writer.path).look()
    assert by_steps.ends == at_once.ends
    assert by_steps.work == at_once.work
    assert (by_steps.begun, by_steps.open, by_steps.done) == (at_once.begun, at_once.open, at_once.done) == (3, 2, 1)


def test_a_run_that_ends_between_looks_is_one_plain_file(writer: Writer) -> None:
    following = Following(writer.path)
    writer.does("begin 0")
    following.look()
    writer.does("finish")
    assert following.look().state == "done"
    assert sorted(p.name for p in writer.path.parent.iterdir()) == ["live.relay"]


def test_the_last_reader_makes_it_one_plain_file_where_the_runner_could_not(writer: Writer) -> None:
    from relay.store.reader import Run

    writer.does("begin 0")
    with Run(writer.path) as run:
        run.query("BEGIN")
        run.query("SELECT count(*) FROM rollout")
        writer.does("finish")
        assert not leave(writer.path)
    writer.process.wait()
    assert leave(writer.path)
    assert sorted(p.name for p in writer.path.parent.iterdir()) == ["live.relay"]


def test_leaving_a_run_that_goes_on_touches_nothing(writer: Writer) -> None:
    writer.does("begin 0")
    before = os.stat(writer.path)
    assert not leave(writer.path)
    assert os.stat(writer.path).st_mtime_ns == before.st_mtime_ns
    writer.does("begin 1", "finish")


async def test_garbage_is_looked_for_now_and_then_and_not_right_behind_a_key(
    helped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected: list[None] = []
    monkeypatch.setattr(garbage.gc, "collect", lambda: collected.append(None))
    for name, seconds in {"TICK": 0.05, "AGAIN": 0.0, "QUIET": 0.0}.items():
        monkeypatch.setattr(garbage, name, seconds)
    async with watching(helped) as d:
        await until(d, lambda: len(collected) > 1)
        monkeypatch.setattr(garbage, "QUIET", 30.0)
        await d.pilot.press("j")
        before = len(collected)
        await d.pilot.pause(0.2)
        assert len(collected) == before
        monkeypatch.setattr(garbage, "AT_LAST", 0.0)
        await until(d, lambda: len(collected) > before)


def test_a_disk_that_does_not_answer_is_said() -> None:
    watch = Watch()
    assert watch.trouble() == ""
    watch.since -= 12
    assert "12 s old" in watch.trouble()


async def test_a_thought_longer_than_what_the_file_keeps_is_whole_for_who_watched_it_grow(writer: Writer) -> None:
    words = [f"word-{i:04}" for i in range(400)]
    async with watching(writer.path) as d:
        writer.does("begin 0", "live " + " ".join(words[:150]))
        await until(d, lambda: d.shows("writing"))
        await d.press("enter")
        assert isinstance(d.app.screen, TraceScreen)
        for upto in (250, 330, 400):
            writer.does("live " + " ".join(words[:upto]))
            await until(d, lambda upto=upto: d.thought.blocks[-1].margin[1] == f"{upto} tok")  # type: ignore[misc]
        assert d.thought.blocks[-1].text.split() == words
