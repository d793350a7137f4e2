"""A run on a server: what failed stands in the report, the key nowhere, and a server that is gone ends its own only."""

import asyncio
import contextlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from relay.prepare.models import counting_failures
from relay.store.opening import opened
from relay.store.writer import RunWriter
from tests.cli.conftest import Relay
from tests.engine.stand_in import StandIn, words_in

KEY = "sk-Very+Secret/123"
SCENARIO = """\
relay: 1
models:
  a: {{engine: http, model: stand/in, url: "{url}", tokenizer: words, key: STAND_IN_KEY, timeout: 5}}
  b: {{engine: scripted, says: {says}}}
problems: {{from: sums, limit: 6}}
graph:
  start: more
  answer: [think, more]
  nodes:
    think: {{write: a, until: {{tokens: 12}}}}
    more: {{write: b}}
  edges:
    think: end
    more: [{{when: {{ends_with: "Ask.", in: thought}}, to: think}}, end]
budget: {{tokens: 60}}
"""


@contextlib.contextmanager
def in_a_thread(server: StandIn) -> Iterator[Callable[[], None]]:
    """The server listens in a thread of its own; calling what comes closes it early."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def close() -> None:
        asyncio.run_coroutine_threadsafe(server.close(), loop).result(10)

    asyncio.run_coroutine_threadsafe(server.listen(), loop).result(10)
    try:
        yield close
    finally:
        close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def scenario(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    (folder / "words").mkdir()
    words_in(folder / "words")
    monkeypatch.setenv("STAND_IN_KEY", KEY)

    def write(server: StandIn, says: str = '" Ask."') -> None:
        (folder / "h.yaml").write_text(SCENARIO.format(url=server.base, says=says))

    return write


def test_failures_are_kept_and_told_and_the_key_is_nowhere(
    relay: Relay, folder: Path, scenario: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.engine.http.engine.FIRST", 0.01)
    server = StandIn()
    server.key = KEY
    server.counts_cached = False
    with in_a_thread(server):
        scenario(server)
        server.faults.extend(["", "", "429", "429 date", "reset", "cut"])  # the first two are the start's own questions
        said = relay("run", "h.yaml", "-o", "h.relay")
    assert said.code == 0
    line = "engine a: 4 failed tries: 2 x 429, 1 x reset, 1 x cut stream\n"
    assert line in said.out
    assert "note: a: the server does not say how much of a prompt it had in its cache" in said.out
    assert line in relay("report", "h.relay").out
    (told, *_) = relay("report", "--json", "h.relay").out.splitlines()
    assert json.loads(told)["failures"] == {"a": {"429": 2, "reset": 1, "cut stream": 1, "given up": 0}}
    with opened(folder / "h.relay") as run:
        assert run.meta["models"]["a"]["api"] == "vllm"
        assert run.meta["models"]["a"]["server"] == "vllm 0.32.0"
    secret = KEY.encode()
    assert all(secret not in path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert KEY not in said.out + said.err


def test_a_run_that_goes_on_adds_to_what_failed_before(folder: Path) -> None:
    class Failed:
        failures: ClassVar = Counter({"429": 2})
        given_up = 1

    engine: Any = Failed()
    writer = RunWriter.create(folder / "h.relay")
    with counting_failures(writer, {"a": engine, "b": engine}):
        pass
    with pytest.raises(KeyboardInterrupt), counting_failures(writer, {"a": engine}):
        raise KeyboardInterrupt
    with counting_failures(writer, {}):  # none failed since
        pass
    assert writer.meta("failures") == {"a": {"429": 4, "given up": 2}}
    writer.close(finished=False)


def test_a_run_that_is_killed_has_said_what_failed_until_its_last_flush(folder: Path) -> None:
    class Failing:
        failures: ClassVar = Counter({"reset": 1})
        given_up = 0

    engine: Any = Failing()
    writer = RunWriter.create(folder / "h.relay")
    with counting_failures(writer, {"a": engine}) as note:
        note()
        writer.flush()
        assert writer.meta("failures") == {"a": {"reset": 1, "given up": 0}}
        engine.failures["reset"] = 3
        note()
        writer.flush()
        assert writer.meta("failures") == {"a": {"reset": 3, "given up": 0}}
    assert writer.meta("failures") == {"a": {"reset": 3, "given up": 0}}  # not added once more
    writer.close(finished=False)


def test_a_server_that_is_not_there_is_a_mistake_and_leaves_no_run_file(
    relay: Relay, folder: Path, scenario: Callable[..., None]
) -> None:
    server = StandIn()
    with in_a_thread(server):
        scenario(server)
    said = relay("run", "h.yaml", "-o", "h.relay")
    assert said.code == 2
    assert f"{server.base}: nobody answers there (start it: `relay serve`, or `vllm serve`)" in said.err
    assert not (folder / "h.relay").exists()


def test_a_server_that_dies_ends_its_rollouts_and_no_others(
    relay: Relay, folder: Path, scenario: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.engine.http.engine.FIRST", 0.01)
    monkeypatch.setattr("relay.engine.http.engine.PATIENCE", 0.05)
    server = StandIn()
    with in_a_thread(server):
        scenario(server, '{sum-0001: " Ask.", sum-0004: " Ask.", "*": " So on."}')
        server.faults.extend(["", "", "die"])  # once it has been asked what it can do
        said = relay("run", "h.yaml", "-o", "h.relay")
    assert said.code == 1
    assert "2 of 6 rollouts failed, the last with: think (visit 1, problem 'sum-000" in said.err
    assert "nobody answers there" in said.err
    with opened(folder / "h.relay") as run:
        stops = run.query("SELECT n.text, count(*) FROM rollout r JOIN name n ON n.id = r.stop GROUP BY 1 ORDER BY 1")
        assert [tuple(row) for row in stops] == [("end", 4), ("failed", 2)]
        assert run.meta["failures"]["a"]["given up"] == 2
