"""A run made by scripted models, the same every time, for the monitor to show."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from relay.cli import main
from tests.terminal import frozen

SCENARIO = r"""
relay: 1
title: Two help each other
models:
  main:
    engine: scripted
    says:
      sum-0002: ["Let me see. I count on my fingers. ", "So it is more</think>The answer is 99."]
      sum-0003: ["I go round in circles. Once more. Again. "]
      "*":
        - "Let me see. First the tens: 世界 is a wide word. "
        - "So I add the rest.\n\nThat makes it. "
        - "Well</think>The answer is {answer}."
  helper:
    engine: scripted
    says: ["\e[31mI guess\u202e seventeen. Or not. ", "Then take the ones and add them up. Well. "]
  judge: {engine: scripted, thinking: false, says: [bad, good]}
problems: {from: sums, limit: 4}
graph:
  start: think
  answer: think
  nodes:
    think: {write: main, until: {sentences: "{m}"}}
    help:  {write: helper, until: {sentences: "{n}"}}
    check: {judge: judge, labels: [good, bad], ask: "Does this help?"}
  edges:
    think: [{when: answered, to: end}, {when: {visits: help, over: 3}, to: think}, {to: help}]
    help:  check
    check: [{when: {label: check, equals: bad}, to: help, drop: help}, {to: think}]
budget: {hops: 40}
samples: 2
sweep: {over: {m: [1, 2, 3], n: [1, 2]}}
"""

BRANCHES = r"""
relay: 1
title: Three try
models:
  a: {engine: scripted, says: ["We begin. ", "It is </think>The answer is {answer}."]}
  b: {engine: scripted, says: ["It is a guess.</think>The answer is 7."]}
problems: {from: sums, limit: 2}
graph:
  start: open
  answer: try
  nodes:
    open: {write: a, until: {sentences: 1}}
    fan: {branch: try, times: 3, over: [a, b]}
    try: {write: a}
    best: {pick: vote}
  edges: {open: fan, fan: best, try: join, best: end}
"""

STILL = """
UPDATE meta SET value = '1700000000.0' WHERE key = 'made';
UPDATE meta SET value = '1700000083.0' WHERE key = 'ended';
UPDATE step SET ms = 250 WHERE ms IS NOT NULL OR decoded IS NOT NULL;
"""


def ran(folder: Path, name: str, scenario: str) -> Path:
    """The run file of this scenario."""
    (folder / f"{name}.yaml").write_text(scenario)
    path = folder / f"{name}.relay"
    with pytest.raises(SystemExit) as end:
        main(["run", str(folder / f"{name}.yaml"), "-o", str(path), "--deterministic"])
    assert end.value.code == 0
    return still(path)


def still(path: Path) -> Path:
    """The same with times that are the same every time."""
    with closing(sqlite3.connect(path)) as db:
        db.executescript(STILL)
    return path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the runs."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RELAY_POOL", str(folder / "pool.sqlite"))
        ran(folder, "helped", SCENARIO)
        ran(folder, "branches", BRANCHES)
        ran(folder, "watched", frozen.WATCHED)
        still(frozen.surprised(folder))
        asks = ran(folder, "asks", frozen.ASKS)
        frozen.held(asks, folder / "held.relay")
        frozen.asking(asks, folder / "asking.relay")
        yield folder


@pytest.fixture(scope="session")
def helped(made: Path) -> Path:
    """48 rollouts over six cells: two models and a judge."""
    return made / "helped.relay"


@pytest.fixture(scope="session")
def branches(made: Path) -> Path:
    """Rollouts with three pens and a pick."""
    return made / "branches.relay"
