"""Hops a second of relay beside LangGraph, on the same cyclic graph of three nodes, alternating in one run.

    write (32 tokens of a real tokenizer) -> check (a rule over the text) -> back (a short text) -> write ...

The writer is instant but truly suspends, 256 rollouts are in flight, relay's run file is on and its
rows are counted afterwards; LangGraph runs without a checkpointer. Figures are ratios within this run.

    python tests/benchmarks/hops.py [--pairs 3] [--json]
"""

import argparse
import asyncio
import operator
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Annotated, Any, NamedTuple, TypedDict

from bounds import told

from relay.batch import Batch, Tally
from relay.draws import seed_of
from relay.engine import Delta, Purpose, Request, Sampling
from relay.engine.scripted import Scripted, shipped
from relay.language.graph import Exit, Graph
from relay.node import Act, Desk, Limits, Ticks
from relay.node.insert import Insert
from relay.node.write import Write
from relay.prepare.jobs import CellPlan, Jobs, RunPlan
from relay.problems import Problem
from relay.recorder import RunRecorder
from relay.seam.cuts import Cut
from relay.seam.templates import Template
from relay.seam.tokens import Tokenizer
from relay.store.writer import RunWriter
from relay.trajectory import Usage
from relay.walk import Pen

IN_FLIGHT, TOKENS, CYCLES = 256, 32, 20
SCRIPT = (
    "We need to find the value of 41 + 7 - 22 + 16. First 41 + 7 = 48, then 48 - 22 = 26, then 26 + 16 = 42. "
    "So the value is 42, and a check from the right gives the same value as before. "
)
BACK = "\nGo on."
PROBLEM = Problem("chain", "Compute the value of 41 + 7 - 22 + 16.", "42")
PURPOSE = Purpose(PROBLEM, 0, "write", 1, "0")


class Speed(NamedTuple):
    """Hops and the seconds they took."""

    hops: int
    wall: float
    cpu: float


class Check:
    """A rule over the last text; a verb of a third party, in the three lines it takes."""

    def act(self, desk: Desk) -> Act:
        segment = desk.pen.trajectory.segment
        return Act(why="" if segment is not None and "=" in segment.text else "nothing computed")


class Fork(Check):
    """Two pens start at `write`."""

    def act(self, desk: Desk) -> Act:
        return Act(branches=2, starts="write")


def graph(cycles: int, *, fork: bool) -> Graph:
    """The benchmark's graph; with `fork`, two pens walk it side by side."""

    def enough(pen: Pen, _luck: Callable[[], float]) -> bool:
        return pen.visits["back"] >= cycles

    nodes: dict[str, Any] = {
        "write": Write.model_validate({"write": "w", "until": {"tokens": TOKENS}}),
        "check": Check(),
        "back": Insert.model_validate({"insert": {"text": BACK}}),
        "fork": Fork(),
        "last": Check(),
    }
    edges = {
        "write": (Exit(None, "check", 0),),
        "check": (Exit(None, "back", 0),),
        "back": (Exit(enough, "join" if fork else "end", 0), Exit(None, "write", 1)),
        "fork": (Exit(None, "last", 0),),
        "last": (Exit(None, "end", 0),),
    }
    return Graph("fork" if fork else "write", frozenset({"write"}), nodes, edges, frozenset())


class TokenByToken(Scripted):
    """Says its ids one by one, and suspends once a call all the same."""

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        cut, ids, last = request.cut, self._says(request), 0
        await asyncio.sleep(0)
        while not cut.feed(ids[last : last + 1]):
            yield Delta(ids[last : last + 1])
            last += 1
        yield Delta(ids[last : last + 1], Usage(len(request.prompt), decoded=last + 1))


def writer_of(delta: str) -> tuple[Tokenizer, Scripted]:
    """The instant writer of both; it suspends once a call."""
    tokenizer = shipped()
    ids = tuple(tokenizer.encode(SCRIPT)[: TOKENS + 1])
    template = Template(tokenizer, "{{ messages[-1].content }}\n")
    return tokenizer, (TokenByToken if delta == "token" else Scripted)(tokenizer, template, lambda _: ids)


async def relay_hops(rollouts: int, delta: str, *, pens: int = 1) -> Speed:
    """Walk so many rollouts with the run file on, and count its rows."""
    _, engine = writer_of(delta)
    plan = RunPlan(
        [PROBLEM], [CellPlan(graph(CYCLES // pens, fork=pens == 2), Limits(10**6, 10**6, 600.0), Sampling(), 7)],
        rollouts, {"w": engine}, {},
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hops.relay"
        writer = RunWriter.create(path)
        jobs, tally = Jobs(plan, ticks := Ticks()), Tally(total=rollouts)
        recorder = RunRecorder(writer)
        wall, cpu = time.perf_counter(), time.process_time()
        await Batch(recorder, None, tally, ticks).run(
            recorder.beginning(jobs, map(plan.begun, range(rollouts))), in_flight=IN_FLIGHT
        )
        writer.close(finished=True)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        with closing(sqlite3.connect(path)) as db:
            hops, tokens = db.execute("SELECT count(*), sum(length(ids)) / 4 FROM hop").fetchone()
            ended = db.execute("SELECT count(*) FROM rollout WHERE stop IS NOT NULL").fetchone()[0]
        size = path.stat().st_size
        expected = rollouts * (3 * CYCLES + 2 * (pens == 2))
        assert (hops, ended) == (expected, rollouts), f"{hops} hops and {ended} rollouts, not {expected} and {rollouts}"
        assert rollouts < 512 or size <= 9 * tokens + 90 * hops, f"{size} bytes for {tokens} tokens in {hops} hops"
    return Speed(hops, wall, cpu)


async def langgraph_hops(rollouts: int, delta: str) -> Speed:
    """The same graph with the same writer in LangGraph, without a checkpointer: its state is a list of segments."""
    from langgraph.graph import END, StateGraph

    tokenizer, engine = writer_of(delta)
    head = tuple(engine.template.render(PROBLEM.question).ids)
    more = tuple(tokenizer.encode(BACK))

    class State(TypedDict):
        segments: Annotated[list[tuple[tuple[int, ...], str]], operator.add]
        computed: bool
        cycles: int

    async def write(state: State) -> dict[str, Any]:
        prompt = [*head, *(i for ids, _ in state["segments"] for i in ids)]
        cut = Cut(tokenizer, tokens=TOKENS)
        seed = seed_of(7, PROBLEM.id, 0, "write", "write", state["cycles"], "0")
        async for _ in engine.extend(Request(prompt, cut, Sampling(), seed, frozenset(), PURPOSE)):
            pass
        settled = cut.settle()
        return {"segments": [(settled.ids, settled.text)]}

    async def check(state: State) -> dict[str, Any]:
        return {"computed": "=" in state["segments"][-1][1]}

    async def back(state: State) -> dict[str, Any]:
        return {"segments": [(more, BACK)], "cycles": state["cycles"] + 1}

    def way(state: State) -> str:
        return END if state["cycles"] >= CYCLES else "write"

    build = StateGraph(State)
    for name, node in (("write", write), ("check", check), ("back", back)):
        build.add_node(name, node)
    build.set_entry_point("write")
    build.add_edge("write", "check")
    build.add_edge("check", "back")
    build.add_conditional_edges("back", way)
    compiled = build.compile()
    todo: Iterator[int] = iter(range(rollouts))

    async def walker() -> int:
        hops = 0
        for _ in todo:
            end = await compiled.ainvoke({"segments": [], "computed": False, "cycles": 0}, {"recursion_limit": 10**6})
            hops += 3 * end["cycles"]
            assert len(end["segments"]) == 2 * CYCLES
        return hops

    wall, cpu = time.perf_counter(), time.process_time()
    hops = sum(await asyncio.gather(*(walker() for _ in range(IN_FLIGHT))))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Speed(hops, wall, cpu)


def main() -> None:
    """Measure in alternating pairs and print the medians of their ratios."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--pairs", type=int, default=3)
    asked.add_argument("--rollouts", type=int, default=512, help="of relay's; LangGraph walks 256")
    asked.add_argument("--no-rival", action="store_true")
    asked.add_argument("--json", action="store_true")
    options = asked.parse_args()
    figures: dict[str, float] = {}
    for delta, least in (("segment", 10), ("token", 6)):
        walls, cpus, speeds = [], [], []
        for _ in range(options.pairs):
            ours = asyncio.run(relay_hops(options.rollouts, delta))
            speeds.append(ours.hops / ours.wall)
            if not options.no_rival:
                theirs = asyncio.run(langgraph_hops(IN_FLIGHT, delta))
                walls.append(ours.hops / ours.wall / (theirs.hops / theirs.wall))
                cpus.append(ours.hops / ours.cpu / (theirs.hops / theirs.cpu))
        figures[f"relay hops a second, a delta a {delta}"] = median(speeds)
        if walls:
            figures[f"times LangGraph, a delta a {delta}, wall (at least {least})"] = median(walls)
            figures[f"times LangGraph, a delta a {delta}, cpu (at least {least})"] = median(cpus)
    pairs = []
    for _ in range(options.pairs):
        one = asyncio.run(relay_hops(options.rollouts, "segment"))
        two = asyncio.run(relay_hops(options.rollouts, "segment", pens=2))
        pairs.append(two.hops / two.cpu / (one.hops / one.cpu))
    figures["two pens' hops a CPU second over one pen's (at least 0.6)"] = median(pairs)
    sys.exit(told(figures, as_json=options.json))


if __name__ == "__main__":
    main()
