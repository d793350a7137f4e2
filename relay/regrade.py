"""Grading a finished run once more, by another verifier: its traces stay as they are, the verdicts of both are kept."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from relay.afterwards import under_lease
from relay.batch import Tally
from relay.ending import outcomes_of
from relay.engine import Engine
from relay.errors import Mistake, UserError
from relay.grading import judged, question_of
from relay.keeping import closing_file
from relay.language.reading import Reading, from_changed_tree
from relay.language.verifying import NONE, Given, Verify
from relay.measure.judging import UNGRADED, ungraded
from relay.node.answered import Answer, answer_of
from relay.prepare.models import facts_of, load_models, refuse_other_models
from relay.prepare.run import Watcher
from relay.problems import Problem
from relay.session import note_verifier
from relay.store import files, lease, opening
from relay.store.gathered import Graded
from relay.store.reader import Run
from relay.store.writer import RunWriter
from relay.verifiers import Outcome, Verdict, Verifier
from relay.walk import ROOT

AT_ONCE = 64  # answers that are graded together, where no engine says more


class Asked(NamedTuple):
    """One answer of the run to grade."""

    rollout: int
    cell: int
    problem: Problem
    sample: int
    answer: Answer
    said: Mapping[str, Verdict]  # by others, and as part of other rules by this one


class Regraded(NamedTuple):
    """What came of it."""

    path: Path
    verifier: str
    verdicts: int  # that were reached now


def read_verifier(path: Path, verifier: str, sets: Mapping[str, str]) -> Reading:
    """The run's scenario with this verifier, and with more models where `sets` names some. Raises UserError."""
    with opening.opened(path) as run:
        meta = run.meta
        if meta["phase"] != "done":
            raise UserError(Mistake(str(path), *_unfinished(run)))
    others = [Mistake(f"--set {p}", "only models can be set here", "--set models.NAME=...") for p in sets]
    if bad := [mistake for mistake in others if not mistake.where.startswith("--set models.")]:
        raise UserError.of(bad)
    changes = {at: (text, f"--set {at}") for at, text in sets.items()} | {"verify": (verifier, "--regrade")}
    reading = from_changed_tree(meta["scenario"], str(path), changes)
    if reading.cells[0].scenario.verify.name == NONE:
        raise UserError(Mistake("--regrade", "'none' grades nothing", "name a verifier"))
    return reading


def _unfinished(run: Run) -> tuple[str, str]:
    row = run.query("SELECT boot, pid, started, beat FROM lease")
    if row and lease.is_held(row[0]):
        return f"the run is still going on, by process {row[0][1]}", "grade it once more when it has ended"
    return "the run was broken off before its end", f"`relay run --resume {run.path}` does what is missing"


async def regrade(
    path: Path,
    reading: Reading,
    watcher: Watcher,
    engines: Mapping[str, Engine] | None = None,
    *,
    sandbox: bool = True,
    by: Verify | None = None,
    asked: "Callable[[Run, str], Iterator[Asked]] | None" = None,
) -> Regraded:
    """Grade every rollout that this verifier has not graded yet; killed at any moment, it can be begun again.

    `by` and `asked` are another verifier than the reading's and other texts than answers: its verdicts are no scores.
    """
    verify = by or reading.cells[0].scenario.verify
    uses = verify.ready(sandbox=sandbox)
    with opening.opened(path) as run:
        missing = ungraded(run, verify.name)
        answers = partial(_asked, unfinished=reading.cells[0].scenario.unfinished)
        what = _Work(verify, asked or answers, uses, run.verifiers, scores=by is None)
    if not missing:
        watcher.note(f"{path}: nothing is missing, every answer has a verdict by {verify.name!r}")
        if what.scores and verify.name not in what.before:  # as a part of rules only: from now on it is a score too
            writer = RunWriter.resume(path)
            with closing_file(writer), writer.at_once():
                _note(writer, what)
        return Regraded(path, verify.name, 0)
    writer = RunWriter.resume(path)
    with closing_file(writer), Run(path, writing=True) as run:
        given = Given(engines or {}, sandbox=sandbox)
        verdicts = await under_lease(writer, _grade(writer, run, reading, watcher, given, what))
    return Regraded(path, verify.name, verdicts)


class _Work(NamedTuple):
    """What is graded, and by what."""

    verify: Verify
    asked: "Callable[[Run, str], Iterator[Asked]]"
    uses: str
    before: list[str]  # the verifiers until now
    scores: bool  # its verdicts are scores


async def _grade(writer: RunWriter, run: Run, reading: Reading, watcher: Watcher, given: Given, what: "_Work") -> int:
    scenario, verify = reading.cells[0].scenario, what.verify
    async with contextlib.AsyncExitStack() as stack:
        models = set(verify.models())
        there = {name: engine for name, engine in given.engines.items() if name in models}
        opened = await load_models(scenario, models, there, watcher, stack)
        refuse_other_models(writer, facts_of(opened))
        with writer.at_once():
            known = writer.meta("models") or {}
            writer.put_meta(models={**known, **{k: v for k, v in facts_of(opened).items() if k not in known}})
            _note(writer, what)
        given = given._replace(engines=opened, seed=scenario.seed)
        verifier = await stack.enter_async_context(contextlib.aclosing(verify.open(given)))
        left = ungraded(run, verify.name)
        tally = Tally(total=left, outcomes=Counter(outcomes_of(writer, verify.name)))
        watcher.phase(f"grading by {verify.name}", tally)
        asked = what.asked(run, verify.name)
        at_once = max([AT_ONCE, *(e.rows for e in opened.values())])
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(_work(asked, verify.name, verifier, writer, tally))
    return tally.done


def _note(writer: RunWriter, what: "_Work") -> None:
    """Write down that this verifier grades the run too; an older run names the others in its verdicts only."""
    writer.put_meta(inode=files.inode(writer.path))
    if writer.meta("verifiers") is None:
        writer.put_meta(verifiers={name: name for name in what.before})
    if what.scores:
        note_verifier(writer, what.verify, what.uses)


async def _work(asked: Iterator[Asked], name: str, verifier: Verifier, writer: RunWriter, tally: Tally) -> None:
    for one in asked:
        question = question_of(one.problem, one.sample, one.answer)._replace(said=one.said)
        found: Graded = await judged(name, verifier, question)
        writer.verdict(one.rollout, found._replace(parts=tuple(p for p in found.parts if p.verifier not in one.said)))
        tally.done += 1
        tally.outcomes[one.cell, found.outcome] += 1
        await asyncio.sleep(0)  # the beat comes in between, however quick the verdicts are


def _asked(run: Run, verifier: str, unfinished: str) -> Iterator[Asked]:
    """The answers without a verdict by this verifier, read one by one."""
    problems = run.problems
    thinking = {(p, m): t != "none" for p, m, t in run.query(_HEADS)}
    for number, problem, sample, cell in run.query(ROWS, verifier):
        trajectory = run.walk(number).pens[ROOT].trajectory
        authors = [s.model for s in trajectory.newest_first() if (problem, s.model) in thinking]
        thinks = thinking[problem, authors[0]] if authors else any(t for (p, _), t in thinking.items() if p == problem)
        said = {o.verifier: Verdict(Outcome(o.outcome), o.found, o.why, 0.0) for o in run.opinions(number)}
        answer = answer_of(trajectory, thinks=thinks, unfinished=unfinished)
        yield Asked(number, cell, problems[problem], sample, answer, said)


ROWS = UNGRADED.replace("count(*)", "r.id, r.problem, r.sample, r.cell") + "ORDER BY r.id"
_HEADS = "SELECT h.problem, n.text, h.thinking FROM head h JOIN name n ON n.id = h.model"
