"""Grading once more, as the loop does it."""

import asyncio
import time
from typing import Any

import pytest

from relay import afterwards, regrade
from relay.store.reader import Run
from relay.store.writer import RunWriter

SCENARIO = """
    relay: 1
    models: {m: {engine: scripted, says: "Well.</think>It is {answer}."}}
    problems: {from: sums, limit: 30}
    graph: {start: think, answer: think, nodes: {think: {write: m}}, edges: {think: end}}
"""


def test_nobody_closes_the_file_under_a_write(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last verdict comes while a flush is under way in its thread: the file is closed behind it, not under it."""
    path = bench.run(SCENARIO).path
    writing, seen = [0], list[int]()
    own_write, own_close = RunWriter.write, RunWriter.close

    def write(self: RunWriter, gathered: Any) -> None:
        writing[0] += 1
        time.sleep(0.1)
        own_write(self, gathered)
        writing[0] -= 1

    def close(self: RunWriter, **how: Any) -> None:
        seen.append(writing[0])
        own_close(self, **how)

    monkeypatch.setattr(RunWriter, "write", write)
    monkeypatch.setattr(RunWriter, "close", close)
    monkeypatch.setattr(afterwards, "FLUSH", 0.0)
    asyncio.run(regrade.regrade(path, regrade.read_verifier(path, "number", {}), bench.watcher))
    assert seen == [0]
    with Run(path) as run:
        assert run.query("SELECT count(*) FROM verdict") == [(60,)]
