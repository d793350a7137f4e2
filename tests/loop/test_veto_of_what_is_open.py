"""A veto stops the segment that is being written: what there is of it is kept, paid for, and read by nobody."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from relay.batch import FLUSH
from relay.deadline import Deadline
from relay.engine import Delta, Request
from relay.replay.whole import differences, lay_out
from relay.session import Options, resume
from relay.store.reader import Run
from relay.walk import BY_HAND, DISCARDED, READING, VETOED, Hop
from tests.loop.test_taking_part import Gate, Person, act

ALONE = """
    relay: 1
    models:
      a:
        engine: scripted
        delta: token
        says: ["Onemanyword and two and three. ", "Four and five. ", "So</think>The answer is {answer}."]
    problems: {from: sums, limit: 2}
    graph:
      start: think
      answer: think
      nodes: {think: {write: a, until: [{sentences: 1}]}}
      edges: {think: [{when: answered, to: end}, think]}
"""
PENS = """
    relay: 1
    models:
      a: {engine: scripted, delta: token, says: ["Onemanyword and two.", "So</think>The answer is {answer}."]}
      j: {engine: scripted, says: good}
    problems: {from: sums, limit: 1}
    graph:
      start: fan
      answer: think
      nodes:
        fan: {branch: think, times: 2}
        think: {write: a}
        check: {judge: j, ask: " Good or bad? ", labels: [good, bad]}
        guard: {watch: think, every: {tokens: 1}, trip: {label: check, equals: bad}}
        best: {pick: vote}
      edges: {fan: best, think: join, guard: refuse, best: end}
"""


class Halting(Gate):
    """Comes to a halt within the first visit of that problem's pen, and nobody wakes it."""

    pen = "0"

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        problem, _, _, visit, pen = request.purpose
        async with aclosing(super().extend(request)) as deltas:
            said, halts = 0, (problem.id, visit, pen) == (self.problem, 1, self.pen)
            async for delta in deltas:
                said += len(delta.ids)
                if halts and said > 3:
                    await asyncio.sleep(2 * FLUSH)  # so that the file tells of it
                yield delta
                if halts and said > 3:
                    await asyncio.Event().wait()


class HaltingPen(Halting):
    """The same, of a pen of a branch."""

    pen = "0.1"


async def _vetoes(person: Person) -> None:
    person.gate.open.set()
    path = getattr(person.gate, "pen", "0")
    open_ = "SELECT 1 FROM live WHERE rollout = 0 AND pen = ? AND tokens > 2"
    await person.until(lambda run: bool(run.query(open_, path)))
    assert not (await person.asks("veto", path, segment=1)).refused


def hops_of(path: Path) -> list[Hop]:
    with Run(path) as run:
        return run.hops(0)


def played(bench: Any, path: Path) -> list[str]:
    """What is not the same when the run is played again."""
    out = bench.folder / "again.relay"
    lay_out(path, out)
    asyncio.run(resume(out, Options(pool=bench.folder / "pool.sqlite"), bench.watcher))
    with Run(path) as was, Run(out) as now:
        return [str(each) for each in differences(was, now)]


@pytest.mark.parametrize("record", [False, True])
def test_the_open_segment_is_stopped_and_discarded_and_its_author_writes_anew(bench: Any, *, record: bool) -> None:
    path, gate = act(bench, _vetoes, ALONE, kind=Halting, record=record)
    one, veto, two, *_ = hops_of(path)
    assert one.segment is not None
    assert two.segment is not None
    assert "Onemanyword and two and three.".startswith(one.segment.text)
    assert (one.segment.stop, one.to, one.usage.decoded) == (VETOED, "think", len(one.segment.ids))
    assert one.usage.computed, "its prompt was read, and is paid for"
    assert (veto.node, veto.to, veto.segment) == (BY_HAND, "think", None)
    assert (two.visit, two.segment.text) == (2, "Four and five.")
    mine = [r for r in gate.requests if r.purpose.problem.id == "sum-0000"]
    assert mine[0].prompt == mine[1].prompt
    assert mine[0].seed != mine[1].seed, "another visit draws anew"
    for request in mine:
        assert "Onemany" not in gate.tokenizer.text_of(request.prompt)
    with Run(path) as run:
        pen = run.walk(0).pens["0"]
        assert pen.tokens == sum(hop.usage.decoded + hop.usage.thrown for hop in run.hops(0))
        assert pen.trajectory.text.startswith("Four and five.")
        assert run.rollout(0).state == "end"
    assert played(bench, path) == []


def test_in_a_branch_that_is_watched_the_pen_writes_anew_and_judges_have_read_in_vain(bench: Any) -> None:
    path, _ = act(bench, _vetoes, PENS, kind=HaltingPen)
    mine = [hop for hop in hops_of(path) if hop.pen == "0.1"]
    read = [hop for hop in mine if hop.node == "check" and hop.visit == 1 and hop.extra]
    way = [(h.node, h.visit, h.to) for h in mine if not (h.extra and h.extra.apart in (READING, DISCARDED))]
    assert way == [("think", 1, "think"), (BY_HAND, 1, "think"), ("think", 2, "join")]
    assert next(hop.extra.apart for hop in read if hop.extra) == DISCARDED
    assert played(bench, path) == []


async def test_a_wait_that_is_ended_twice_at_once_is_ended_once() -> None:
    deadline = Deadline(60)

    async def wait() -> bool:
        deadline.arm()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return deadline.took()
        return False

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    deadline.interrupt()
    deadline.interrupt()
    assert await waiting
