"""Taking part from the monitor: every key, on a run that goes on, and what the file says afterwards."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from relay.language.reading import read
from relay.store.asking import requests_of
from relay.store.opening import opened
from relay.store.reader import Run
from relay.tui.monitor.dialogs import Choose, Write
from relay.tui.monitor.run_screen import RunScreen
from relay.tui.monitor.thought import Thought
from relay.tui.monitor.trace_screen import TraceScreen
from relay.walk import BY_HAND
from tests.loop.conftest import Bench
from tests.loop.test_asking import ASK
from tests.loop.test_taking_part import THINK, Gate, Person
from tests.terminal.test_monitor_keys import Driver, watching


class Taking(Driver):
    """A monitor over a run that goes on in this process."""

    person: Person
    notices: list[str]

    @property
    def trace(self) -> TraceScreen:
        assert isinstance(self.app.screen, TraceScreen)
        return self.app.screen

    async def until(self, holds: Callable[[], bool]) -> None:
        for _ in range(400):
            if holds():
                return
            await self.pilot.pause(0.02)
        raise AssertionError(self.lines())

    async def shown(self, words: str) -> None:
        await self.until(lambda: self.shows(words))

    async def said(self, words: str) -> None:
        """A notice that came and may be gone."""
        await self.until(lambda: any(words in notice for notice in self.notices))

    async def stands(self) -> None:
        """The rollout waits for a person, and the screen says so."""
        await self.person.stands()
        await self.shown("‖ held: it waits for you")

    async def writes(self, text: str) -> None:
        """Into the dialog that is open."""
        await self.until(lambda: isinstance(self.app.screen, Write))
        await self.pilot.press(*("space" if c == " " else "full_stop" if c == "." else c for c in text), "ctrl+s")

    async def done(self, act: str) -> None:
        """The last request is this act, and was done or refused."""
        await self.person.until(lambda run: _last(run) == (act, True))


def _last(run: Run) -> tuple[str, bool]:
    rows = run.query("SELECT act, taken IS NOT NULL FROM requests WHERE act != 'look' ORDER BY id DESC LIMIT 1")
    return (str(rows[0][0]), bool(rows[0][1])) if rows else ("", False)


@asynccontextmanager
async def taking_part(folder: Path, text: str = THINK, size: tuple[int, int] = (120, 36)) -> AsyncIterator[Taking]:
    """A run whose rollout 0 waits before its first word, and its trace in a monitor."""
    bench = Bench(folder)
    model = read(str(bench.write(text)), {}).cells[0].scenario.models["a"]
    gate = Gate(await model.open(), "sum-0000")
    bench.given = {"a": gate}
    running = asyncio.create_task(bench.start(text))
    person = Person(folder / "out.relay", gate)
    try:
        async with asyncio.timeout(100):
            await person.until(lambda run: bool(run.query("SELECT 1 FROM rollout WHERE id = 0")))
            async with watching(person.path, 0, size=size) as driver:
                taking = Taking(driver.app, driver.pilot)
                taking.person, taking.notices = person, []
                notify = driver.app.notify

                def noted(message: str, **how: Any) -> None:
                    taking.notices.append(message)
                    notify(message, **how)

                driver.app.notify = noted  # type: ignore[method-assign,assignment]
                await taking.until(lambda: taking.app.seen is not None and taking.app.seen.state == "running")
                await taking.until(lambda: taking.trace.telling is not None)
                yield taking
                gate.open.set()
            await running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def held(d: Taking) -> None:
    """Pause with the key, let the first word come, and wait until it is held."""
    await d.pilot.press("p")
    await d.done("pause")
    d.person.gate.open.set()
    await d.stands()


def hops(path: Path, rollout: int = 0) -> list[tuple[str, str | None, str]]:
    with Run(path) as run:
        return [(h.node, h.segment.text if h.segment else None, h.to) for h in run.hops(rollout)]


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_pause_insert_edit_veto_and_go_on(tmp_path: Path, size: tuple[int, int]) -> None:
    async with taking_part(tmp_path, size=size) as d:
        for key in ("p Pause", "i Insert", "e Edit", "v Veto", "o Edge"):
            await d.shown(key)
        await held(d)
        await d.pilot.press("i")
        await d.writes("Wait. ")
        await d.shown("Wait.")
        await d.done("insert")
        await d.pilot.press("e")
        await d.until(lambda: isinstance(d.app.screen, Write))
        await d.pilot.press(*("backspace",) * 6)
        await d.writes("Hm. ")
        await d.done("edit")
        await d.shown("edited")
        await d.pilot.press("v")
        await d.done("veto")
        await d.shown("by hand: veto")
        await d.pilot.press("p")
        await d.done("go")
    by_hand = [(text, to) for node, text, to in hops(tmp_path / "out.relay") if node == BY_HAND]
    assert by_hand == [("Wait. ", "think"), ("Hm. ", "think"), (None, "think")]


async def test_step_and_edge_and_fork(tmp_path: Path) -> None:
    async with taking_part(tmp_path) as d:
        await held(d)
        await d.pilot.press("s")
        await d.person.until(lambda run: len(run.hops(0)) == 2)
        await d.stands()
        await d.said("step: done")
        await d.pilot.press("o")
        await d.until(lambda: isinstance(d.app.screen, Choose))
        assert d.shows("Where does the pen go from think?")
        await d.pilot.press("down", "enter")
        await d.done("edge")
        await d.pilot.press("k", "k", "k", "b")
        await d.writes("But no. ")
        await d.done("fork")
        await d.said("branch off: done: rollout 7")  # two of its own; requests 1 to 5: look, pause, step, edge, fork
        await d.pilot.press("p")
        await d.done("go")
    assert [node for node, *_ in hops(tmp_path / "out.relay")[:4]] == ["think", "think", BY_HAND, "other"]
    with Run(tmp_path / "out.relay") as run:
        (number, of), *_ = run.query("SELECT rollout, of FROM fork")
        assert of == 0
        assert run.hops(number)[0] == run.hops(0)[0]
        assert [h.segment.text for h in run.hops(number)[1:2] if h.segment] == ["But no. "]


async def test_acts_that_cannot_be_are_said_and_a_dialog_can_be_left(tmp_path: Path) -> None:
    async with taking_part(tmp_path) as d:
        await d.pilot.press("e")
        await d.said("nothing has been written yet")
        for key in ("i", "b"):
            await d.pilot.press(key)
            await d.until(lambda: isinstance(d.app.screen, Write))
            await d.pilot.press("x", "escape")
            assert isinstance(d.app.screen, TraceScreen)
        await held(d)
        await d.pilot.press("i")
        await d.writes("</think>")
        await d.shown("refused: the thinking is closed")
        await d.pilot.press("p")
        await d.done("go")
    with opened(tmp_path / "out.relay") as run:
        assert [(a.act, bool(a.refused)) for a in requests_of(run, 0)] == [
            ("pause", False), ("insert", True), ("go", False)
        ]  # fmt: skip


async def test_a_question_is_seen_and_answered_with_a_label_and_with_a_text(tmp_path: Path) -> None:
    async with taking_part(tmp_path, ASK, (80, 24)) as d:
        d.person.gate.open.set()
        await d.shown("check · asks you")
        await d.shown("? Is it right?  (a answers)")
        await d.shown("a Answer")
        await d.pilot.press("a")
        await d.until(lambda: isinstance(d.app.screen, Choose))
        await d.pilot.press("escape", "a")
        await d.until(lambda: isinstance(d.app.screen, Choose))
        await d.pilot.press("down", "enter")
        await d.shown("? What next?")
        await d.pilot.press("escape")
        assert isinstance(d.app.screen, RunScreen)
        await d.shown("1 ask you")
        await d.shown("asks")
        await d.pilot.press("enter")
        await d.shown("? What next?")
        await d.pilot.press("a")
        await d.writes("Add.")
        await d.done("answer")
    assert ("hint", "Add.", "think") in hops(tmp_path / "out.relay")


async def test_the_run_s_screen_says_how_many_calls_wait(tmp_path: Path) -> None:
    async with taking_part(tmp_path, size=(80, 24)) as d:
        await d.pilot.press("escape")
        await d.shown("queue 1")


async def test_the_whole_run_is_paused_from_its_screen(tmp_path: Path) -> None:
    async with taking_part(tmp_path) as d:
        await d.pilot.press("escape")
        await d.shown("p Pause")
        await d.pilot.press("p")
        await d.shown("‖ paused by hand: p goes on")
        d.person.gate.open.set()
        await d.shown("paused")
        await d.person.stands()
        await d.pilot.press("p")
        await d.until(lambda: d.shows("▶ running") or d.shows("■ done"))
    assert not any(node == BY_HAND for node, *_ in hops(tmp_path / "out.relay"))


async def test_of_a_run_that_is_over_the_fork_key_gives_the_command(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    outcome = await bench.start(THINK)
    async with watching(outcome.path, 1) as d:
        for gone in ("p Pause", "i Insert", "v Veto"):
            assert not d.shows(gone)
        await d.press("b")
        assert d.app.clipboard == f"relay fork {outcome.path} 1 --at 1 --insert TEXT"


PICKED = """
    relay: 1
    models: {a: {engine: scripted, says: ["One. ", "Two. ", "Three. ", "So </think>{answer}"]}}
    problems: {from: sums, limit: 1}
    graph:
      start: fork
      answer: last
      nodes:
        fork: {branch: try, times: 2}
        try: {write: a, until: {sentences: 1}}
        best: {pick: first}
        last: {write: a, until: {sentences: 1}}
      edges:
        fork: best
        try: [{when: {visits: try, over: 2}, to: join}, try]
        best: last
        last: [{when: answered, to: end}, last]
"""


async def test_behind_a_pick_the_command_counts_the_segments_of_the_pen_that_was_picked(tmp_path: Path) -> None:
    outcome = await Bench(tmp_path).start(PICKED)
    async with watching(outcome.path, 0) as d:
        thought = d.app.screen.query_one(Thought)
        at = next(i for i, block in enumerate(thought.blocks) if block.author.startswith("last"))
        thought.go(at)
        await d.press("b")
        assert d.app.clipboard == f"relay fork {outcome.path} 0 --at 4 --insert TEXT"
