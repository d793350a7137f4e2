"""Collaboration on vLLM: drafts ahead of a judge, many pens from one prefix, and a kill in the middle of a branch."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from relay.batch import Tally
from relay.engine import Delta, Engine, Request
from relay.engine.vllm import Vllm, VllmModel
from relay.errors import UserError
from relay.language.reading import read
from relay.session import Options, start
from relay.store.reader import Run
from relay.walk import DISCARDED, StopReason
from tests.engines_real.conftest import Opens

BLOCK = 32
PENS = 8


class Silent:
    """Nobody watches."""

    def phase(self, name: str, tally: Tally) -> None:
        """A phase begins."""

    def note(self, text: str) -> None:
        """A note."""


class Recording:
    """An engine around an engine, which keeps every request: their cuts know all ids that they were fed."""

    def __init__(self, inner: Engine) -> None:
        self.inner = inner
        self.tokenizer, self.template, self.context = inner.tokenizer, inner.template, inner.context
        self.rows, self.facts = inner.rows, inner.facts
        self.requests: list[Request] = []

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        """As the inner engine does."""
        self.requests.append(request)
        async for delta in self.inner.extend(request):
            yield delta

    async def aclose(self) -> None:
        """The inner engine is closed by whoever opened it."""


DRAFTS = """
relay: 1
models:
  small: {engine: vllm, model: relay/tiny}
  large: {engine: vllm, model: relay/tiny-guide}
problems: {from: chains, where: {difficulty: [3, 4, 5]}, limit: 12}
verify: none
graph:
  start: draft
  answer: [draft, rewrite]
  nodes:
    draft: {write: small, until: [{sentences: 1}, answered]}
    check: {judge: large, ask: " Is this step good or bad? It is ", labels: [good, bad], tokens: 12, ahead: draft}
    rewrite: {write: large, until: [{sentences: 1}, answered]}
  edges:
    draft: [{when: answered, to: end}, check]
    check: [{when: {chance: 0.8}, to: draft}, {to: rewrite, drop: draft}]
    rewrite: [{when: answered, to: end}, draft]
budget: {tokens: 900}
"""


def recount(path: Path) -> tuple[int, int]:
    """Tokens decoded ahead of a veto, and all tokens, as each row of the file says."""
    with Run(path) as run:
        hops = [hop for row in run.rollouts() for hop in run.hops(row.id)]
    discarded = [hop for hop in hops if hop.extra is not None and hop.extra.apart == DISCARDED]
    assert all(hop.segment is None or hop.usage.decoded >= len(hop.segment.ids) for hop in discarded)
    return sum(h.usage.decoded + h.usage.thrown for h in discarded), sum(h.usage.decoded + h.usage.thrown for h in hops)


@pytest.mark.asyncio(loop_scope="session")
async def test_drafts_ahead_take_no_longer_and_what_is_thrown_away_is_counted(
    served: Vllm, opens: Opens, tmp_path: Path
) -> None:
    """One rollout at a time, so that nothing else keeps the models busy; both forms by turns, the quickest of each."""
    large = await opens(VllmModel(model="relay/tiny-guide"))
    walls: dict[str, list[float]] = {"ahead": [], "plain": []}
    text = tmp_path / "s.yaml"
    text.write_text(DRAFTS)
    for turn in range(4):
        for form, sets in (("ahead", {}), ("plain", {"graph.nodes.check.ahead": "null"})):
            engines = {"small": Recording(served), "large": Recording(large)}
            path = tmp_path / f"{form}-{turn}.relay"
            begun = time.perf_counter()
            outcome = await start(read(str(text), sets), path, Options(1, pool=tmp_path / "pool"), Silent(), engines)
            walls[form].append(time.perf_counter() - begun)
            assert outcome.failed == 0
            discarded, counted = recount(path)
            fed = sum(len(r.cut.ids) for engine in engines.values() for r in engine.requests)
            ended = sum(1 for engine in engines.values() for r in engine.requests if r.cut.settle().turn_ended)
            print(f"{form}: {walls[form][-1]:.2f} s, {counted} tokens, of them discarded {discarded}")
            assert counted <= fed <= counted + ended, "each id that an engine said, but for ends of turns"
            assert (discarded > 0) == (form == "ahead")
    ratio = min(walls["ahead"]) / min(walls["plain"])
    print(f"wall: {ratio:.2f} of the plain form's")
    assert ratio <= 1.1


def fork(folder: Path, limit: int, times: int, more: str = "") -> Path:
    """A scenario whose pens start behind a text of 400 tokens."""
    draw = random.Random(3)
    words = ["take", "the", "value", "of", "23", "and", "add", "7", "then", "find", "what", "is", "left"]
    long = " ".join(draw.choice(words) for _ in range(200))
    tree = {
        "relay": 1,
        "models": {"m": {"engine": "vllm", "model": "relay/tiny"}},
        "problems": {"from": "chains", "where": {"difficulty": 3}, "limit": limit},
        "graph": {
            "start": "begin",
            "answer": "go",
            "nodes": {
                "begin": {"insert": {"text": long}},
                "fork": {"branch": "go", "times": times},
                "go": {"write": "m", "until": [{"tokens": 24}, "answered"]},
                "best": {"pick": "vote"},
            },
            "edges": {
                "begin": "fork",
                "fork": "best",
                "go": [{"when": "answered", "to": "join"}, {"when": {"visits": "go", "over": 5}, "to": "join"}, "go"],
                "best": "end",
            },
        },
        "sampling": {"temperature": 1.0},
    }
    (folder / "fork.yaml").write_text(json.dumps(tree))
    return folder / "fork.yaml"


@pytest.mark.asyncio(loop_scope="session")
async def test_eight_pens_read_the_prefix_of_400_tokens_once(served: Vllm, tmp_path: Path) -> None:
    """By vLLM's own count of cached tokens: one pen computes it, and the others find every full block of it."""
    path = tmp_path / "r.relay"
    engine = Recording(served)
    outcome = await start(
        read(str(fork(tmp_path, 4, PENS))), path, Options(1, pool=tmp_path / "pool"), Silent(), {"m": engine}
    )
    assert outcome.failed == 0
    with Run(path) as run:
        for row in run.rollouts():
            first = [hop for hop in run.hops(row.id) if hop.node == "go" and hop.visit == 1]
            (length,) = {hop.usage.computed + hop.usage.cached for hop in first}
            full = (length - 1) // BLOCK * BLOCK
            print(f"prefix {length}: computed {sorted(hop.usage.computed for hop in first)}")
            assert length > 400
            assert len(first) == PENS
            assert sum(hop.usage.cached == full for hop in first) >= PENS - 1
            assert sum(hop.usage.computed for hop in first) <= length + (PENS - 1) * (length - full)
            later = [hop for hop in run.hops(row.id) if hop.node == "go" and hop.visit == 2]
            assert all(hop.usage.computed < 3 * BLOCK for hop in later), "nor does any pen read it again"


def relay(folder: Path, *words: str) -> "subprocess.Popen[bytes]":
    program = [sys.executable, "-c", "from relay.cli import main; main()", "run", *words]
    log = (folder / "log").open("ab")
    return subprocess.Popen(program, cwd=folder, stdout=log, stderr=log)


def rows(path: Path) -> list[tuple[Any, ...]]:
    """The hops so far; none while the file is not there."""
    try:
        with Run(path) as run:
            return run.query("SELECT rollout, pen, n, node, text, ids, branches FROM hop ORDER BY id")
    except UserError:
        return []


def in_the_middle(found: list[tuple[Any, ...]]) -> bool:
    """Whether there is a rollout that has branched and whose pens have written, but not all of them all."""
    branched = {row[0] for row in found if row[6]}
    written = {r: sum(1 for row in found if row[0] == r and not row[6]) for r in branched}
    return any(2 < n < 6 * PENS for n in written.values())


def test_killed_in_the_middle_of_a_branch_it_goes_on_to_the_same_tree(tmp_path: Path) -> None:
    """Every hop that was recorded stays as it was, and the tree around it becomes whole."""
    scenario, path = fork(tmp_path, 12, PENS), tmp_path / "killed.relay"
    before: list[tuple[Any, ...]] = []
    for attempt in range(2):
        process = relay(tmp_path, *(["--resume", path.name] if attempt else [scenario.name, "-o", path.name]))
        try:
            until = time.monotonic() + 240
            while time.monotonic() < until and process.poll() is None:
                if len(found := rows(path)) > len(before) and in_the_middle(found):
                    break
                time.sleep(0.02)
        finally:
            process.kill()
        assert process.wait(60) == -signal.SIGKILL, (tmp_path / "log").read_text()
        found = rows(path)
        assert in_the_middle(found), "the kill fell in a branch"
        assert found[: len(before)] == before, "a hop that was recorded changed or vanished"
        before = found
    assert relay(tmp_path, "--resume", path.name).wait(300) == 0, (tmp_path / "log").read_text()
    found = rows(path)
    assert found[: len(before)] == before, "a hop that was recorded changed or vanished"
    assert len({row[:3] for row in found}) == len(found), "a hop was walked twice"
    with Run(path) as run:
        for row in run.rollouts():
            walk = run.walk(row.id)
            assert sorted(walk.pens) == ["0", *(f"0.{i}" for i in range(PENS))]
            assert {pen.rest for path, pen in walk.pens.items() if path != "0"} == {StopReason.JOIN}
            assert walk.stop == StopReason.END
            assert {pen.trajectory.segments[0] for pen in walk.pens.values()} == {walk.pens["0"].trajectory.segments[0]}
    again = subprocess.run(
        [sys.executable, "-c", "from relay.cli import main; main()", "run", "--resume", path.name],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "nothing is missing" in again.stdout + again.stderr
