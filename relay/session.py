"""One run from start to end: open the engines, prepare, walk every rollout, close the file.

A new run and a resumed one differ in one place only: whether the plan is made or read back.
"""

import contextlib
import json
import time
from collections import Counter
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple

from relay.batch import Batch, Tally
from relay.clock import Stopwatch
from relay.ending import failures, notes, outcomes_of
from relay.engine import Engine
from relay.engine.queue import calls_of, queued
from relay.forks import Forks
from relay.grading import Grader, grader
from relay.keeping import closing_file, heartbeat
from relay.language.reading import Reading, from_tree
from relay.language.shapes import dumped
from relay.language.verifying import NONE, Given, Verify
from relay.language.yaml_places import Place, Spot
from relay.node import Ticks
from relay.node.algebra import WORK as ALGEBRA
from relay.pool import Pool, default_path
from relay.prepare import recorded
from relay.prepare.filed import read_back
from relay.prepare.jobs import Jobs, RunPlan, cell_plans
from relay.prepare.models import (
    counting_failures,
    facts_of,
    load_models,
    notes_of,
    refuse_logprobs,
    refuse_other_models,
    refuse_scoreless,
)
from relay.prepare.problem_sets import problems_of
from relay.prepare.run import Tools, Watcher, judges_of, pairs_of, prepare, used_models
from relay.recorder import RunRecorder, invited
from relay.rounds import parts
from relay.seam.policies import policies
from relay.store import files, making, opening, tape
from relay.store.forking import FORKED
from relay.store.writer import RunWriter
from relay.verifiers.workers import Pool as Workers


class Options(NamedTuple):
    """How to run, beside what the scenario says."""

    in_flight: int | None = None  # rollouts at once; by default as many as the engines like
    deterministic: bool = False  # fixed batches, so that a killed run ends as if never killed; for tests
    pool: Path | None = None
    sandbox: bool = True  # False: programs that models write run unguarded, as the user said
    record: bool = False  # keep all that the engines said, so that `engine: replay` can say it again
    logprobs: bool = False  # of a recorded run: how probable each written token was, too
    alone: bool = False  # nobody can be asked, as in a forecast: `ask` goes by its `otherwise`
    only_forks: bool = False  # walk the forks that were asked for, and nothing else


class Outcome(NamedTuple):
    """How a run ended."""

    path: Path
    total: int
    failed: int
    why: str = ""  # the last failure


async def start(
    reading: Reading, out: Path, options: Options, watcher: Watcher, engines: Mapping[str, Engine] | None = None
) -> Outcome:
    """Run a scenario into a new file. What goes wrong before the first rollout leaves nothing behind."""
    remove = making.footprint(out)
    if options.logprobs:
        refuse_logprobs(reading.cells[0].scenario)
    writer = RunWriter.create(out)
    with closing_file(writer, remove):
        if options.record:
            tape.lay_out(writer, token_hex(8), logprobs=options.logprobs)
        with writer.at_once():
            writer.put_meta(scenario=reading.tree, source=reading.source, folder=str(reading.folder.resolve()))
            writer.put_meta(phase="preparing", made=time.time(), relay=_version(), inode=files.inode(out))
        problems_of(reading)  # what is wrong with them is told before a model is loaded
        return await _go_on(writer, reading, options, watcher, engines)


async def resume(
    path: Path, options: Options, watcher: Watcher, engines: Mapping[str, Engine] | None = None
) -> Outcome:
    """Do exactly what is missing in this run file; where nothing is, the file is not touched."""
    with opening.opened(path) as run:
        if run.meta["phase"] == "done" and not options.only_forks:
            ((total, left),) = run.query("SELECT coalesce(sum(cell != ?), 0), sum(stop IS NULL) FROM rollout", FORKED)
            if not left:
                watcher.note(f"{path}: nothing is missing, all {total:,} rollouts have ended")
                return Outcome(path, total, *failures(run.query))
            options = options._replace(only_forks=True)  # nothing else is open in a run that is over
    writer = RunWriter.resume(path)
    with closing_file(writer):
        with writer.at_once():
            writer.put_meta(inode=files.inode(path))
        return await _go_on(writer, _read_back(writer), options, watcher, engines)


def _read_back(writer: RunWriter) -> Reading:
    """The scenario that the file holds; the paths in its `problems:` start where they did."""
    cells = [name for (name,) in writer.query("SELECT name FROM cell")]
    reading = from_tree(writer.meta("scenario"), writer.meta("source"), cells)
    place = Place(str(Path(writer.meta("folder") or "") / "scenario"), 1)
    return reading._replace(places={("problems",): Spot(None, place)})


async def _go_on(
    writer: RunWriter, reading: Reading, options: Options, watcher: Watcher, engines: Mapping[str, Engine] | None
) -> Outcome:
    scenario = reading.cells[0].scenario
    async with contextlib.AsyncExitStack() as stack:
        beating = await stack.enter_async_context(heartbeat(writer))
        uses = scenario.verify.ready(sandbox=options.sandbox)
        judges = judges_of(reading, cell_plans(reading))
        used = used_models(reading, cell_plans(reading)) | judges
        taken = sorted(name for name in used if not scenario.models[name].writes)
        kept = recorded.recordings(reading, taken, options.pool or default_path())
        writer.holds(Stopwatch())
        opened = await load_models(scenario, used - set(taken), engines or {}, watcher, stack, options.deterministic)
        refuse_scoreless(cell_plans(reading), opened)
        noting = stack.enter_context(
            counting_failures(writer, opened)
        )  # of the engines themselves: a model may have two names
        notes = notes_of(opened)
        counted = queued(opened)
        opened = {**counted}
        recording = _tape_of(writer, reading)
        opened = opened if recording is None else recording.around(opened)
        judging = {name: opened[name] for name in scenario.verify.models()}
        given = Given(judging, scenario.seed, options.sandbox)
        opened = {name: engine for name, engine in opened.items() if name not in judges}
        opened |= recorded.engines(reading, kept, opened)
        handoffs = _handoffs_of(reading, opened)
        grade = await stack.enter_async_context(grader(scenario.verify, given))
        facts = facts_of(opened | judging)
        in_flight = options.in_flight or max((e.rows for e in opened.values()), default=0) or 256
        if writer.meta("phase") == "preparing":
            pool = (
                stack.enter_context(contextlib.closing(Pool(options.pool or default_path()))) if scenario.pool else None
            )
            plan = await prepare(writer, reading, Tools(opened, pool, grade, watcher, in_flight, notes))
        else:
            plan = read_back(writer, reading, opened)
        refuse_other_models(writer, facts)
        with writer.at_once():
            writer.put_meta(models=facts, handoffs=handoffs)
            note_verifier(writer, scenario.verify, uses)
            if recording is not None:
                tape.put_words(writer, opened | judging)
        if beating.done():
            await beating  # it failed: nothing may be written any more
        beating.cancel()
        recorder = RunRecorder(writer, recording, noting, lambda: json.dumps(calls_of(counted)))
        return await _walk(recorder, plan, (scenario.verify.name, grade), watcher, in_flight, options)


def _tape_of(writer: RunWriter, reading: Reading) -> tape.Tape | None:
    """What records this run's engines, if the run is recorded: a resumed one is when it was so before."""
    if writer.meta("recording") is None:
        return None
    return tape.Tape(writer, {node for cell in reading.cells for node in cell.scenario.graph.nodes})


async def _walk(
    recorder: RunRecorder,
    plan: RunPlan,
    grading: tuple[str, Grader | None],
    watcher: Watcher,
    in_flight: int,
    options: Options,
) -> Outcome:
    writer, only_forks = recorder.writer, options.only_forks
    verifier, grade = grading
    ticks = Ticks()
    begun = [(b, hops) for b, hops in writer.open_rollouts() if b.cell == FORKED or not only_forks]
    first, forked = writer.rollouts_begun(), sum(b.cell == FORKED for b, _ in begun)
    tally = Tally(
        forked + (first if only_forks else plan.total),
        forked + first - len(begun),
        outcomes=Counter(outcomes_of(writer, verifier)),
    )
    watcher.phase("walking", tally)
    people = invited(recorder, only_forks=only_forks)
    asking = {
        n for cell in plan.cells for n, node in cell.graph.nodes.items() if node.asks() and n not in cell.graph.passed
    }
    for name in sorted(asking) if not options.alone else ():
        watcher.note(f"{name} asks a person and waits: `relay watch {writer.path}` answers")
    async with contextlib.aclosing(Workers(ALGEBRA)) as algebra:  # none is started before one is needed
        asked, verifier_ = None if options.alone else people, None if grade is None else grade.verifier
        jobs = Jobs(plan, ticks, algebra, verifier_, asked, logprobs=tape.logprobs(writer))
        forks = Forks(jobs, recorder, people)
        batch = Batch(recorder, grade, tally, ticks, people, forks)
        open_ = (jobs.job(b, hops, forks.origin(b)) for b, hops in begun)
        for coming in [iter(())] if only_forks else parts(plan, writer, first, tally):
            await batch.run(chain(open_, recorder.beginning(jobs, coming)), in_flight=in_flight)
    people.close()
    if not only_forks:
        said = notes(plan, writer)
        for note in said:
            watcher.note(note)
        with writer.at_once():
            writer.put_meta(phase="done", ended=time.time(), notes=[*(writer.meta("notes") or ()), *said])
    return Outcome(writer.path, tally.total, *failures(writer.query))


def note_verifier(writer: RunWriter, verify: Verify, uses: str) -> None:
    """Write down who grades, how, with every default said, and with what; the run's own verifier comes first."""
    if verify.name != NONE:
        writer.put_meta(verifiers={**(writer.meta("verifiers") or {}), verify.name: dumped(verify)})
    if uses:
        writer.put_meta(sandbox=uses)


def _handoffs_of(reading: Reading, engines: Mapping[str, Engine]) -> list[dict[str, str]]:
    """How each model is given what each other one writes. Raises UserError where it cannot be given the same text."""
    found = policies({n: e.tokenizer for n, e in engines.items()}, pairs_of(cell_plans(reading)))
    return [{"author": a, "reader": r, "policy": p.name, "why": p.why} for (a, r), p in found.items()]


def _version() -> str:
    from relay import __version__

    return __version__
