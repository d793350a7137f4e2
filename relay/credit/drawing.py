"""Drawing continuations from every prefix, and writing down how many are right."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from relay.afterwards import under_lease
from relay.batch import Batch, Job, Tally
from relay.credit.prefixes import Prefix, Wanted, prefixes
from relay.draws import seed_of
from relay.engine import Engine
from relay.errors import Mistake, UserError
from relay.events import RolloutEnded, Tokens
from relay.grading import grader
from relay.keeping import closing_file
from relay.language.graph import Exit, Graph
from relay.language.reading import Reading, from_tree
from relay.language.scenario import Scenario
from relay.language.verifying import Given
from relay.node import Hand, Stage, Ticks
from relay.node.write import Write
from relay.prepare.jobs import CellPlan, cell_plans
from relay.prepare.models import facts_of, load_models, refuse_other_models
from relay.prepare.run import Watcher
from relay.replay.source import Source
from relay.replay.words import others_ends, policies_of
from relay.store import files, opening
from relay.store.gathered import Graded
from relay.store.reader import Run
from relay.store.schema import CHANCE
from relay.store.writer import RunWriter
from relay.walk import ROOT, Hop, Walk, begin

NODE = "(credit)"  # no node of a scenario can bear this name: continuations share no draw with the run's
INSERT = """
INSERT INTO chance VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (model, rollout, place) DO UPDATE SET
    drawn = drawn + excluded.drawn, tried = tried + excluded.tried, solved = solved + excluded.solved,
    computed = computed + excluded.computed, cached = cached + excluded.cached,
    decoded = decoded + excluded.decoded, thrown = thrown + excluded.thrown, ms = ms + excluded.ms
"""


class Credited(NamedTuple):
    """What came of it."""

    path: Path
    places: int  # prefixes that were gone on from now
    failed: int  # continuations that failed
    why: str = ""


def readable(path: Path, wanted: Wanted) -> tuple[Reading, Wanted]:
    """The run's scenario, and what is wanted with its model. Raises UserError with all that is wrong."""
    with opening.opened(path) as run:
        meta, cells, verifier = run.meta, run.cells, run.verifier
    if meta["phase"] != "done":
        raise UserError(Mistake(str(path), "the run has not ended", f"`relay run --resume {path}`"))
    reading = from_tree(meta["scenario"], meta["source"], cells)
    scenario, mistakes = reading.cells[0].scenario, []
    if not verifier:
        mistakes.append(Mistake(str(path), "nothing was graded: no segment has moved a chance", "name a verifier"))
    elif verifier != scenario.verify.name:
        what = f"its verdicts are by {verifier!r}; continuations would be graded by {scenario.verify.name!r}"
        mistakes.append(Mistake(str(path), what, "run it anew with the verifier that is to count"))
    first = next((said for said in scenario.compare if said.startswith("solo ")), "")
    by = wanted.by or first.removeprefix("solo ")
    writers = sorted(name for name, model in scenario.models.items() if model.writes)
    if by not in writers:
        what = f"there is no model {by!r} that writes" if by else "nobody is named to go on alone from each prefix"
        mistakes.append(Mistake("--by", what, f"name one of {', '.join(writers)}"))
    if wanted.cell and wanted.cell not in cells:
        mistakes.append(Mistake("--cell", f"there is no cell {wanted.cell!r}", f"there are {', '.join(cells[:8])}"))
    if mistakes:
        raise UserError.of(mistakes)
    return reading, wanted._replace(by=by)


async def credit(
    path: Path, watcher: Watcher, wanted: Wanted, engines: Mapping[str, Engine] | None = None, *,
    sandbox: bool = True,
) -> Credited:  # fmt: skip
    """Draw what is missing; killed at any moment, it can be begun again."""
    reading, wanted = readable(path, wanted)
    with Run(path) as run:
        left = next(prefixes(run, wanted), None)
    if left is None:
        watcher.note(f"{path}: nothing is missing, every segment has its credit by {wanted.by!r}")
        return Credited(path, 0, 0)
    scenario = reading.cells[0].scenario
    scenario.verify.ready(sandbox=sandbox)
    writer = RunWriter.resume(path)
    with closing_file(writer), Run(path, writing=True) as run, contextlib.closing(Source(path, writing=True)) as source:
        if not writer.query("SELECT 1 FROM sqlite_master WHERE name = 'chance'"):
            writer.add_tables(CHANCE)
        with writer.at_once():
            writer.put_meta(inode=files.inode(path))
        work = _Work(writer, run, source, reading, watcher, wanted)
        return await under_lease(writer, work.do(engines or {}, sandbox=sandbox))


class _Work:
    """One crediting of one run."""

    def __init__(
        self, writer: RunWriter, run: Run, source: Source, reading: Reading, watcher: Watcher, wanted: Wanted
    ) -> None:
        self._writer, self._run, self._source, self._watcher, self._wanted = writer, run, source, watcher, wanted
        self._scenario: Scenario = reading.cells[0].scenario
        self._plans: list[CellPlan] = cell_plans(reading)
        self._problems = run.problems
        self._tally = Tally()

    async def do(self, given: Mapping[str, Engine], *, sandbox: bool) -> Credited:
        """Open the model and the verifier, and go on from every prefix."""
        scenario, by = self._scenario, self._wanted.by
        needed = {by, *scenario.verify.models()}
        async with contextlib.AsyncExitStack() as stack:
            there = {name: engine for name, engine in given.items() if name in needed}
            opened = await load_models(scenario, needed, there, self._watcher, stack)
            refuse_other_models(self._writer, facts_of(opened))
            judging = {name: opened[name] for name in scenario.verify.models()}
            grade = await stack.enter_async_context(grader(scenario.verify, Given(judging, scenario.seed, sandbox)))
            engine = opened[by]
            policies = await policies_of(self._source, by, engine.tokenizer, opened)
            ends = await others_ends(self._source, by, engine.tokenizer, opened)
            sizes = [prefix.times for prefix in prefixes(self._run, self._wanted)]
            self._tally = Tally(total=sum(sizes))
            self._watcher.phase(f"credit by {by}", self._tally)
            recorder, ticks = _Chances(self._writer, by), Ticks()
            batch = Batch(recorder, grade, self._tally, ticks)
            hand = lambda head: Hand(engine, head, ends, policies)  # noqa: E731
            await batch.run(self._jobs(recorder, hand, ticks), in_flight=engine.rows)
        return Credited(self._writer.path, len(sizes), self._tally.failed, self._tally.last_failure)

    def _jobs(self, recorder: "_Chances", hand: Callable[[Any], Hand], ticks: Ticks) -> Iterator[Job]:
        by = self._wanted.by
        node = Write.model_validate({"write": by})
        graph = Graph(NODE, frozenset({NODE}), {NODE: node}, {NODE: (Exit(None, "end", 0),)}, frozenset())
        template = hand(None).engine.template
        for i, prefix in enumerate(prefixes(self._run, self._wanted)):
            problem, plan = self._problems[prefix.problem], self._plans[prefix.cell]
            head = template.render(problem.question, self._scenario.models[by].system)
            hands = MappingProxyType({by: hand(head)})
            seed = seed_of(plan.seed, problem.id, prefix.rollout, "credit", prefix.place)
            start = begin(NODE).pens[ROOT]._replace(trajectory=prefix.moved.before, tokens=prefix.moved.spent)
            recorder.expect(i, prefix)
            for number in range(prefix.first, prefix.first + prefix.times):
                stage = Stage(
                    problem, number, graph, hands, seed, plan.limits, plan.sampling, ticks=ticks,
                    unfinished=plan.unfinished,
                )  # fmt: skip
                yield Job(i, prefix.cell, Walk({ROOT: start}), stage)


class _Chances:
    """Counts the continuations of each prefix; a prefix goes down when all of its are there."""

    def __init__(self, writer: RunWriter, by: str) -> None:
        self._writer, self._by = writer, by
        self._prefixes: dict[int, Prefix] = {}
        self._sums: dict[int, list[int]] = {}  # drawn, tried, solved, computed, cached, decoded, thrown, ms

    def expect(self, number: int, prefix: Prefix) -> None:
        """Continuations of this prefix are coming, under this number."""
        self._prefixes[number], self._sums[number] = prefix, [0] * 8

    def hop(self, job: Job, hop: Hop) -> None:
        """A continuation was written."""
        sums, usage = self._sums[job.id], hop.usage
        spent = (usage.computed, usage.cached, usage.decoded, usage.thrown, round(usage.seconds * 1000))
        sums[3:] = [a + b for a, b in zip(sums[3:], spent, strict=True)]

    def live(self, job: Job, tokens: Tokens) -> None:
        """Nobody watches it."""

    def end(self, job: Job, ended: RolloutEnded, graded: Graded | None) -> None:
        """One more; the last of its prefix writes the row."""
        sums, prefix = self._sums[job.id], self._prefixes[job.id]
        sums[0] += 1
        if graded is not None:
            sums[1] += 1
            sums[2] += graded.outcome == "correct"
        if sums[0] == prefix.times:
            reader = self._writer.names[self._by]
            row = (prefix.rollout, prefix.place, reader, prefix.moved.step, int(prefix.last), *sums)
            self._writer.beside(INSERT, row)
            del self._sums[job.id], self._prefixes[job.id]

    def gather(self) -> None:
        """Whoever holds the lease writes down what there is."""

    def write(self, gathered: None) -> None:
        """As above."""
