"""Runs that stand still in the middle, the same every time: held by a person, asking one; and one with surprises."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import aclosing, closing
from pathlib import Path

from relay.engine import Delta, Request
from relay.engine.around import Around
from relay.language.reading import read
from relay.session import Options, start
from relay.store import files, lease
from relay.walk import BY_HAND
from tests.loop.conftest import Silent

NOW = 1700000083.0  # seconds since 1970: what time it is in these runs
WATCHED = r"""
relay: 1
title: Somebody reads along
models:
  main: {engine: scripted, says: ["First the tens. It is bad. And then", "So</think>The answer is {answer}."]}
problems: {from: sums, limit: 1}
graph:
  start: think
  answer: think
  nodes:
    think: {write: main, until: answered}
    guard: {watch: think, trip: {contains: bad}}
    warn: {insert: {text: "No. "}}
  edges: {think: end, guard: warn, warn: think}
"""
ASKS = r"""
relay: 1
title: A person is asked
models:
  main: {engine: scripted, says: ["One and one. ", "Two.</think>The answer is {answer}."]}
problems: {from: sums, limit: 2}
graph:
  start: think
  answer: think
  nodes:
    think: {write: main, until: {sentences: 1}}
    check: {ask: "Is this step right?", labels: {good: 1, bad: 0}, wait: 0, otherwise: good}
  edges: {think: [{when: answered, to: end}, check], check: think}
"""


SURPRISES = r"""
relay: 1
title: How sure it was
models:
  main: {engine: scripted, says: ["First I look at the tens, then at the ones. ", "So</think>The answer is {answer}."]}
problems: {from: sums, limit: 1}
graph:
  start: think
  answer: think
  nodes: {think: {write: main, until: {sentences: 1}}}
  edges: {think: [{when: answered, to: end}, think]}
"""


class Surprised(Around):
    """An engine that says how probable each of its tokens was."""

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        async with aclosing(self._engine.extend(request)) as deltas:
            async for delta in deltas:
                yield delta._replace(logprobs=tuple(-0.7 * (i * i % 7) for i in range(len(delta.ids))))


def surprised(folder: Path) -> Path:
    """A run that was recorded with log-probabilities."""
    (folder / "surprised.yaml").write_text(SURPRISES)
    reading, path = read(str(folder / "surprised.yaml"), {}), folder / "surprised.relay"

    async def walk() -> None:
        engine = Surprised(await reading.cells[0].scenario.models["main"].open())
        await start(reading, path, Options(1, record=True, logprobs=True), Silent(), {"main": engine})

    asyncio.run(walk())
    return path


def held(run: Path, out: Path) -> Path:
    """The run as if its second rollout were held by a person behind its first segment."""
    return _halted(run, out, 1, BY_HAND, "")


def asking(run: Path, out: Path) -> Path:
    """The run as if its second rollout asked a person."""
    return _halted(run, out, 1, "check", "Is this step right?")


def _halted(run: Path, out: Path, hops: int, node: str, tail: str) -> Path:
    """A copy in which rollout 1 has so many hops, stands at this node, and the run is under way."""
    shutil.copy(run, out)
    act = f"INSERT INTO requests VALUES (1, 'pause', 1, '0', '{{}}', 'ada', {NOW}, {NOW}, NULL)"
    with closing(sqlite3.connect(out)) as db:
        db.executescript(f"""
            UPDATE rollout SET stop = NULL WHERE id = 1;
            DELETE FROM verdict WHERE rollout = 1;
            DELETE FROM step WHERE rollout = 1 AND n >= {hops};
            UPDATE meta SET value = '"walking"' WHERE key = 'phase';
            UPDATE meta SET value = '{files.inode(out)}' WHERE key = 'inode';
            DELETE FROM meta WHERE key = 'ended';
            {act if node == BY_HAND else ""}
        """)
        db.execute("INSERT INTO live VALUES (1, '0', ?, 1, 0, ?)", (node, tail))
        db.execute("INSERT INTO meta VALUES ('queue', '{\"main\": [3, 1]}')")
        db.execute("INSERT INTO lease VALUES (1, ?, ?, ?, ?)", (*lease.this_process(), NOW))
        db.commit()
    return out
