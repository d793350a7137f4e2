"""A run with two pens live in every rollout, as a program that can be killed:
python two_pens.py RUN [--resume] [--record].
"""

import asyncio
import sys
from itertools import chain
from pathlib import Path

from relay.batch import Batch, Tally
from relay.engine import Engine, Request, Sampling
from relay.engine.scripted import Scripted, shipped
from relay.language.graph import Exit, Graph
from relay.node import Act, Desk, Limits, Ticks
from relay.node.answered import Answer
from relay.node.insert import Insert
from relay.node.write import Write
from relay.prepare.jobs import CellPlan, Jobs, RunPlan
from relay.problems import Problem
from relay.recorder import RunRecorder
from relay.seam.templates import Template
from relay.store.gathered import Graded
from relay.store.tape import Tape, lay_out, put_words
from relay.store.writer import RunWriter

ROLLOUTS, PROBLEMS = 48, 3


class Fork:
    """Two pens start at `think`; a third party's verb, in the lines it takes."""

    def act(self, desk: Desk) -> Act:
        return Act(branches=2, starts="think")


def says(request: Request) -> str:
    problem, sample, node, visit, pen = request.purpose
    drawn = request.seed % 1000
    return f"{node} {visit} of pen {pen} on {problem.id}, sample {sample}, drew {drawn}. "


def graph() -> Graph:
    nodes = {
        "open": Write.model_validate({"write": "w", "until": {"sentences": 1}}),
        "fork": Fork(),
        "think": Write.model_validate({"write": "w", "until": {"sentences": 1}}),
        "steer": Insert.model_validate({"insert": {"text": "Wait. "}}),
        "last": Write.model_validate({"write": "w"}),
    }
    edges = {
        "open": (Exit(None, "fork", 0),),
        "fork": (Exit(None, "last", 0),),
        "think": (Exit(lambda pen, luck: pen.visits["think"] >= 6, "join", 0), Exit(None, "steer", 1)),
        "steer": (Exit(None, "think", 0),),
        "last": (Exit(None, "end", 0),),
    }
    return Graph("open", frozenset({"last"}), nodes, edges, frozenset())  # type: ignore[arg-type]


async def grade(job: object, answer: Answer) -> Graded:
    await asyncio.sleep(0.001)
    return Graded("length", "correct" if len(answer.text) % 2 else "wrong", str(len(answer.text)), "", 0.0)


def plan_of(engine: Engine) -> RunPlan:
    problems = [Problem(f"p{i}", f"question {i}", "4") for i in range(PROBLEMS)]
    return RunPlan(problems, [CellPlan(graph(), Limits(), Sampling(), 7)], ROLLOUTS // PROBLEMS, {"w": engine}, {})


async def main(path: Path, *, resume: bool, record: bool) -> None:
    tokenizer = shipped()
    engine = Scripted(tokenizer, Template(tokenizer, None), says, delta="token", seconds=0.02)
    plan = plan_of(engine)
    writer = RunWriter.resume(path) if resume else RunWriter.create(path)
    if not resume:
        if record:
            lay_out(writer, "two pens")
        with writer.at_once():
            writer.put("cell", [(0, "all", "{}")])
            writer.put(
                "problem", [(i, p.id, p.kind, p.question, p.answer, p.hash, None) for i, p in enumerate(plan.problems)]
            )
            writer.put_meta(scenario={"graph": {"start": "open"}}, phase="walking", samples=plan.samples)
            writer.put_meta(models={"w": {"tokenizer": tokenizer.fingerprint, "template": engine.template.fingerprint}})
            if record:
                put_words(writer, plan.engines)
    tape = Tape(writer, plan.cells[0].graph.nodes) if record else None
    plan = plan if tape is None else plan._replace(engines=tape.around(plan.engines))
    jobs = Jobs(plan, ticks := Ticks())
    recorder = RunRecorder(writer, tape)
    print("ready", flush=True)
    begun = [jobs.job(b, hops) for b, hops in writer.open_rollouts()]
    fresh = map(plan.begun, range(writer.rollouts_begun(), plan.total))
    coming = chain(begun, recorder.beginning(jobs, fresh))
    await Batch(recorder, grade, Tally(), ticks).run(coming, in_flight=8)
    writer.close(finished=True)


if __name__ == "__main__":
    import relay.batch

    relay.batch.FLUSH = 0.02  # so that kills fall between flushes of a short run
    asyncio.run(main(Path(sys.argv[1]), resume="--resume" in sys.argv, record="--record" in sys.argv))
