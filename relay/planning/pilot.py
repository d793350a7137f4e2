"""A small part of a run, walked to learn what the whole will cost."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, NamedTuple

from relay.batch import Tally
from relay.draws import generator
from relay.engine import Engine
from relay.language.reading import Reading, from_tree
from relay.language.scenario import Scenario
from relay.planning.meter import Call, Meter
from relay.planning.wall import Pace, fitted
from relay.pool import Pool, default_path
from relay.prepare.jobs import cell_plans
from relay.prepare.models import load_models
from relay.prepare.problem_sets import problems_of
from relay.prepare.run import Tools, Watcher, judges_of, needs_of, rules_of, solo_plan, used_models
from relay.problems import Problem
from relay.session import Options, Outcome, start
from relay.store.reader import Run

TOKENS = """
SELECT c.name, r.id, coalesce(sum(s.decoded), 0), coalesce(sum(s.thrown), 0), coalesce(sum(s.computed), 0),
       coalesce(sum(s.cached), 0), (SELECT n.text FROM verdict v JOIN name n ON n.id = v.outcome WHERE v.rollout = r.id)
FROM rollout r JOIN cell c ON c.id = r.cell LEFT JOIN step s ON s.rollout = r.id GROUP BY r.id
"""


class Spent(NamedTuple):
    """What one rollout of the pilot cost."""

    cell: str
    decoded: int
    thrown: int
    computed: int
    cached: int
    correct: bool


class Pilot(NamedTuple):
    """What a small part of the run was."""

    own: bool  # whether its models were the scenario's own
    problems: int  # walked
    selected: int  # of these, by the scenario's rules; all where it has none
    loading: float  # seconds until the models were open
    at_once: int  # rollouts that the engines like to have under way
    calls: Sequence[Call]
    spent: Sequence[Spent]
    missing: Mapping[str, int]  # by model: solos that the whole run must sample first
    notes: Sequence[str] = ()
    pace: Pace | None = None  # where it is known; else the calls show it, if the models were real


async def calibrate(reading: Reading, problems: int, options: Options, watcher: Watcher) -> Pilot:
    """Walk a small part with the scenario's own models; what they say is not kept. Raises UserError."""
    scenario = reading.cells[0].scenario
    began = perf_counter()
    async with AsyncExitStack() as stack:
        engines = await load_models(scenario, writers_of(reading), {}, watcher, stack, options.deterministic)
        loading = perf_counter() - began
        lacking = missing_solos(reading, engines, options.pool or default_path())
        found = await walk(reading, problems, engines, loading, watcher, options)
    pace = fitted(found.calls) if found.calls else None
    return found._replace(own=True, missing=lacking, pace=pace)


async def walk(
    reading: Reading,
    problems: int,
    engines: Mapping[str, Engine],
    loading: float,
    watcher: Watcher,
    options: Options | None = None,
) -> Pilot:
    """Walk a small part with these engines. Raises UserError."""
    options = options or Options()
    chosen = _some(reading, problems)
    meter = Meter()
    metered = {name: meter.around(name, engine) for name, engine in engines.items()}
    with TemporaryDirectory(prefix="relay-pilot-") as folder:
        part = _part(reading, chosen, Path(folder))
        pool = options.pool if _recorded(reading) else Path(folder) / "pool.sqlite"
        where = options._replace(
            pool=pool or (default_path() if _recorded(reading) else None), record=False, alone=True
        )
        outcome = await start(part, Path(folder) / "pilot.relay", where, watcher, metered)
        spent, selected = _spent(outcome)
    rows = options.in_flight or max((e.rows for e in engines.values()), default=256)
    failed = (
        f"{outcome.failed} of {outcome.total} rollouts walked for this failed, and count as they came: {outcome.why}"
    )
    notes = [failed] if outcome.failed else []
    return Pilot(False, len(chosen), selected, loading, rows, meter.calls, spent, {}, notes)


def _some(reading: Reading, problems: int) -> list[Problem]:
    """A seeded draw of the run's own problems."""
    found = problems_of(reading).problems
    seed = reading.cells[0].scenario.seed
    return generator(seed, "", 0, "pilot").sample(found, min(problems, len(found)))


def _part(reading: Reading, problems: Sequence[Problem], folder: Path) -> Reading:
    """The same scenario on these problems: one sample of each, all that the rules select."""
    path = folder / "problems.jsonl"
    rows = [{**p.extra, "id": p.id, "question": p.question, "answer": p.answer, "kind": p.kind} for p in problems]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    named = {"from": str(path), "fields": {"id": "id", "question": "question", "answer": "answer"}}
    tree: dict[str, Any] = {**reading.tree, "problems": named, "samples": 1}
    if isinstance(select := tree.get("select"), dict):
        tree["select"] = {key: value for key, value in select.items() if key not in ("limit", "evenly")}
    return from_tree(tree, reading.source)


def _spent(outcome: Outcome) -> tuple[list[Spent], int]:
    with Run(outcome.path) as run:
        spent = [Spent(cell, d, t, c, h, v == "correct") for cell, _, d, t, c, h, v in run.query(TOKENS)]
        return spent, len(run.problems)


def missing_solos(reading: Reading, engines: Mapping[str, Engine], pool: Path) -> dict[str, int]:
    """How many solos each model must still sample for the whole run."""
    scenario = reading.cells[0].scenario
    problems = problems_of(reading).problems
    missing = {name: len(problems) * samples(scenario) for name in pooled(reading)}
    if missing and pool.is_file():
        with closing(Pool(pool)) as opened:
            for name in missing:
                tools = Tools(engines, opened, None, Phases(), 1, [])
                plan = solo_plan(scenario, name, problems, tools)
                missing[name] = len(opened.missing(plan.address, problems, plan.samples))
    return missing


class Phases:
    """A watcher that is told how far it is, and no notes: those of a rehearsal are about nothing real."""

    def __init__(self, watcher: Watcher | None = None) -> None:
        self._watcher = watcher

    def phase(self, name: str, tally: Tally) -> None:
        """Pass it on."""
        if self._watcher is not None:
            self._watcher.phase(name, tally)

    def note(self, text: str) -> None:
        """Nothing."""


def writers_of(reading: Reading) -> set[str]:
    """The models that must be there to write or judge."""
    cells = cell_plans(reading)
    names = used_models(reading, cells) | judges_of(reading, cells)
    return {name for name in names if reading.cells[0].scenario.models[name].writes}


def pooled(reading: Reading) -> set[str]:
    """The models that sample solos first."""
    scenario = reading.cells[0].scenario
    needs = {need.model for cell in cell_plans(reading) for need in needs_of(cell)}
    names = needs | {rule.model for rule in rules_of(scenario)}
    return {name for name in names if scenario.models[name].writes}


def _recorded(reading: Reading) -> bool:
    """Whether the run takes trajectories of models that exist in the pool only."""
    scenario = reading.cells[0].scenario
    used = used_models(reading, cell_plans(reading))
    return any(not scenario.models[name].writes for name in used)


def samples(scenario: Scenario) -> int:
    """Solos of each problem that the pool holds."""
    return scenario.pool.samples if scenario.pool else 0
