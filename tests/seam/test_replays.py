"""Random relays, recorded and played again: every hop is what it was, from the recording and from the hops alone."""

import asyncio
import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from relay.engine import Engine
from relay.prepare.jobs import Jobs, RunPlan
from relay.prepare.models import facts_of
from relay.recorder import RunRecorder
from relay.replay.engine import ReplayModel
from relay.runtime import rollout
from relay.seam.tokens import Tokenizer
from relay.store.rows import pack
from relay.store.tape import Tape, lay_out, put_words
from relay.store.writer import RunWriter
from relay.walk import Hop
from tests.seam.test_relays import Relay, relays, texts, vocabularies, walked

__all__ = ["texts", "vocabularies"]
EXAMPLES = int(os.environ.get("RELAY_RELAYS", "60"))

Hops = dict[tuple[str, int], Hop]


async def hops_of(plan: RunPlan, recorder: RunRecorder | None = None) -> Hops:
    jobs, found = Jobs(plan), {}
    job = jobs.job(jobs.plan.begun(0))
    async for event in rollout(job.walk, job.stage):
        if hasattr(event, "hop"):
            hop = event.hop
            found[hop.pen, hop.n] = hop._replace(usage=hop.usage._replace(seconds=0.0))
            if recorder is not None:
                recorder.hop(job, hop)
    return found


def record(path: Path, jobs: Jobs) -> Hops:
    """Walk it once more, recorded into a file."""
    plan, (problem,) = jobs.plan, jobs.plan.problems
    writer = RunWriter.create(path)
    lay_out(writer, "test")
    tape = Tape(writer, plan.cells[0].graph.nodes)
    with writer.at_once():
        writer.put("cell", [(0, "all", "{}")])
        writer.put("problem", [(0, problem.id, "math", problem.question, problem.answer, problem.hash, None)])
        heads = [(0, writer.name(n), pack(h.ids), h.text, h.thinking) for _, n, h in jobs.heads()]
        writer.put("head", heads)
        writer.put_names()
        writer.put_meta(scenario={}, phase="done", samples=1, models=facts_of(plan.engines))
        put_words(writer, plan.engines)
    writer.begin(jobs.plan.begun(0))
    found = asyncio.run(hops_of(plan._replace(engines=tape.around(plan.engines)), RunRecorder(writer, tape)))
    writer.close(finished=True)
    return found


def replayed(path: Path, plan: RunPlan, speed: float = 0.0) -> Hops:
    async def play() -> Hops:
        engines: dict[str, Engine] = {}
        for name in plan.engines:
            engines[name] = await ReplayModel(run=str(path), model=name, speed=speed).open()
        try:
            return await hops_of(plan._replace(engines=engines))
        finally:
            for engine in engines.values():
                await engine.aclose()

    return asyncio.run(play())


@pytest.mark.parametrize("texts", ["own words", "real traces"], indirect=True)
def test_a_relay_played_again_is_the_same_relay(
    texts: Sequence[str], vocabularies: list[Tokenizer], tmp_path: Path
) -> None:
    seen = {"hops": 0, "thrown": 0, "pens": 0, "stops": set[str]()}

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(relay=relays(len(vocabularies)))
    def check(relay: Relay) -> None:
        _, jobs = walked(relay, vocabularies, texts)
        path = tmp_path / "run.relay"
        path.unlink(missing_ok=True)
        plain = asyncio.run(hops_of(jobs.plan))
        hops = record(path, jobs)
        assert hops == plain, "recording changed the run"
        assert replayed(path, jobs.plan) == hops
        with closing(sqlite3.connect(path)) as db, db:
            calls = dict(db.execute("SELECT id / 256, count(*) FROM call GROUP BY 1"))
            assert set(calls.values()) <= {1}
            db.execute("DELETE FROM call")
        assert replayed(path, jobs.plan) == hops, "from the hops alone"
        count(seen, hops)

    check()
    assert seen["hops"] > 5 * EXAMPLES
    assert seen["thrown"] > EXAMPLES
    assert seen["pens"] > EXAMPLES
    assert seen["stops"] >= {"tokens", "sentences", "text", "turn", "closed_by_force", "budget tokens"}


def count(seen: dict[str, Any], hops: Mapping[tuple[str, int], Hop]) -> None:
    seen["hops"] += len(hops)
    seen["thrown"] += sum(hop.usage.thrown for hop in hops.values())
    seen["pens"] += len({pen for pen, _ in hops})
    seen["stops"] |= {hop.segment.stop for hop in hops.values() if hop.segment}
