"""A real model's run, acted on from the monitor; a monitor that is killed; and the ids that the file holds then."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import chain, pairwise
from pathlib import Path

import pytest

from relay.errors import UserError
from relay.folding import fold
from relay.store.asking import requests_of
from relay.store.calls import hash_of, surprises
from relay.store.reader import Run
from relay.store.rows import unpack
from relay.walk import BY_HAND, VETOED, Hop, begin
from tests.terminal.test_monitor_keys import watching
from tests.terminal.test_monitor_taking_part import Taking, hops

SCENARIO = """\
relay: 1
models: {main: {engine: transformers, model: relay/tiny}}
problems: {from: chains, where: {difficulty: 5}, limit: 6}
graph:
  start: think
  answer: think
  nodes: {think: {write: main, until: [{sentences: 1}]}}
  edges: {think: [{when: answered, to: end}, think]}
"""
LONG = SCENARIO.replace("[{sentences: 1}]", "answered").replace("limit: 6", "limit: 24")
RELAY = (sys.executable, "-c", "from relay.cli import main; main()")


@pytest.fixture
def run(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator["subprocess.Popen[bytes]"]:
    """The run, in a process of its own."""
    (tmp_path / "s.yaml").write_text(getattr(request, "param", SCENARIO))
    command = [*RELAY, "run", "s.yaml", "-o", "out.relay", "--record", "--logprobs", "--in-flight", "2"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    yield process
    process.kill()
    process.wait()


def paused_at_once(path: Path) -> int:
    """Pause the run as soon as there is a file to ask; the rollout that is held."""
    from relay.store.asking import ask

    asked, end = False, time.monotonic() + 300
    while time.monotonic() < end:
        try:
            if path.exists() and not asked:
                ask(path, "pause")
                asked = True
            if asked:
                with Run(path) as run:
                    if found := run.query("SELECT rollout FROM live WHERE node = ? ORDER BY rollout", BY_HAND):
                        return int(found[0][0])
        except UserError:
            pass
        time.sleep(0.02)
    raise AssertionError("it was never held")


def kill_a_monitor(path: Path, rollout: int) -> None:
    """Watch in a terminal of its own, and kill it in the middle of a word, with no chance to tidy up."""
    master, slave = pty.openpty()
    command = [*RELAY, "watch", str(path), str(rollout)]
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    seen = b""
    while b"held" not in seen:
        seen += os.read(master, 1 << 16)
    os.write(master, b"i")
    while b"A segment of yours" not in seen:
        seen += os.read(master, 1 << 16)
    os.write(master, b"half a wor")
    process.send_signal(signal.SIGKILL)
    process.wait()
    os.close(master)


async def test_insert_veto_and_fork_on_a_real_model_and_a_killed_monitor(
    run: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    path = tmp_path / "out.relay"
    number = paused_at_once(path)
    kill_a_monitor(path, number)
    async with watching(path, number) as driver:
        d = Taking(driver.app, driver.pilot)
        await d.shown("‖ held: it waits for you")
        await d.shown("nats, ")  # the strip of surprise
        before = len(hops(path, number))
        await d.pilot.press("v")
        await d.until(lambda: hops(path, number)[-1] == (BY_HAND, None, "think"))
        await d.pilot.press("s")
        await d.until(lambda: len(hops(path, number)) == before + 2)
        await d.shown("‖ held: it waits for you")
        await d.pilot.press("i")
        await d.writes("Wait.")
        await d.until(lambda: hops(path, number)[-1] == (BY_HAND, "Wait.", "think"))
        await d.pilot.press("end", "b")
        await d.writes(" No.")
        await d.until(lambda: bool(forks(path)))
        await d.pilot.press("escape", "p")
        await d.until(lambda: run.poll() is not None)
    assert run.wait() == 0
    check(path, number)


def halted_in_a_word(run: "subprocess.Popen[bytes]", path: Path) -> int:
    """Halt the run's process while a segment is open, as a slow model would; the rollout whose segment it is."""
    end = time.monotonic() + 300
    while time.monotonic() < end and run.poll() is None:
        time.sleep(0.02)
        try:
            if not path.exists() or not writing(path):
                continue
            run.send_signal(signal.SIGSTOP)
            if found := writing(path):
                return found[-1]
            run.send_signal(signal.SIGCONT)
        except UserError:
            continue
    raise AssertionError("nothing was ever being written")


def writing(path: Path) -> list[int]:
    with Run(path) as found:
        return [number for (number,) in found.query("SELECT rollout FROM live WHERE tokens BETWEEN 5 AND 40")]


def vetoes(path: Path, number: int) -> list[tuple[str | None, str]]:
    """Each segment that was stopped, and what came next."""
    with Run(path) as found:
        several = found.hops(number)
    pairs = pairwise(several)
    return [(one.segment.text, two.source) for one, two in pairs if one.segment and one.segment.stop == VETOED]


@pytest.mark.parametrize("run", [LONG], indirect=True)
async def test_a_veto_stops_what_a_real_model_is_writing(run: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    path = tmp_path / "out.relay"
    for _ in range(5):  # again where the segment ended before the key was heard
        number = halted_in_a_word(run, path)
        async with watching(path, number) as driver:
            d = Taking(driver.app, driver.pilot)
            await d.shown("· still being written")
            await d.pilot.press("v")
            await d.pilot.pause(0.5)
            run.send_signal(signal.SIGCONT)
            await d.until(lambda number=number: "veto" in asked(path, number))  # type: ignore[misc]
            if vetoes(path, number):
                await d.shown("tok, vetoed")
                break
    assert run.wait() == 0
    [(text, source)] = vetoes(path, number)
    assert text
    assert source.startswith("veto ")
    with Run(path) as found:
        mine = found.hops(number)
        assert prompts_hold(found, number, mine) > 1
        thought = found.walk(number).pens["0"].trajectory
        assert VETOED not in [segment.stop for segment in thought.segments]
        assert found.walk(number).pens["0"].tokens == sum(hop.usage.decoded + hop.usage.thrown for hop in mine)
        assert {row.state for row in found.rollouts()} == {"end"}


def asked(path: Path, number: int) -> list[str]:
    """The acts that were done or refused."""
    with Run(path) as found:
        return [act.act for act in requests_of(found, number) if act.taken is not None]


def forks(path: Path) -> list[tuple[int, int]]:
    with Run(path) as found:
        return [(number, of) for number, of in found.query("SELECT rollout, of FROM fork")]


def check(path: Path, number: int) -> None:
    """What the file says: every prompt was the head and the ids of the thought as it stood, acts and all."""
    assert sorted(p.name for p in path.parent.glob("out.relay*")) == ["out.relay"], "one plain file"
    [(fork, of)] = forks(path)
    assert of == number
    with Run(path) as found:
        assert found.query("PRAGMA integrity_check") == [("ok",)]
        assert {row.state for row in found.rollouts()} == {"end"}
        assert len(list(found.rollouts())) == 7
        acted = [hop.source.split()[0] for hop in found.hops(number) if hop.node == BY_HAND]
        assert acted == ["veto", "insert"]
        mine, its = found.hops(number), found.hops(fork)
        shared = next(i for i, hop in enumerate(its) if hop.source.startswith("insert") and hop.segment.text == " No.")  # type: ignore[union-attr]
        assert its[:shared] == mine[:shared]
        nats = surprises(found.query, number)
        wrote = {("0", h.n): len(h.segment.ids) for h in mine if h.segment and h.segment.model == "main"}
        assert {key: len(each) for key, each in nats.items()} == wrote
        for rollout, several in ((number, mine), (fork, its)):
            assert prompts_hold(found, rollout, several) > 1


def prompts_hold(found: Run, rollout: int, several: list[Hop]) -> int:
    """Each call's prompt, against the ids that the file holds; how many there were."""
    problem = found.query("SELECT problem FROM rollout WHERE id = ?", rollout)[0][0]
    head = unpack(found.query("SELECT ids FROM head WHERE problem = ?", problem)[0][0])
    calls = dict(
        found.query("SELECT n, prompt FROM call JOIN step ON step.id = call.id / 256 WHERE rollout = ?", rollout)
    )
    walk, seen = begin("think"), 0
    for hop in several:
        if hop.n in calls:
            thought = walk.pens["0"].trajectory.segments
            assert hash_of([*head, *chain.from_iterable(segment.ids for segment in thought)]) == calls[hop.n]
            seen += 1
        walk = fold(walk, hop)
    return seen
