"""A small part of a run, walked to learn what the whole will cost: with the real models, or with simulated ones."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, NamedTuple

from relay.draws import generator
from relay.engine import Engine, Words
from relay.engine.replica import Speed
from relay.engine.scripted import TEMPLATE, shipped
from relay.engine.simulated import Known, Simulated
from relay.errors import Mistake, UserError
from relay.language.reading import Reading, from_tree
from relay.language.scenario import Scenario
from relay.planning.meter import Call, Meter
from relay.pool import Pool, default_path
from relay.prepare.jobs import cell_plans
from relay.prepare.models import load_models
from relay.prepare.problem_sets import problems_of
from relay.prepare.run import Tools, Watcher, judges_of, needs_of, rules_of, solo_plan, used_models
from relay.problems import Problem
from relay.seam.templates import Template
from relay.session import Options, Outcome, start
from relay.simulate.rates import LogitNormal
from relay.simulate.reasoner import Behaviour
from relay.simulate.study import Lengths
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

    real: bool  # whether its models were the scenario's own
    problems: int  # walked
    selected: int  # of these, by the scenario's rules; all where it has none
    loading: float  # seconds until the models were open
    at_once: int  # rollouts that the engines like to have under way
    calls: Sequence[Call]
    spent: Sequence[Spent]
    missing: Mapping[str, int]  # by model: solos that the whole run must sample first
    notes: Sequence[str] = ()


class Sizes(NamedTuple):
    """What is assumed of models that are not there."""

    tokens: float | None = None  # of a solo; None: as in the pool or, where it has none, half of what it may have
    sd: float = 0.5  # of its logarithm


async def rehearse(reading: Reading, problems: int, sizes: Sizes, watcher: Watcher, pool: Path | None = None) -> Pilot:
    """Walk a small part with simulated models in the places of the scenario's. Raises UserError."""
    scenario = reading.cells[0].scenario
    if any(p.kind == "code" for p in problems_of(reading).problems):
        instead = "say --calibrate N: a few problems of it are then walked with the real models"
        raise UserError(Mistake("--dry", "a simulated model writes no programs", instead))
    notes: list[str] = []
    engines: dict[str, Engine] = {}
    for name in sorted(_writers(reading)):
        tokens = sizes.tokens or _assumed(scenario, name, pool or default_path(), notes)
        engines[name] = Simulated(_known(scenario, name, tokens, sizes.sd), await _words(scenario, name, notes))
    everything = {name: len(problems_of(reading).problems) * _samples(scenario) for name in _pooled(reading)}
    found = await _walk(reading, problems, engines, 0.0, watcher)
    return found._replace(missing=everything, notes=notes)


async def calibrate(reading: Reading, problems: int, options: Options, watcher: Watcher) -> Pilot:
    """Walk a small part with the scenario's own models; what they say is not kept. Raises UserError."""
    scenario = reading.cells[0].scenario
    began = perf_counter()
    async with AsyncExitStack() as stack:
        engines = await load_models(scenario, _writers(reading), {}, watcher, stack, options.deterministic)
        loading = perf_counter() - began
        missing = _missing(reading, engines, options.pool or default_path())
        found = await _walk(reading, problems, engines, loading, watcher, options)
    return found._replace(real=True, missing=missing)


async def _walk(
    reading: Reading,
    problems: int,
    engines: Mapping[str, Engine],
    loading: float,
    watcher: Watcher,
    options: Options | None = None,
) -> Pilot:
    options = options or Options()
    chosen = _some(reading, problems)
    meter = Meter()
    metered = {name: meter.around(name, engine) for name, engine in engines.items()}
    with TemporaryDirectory(prefix="relay-pilot-") as folder:
        part = _part(reading, chosen, Path(folder))
        pool = options.pool if _recorded(reading) else Path(folder) / "pool.sqlite"
        where = options._replace(pool=pool or (default_path() if _recorded(reading) else None), record=False)
        outcome = await start(part, Path(folder) / "pilot.relay", where, watcher, metered)
        spent, selected = _spent(outcome)
    rows = options.in_flight or max((e.rows for e in engines.values()), default=256)
    return Pilot(False, len(chosen), selected, loading, rows, meter.calls, spent, {})


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


def _missing(reading: Reading, engines: Mapping[str, Engine], pool: Path) -> dict[str, int]:
    """How many solos each model must still sample for the whole run."""
    scenario = reading.cells[0].scenario
    problems = problems_of(reading).problems
    missing = {name: len(problems) * _samples(scenario) for name in _pooled(reading)}
    if missing and pool.is_file():
        with closing(Pool(pool)) as opened:
            for name in missing:
                tools = Tools(engines, opened, None, _Nobody(), 1, [])
                plan = solo_plan(scenario, name, problems, tools)
                missing[name] = len(opened.missing(plan.address, problems, plan.samples))
    return missing


class _Nobody:
    """A watcher that looks away."""

    def phase(self, name: str, tally: object) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""


def _writers(reading: Reading) -> set[str]:
    """The models that must be there to write or judge."""
    cells = cell_plans(reading)
    names = used_models(reading, cells) | judges_of(reading, cells)
    return {name for name in names if reading.cells[0].scenario.models[name].writes}


def _pooled(reading: Reading) -> set[str]:
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


def _samples(scenario: Scenario) -> int:
    return scenario.pool.samples if scenario.pool else 0


def _known(scenario: Scenario, name: str, tokens: float, sd: float) -> Known:
    """A model that the rules select: it solves what they want solved, and fails at what they want failed."""
    bounds = [(r.at_least / r.of, r.at_most / r.of) for r in rules_of(scenario) if r.model == name]
    low, high = max((low for low, _ in bounds), default=0.0), min((high for _, high in bounds), default=1.0)
    middle = 12.0 if low == 1 or not bounds else -12.0 if high <= 0.25 else 0.0
    behaviour = Behaviour(LogitNormal(middle, 1e-3))
    return Known(f"rehearsal of {name}", behaviour, Lengths(tokens, sd / 2, sd / 2, 1 << 20), Speed())


def _assumed(scenario: Scenario, name: str, pool: Path, notes: list[str]) -> float:
    """The length of a model's solos: as in the pool, else half of what they may have, which is said."""
    from relay.planning.lengths import usual_lengths

    known = usual_lengths(pool).get(getattr(scenario.models[name], "model", name))
    if known is not None:
        return known
    half = ((scenario.pool.tokens if scenario.pool else None) or scenario.budget.tokens) / 2
    notes.append(f"{name}: nobody knows how long its texts are; {half:,.0f} tokens are assumed (say --tokens)")
    return half


async def _words(scenario: Scenario, name: str, notes: list[str]) -> Words:
    """The model's own tokenizer where it is at hand, else the one that ships."""
    words = None
    with suppress(UserError):
        words = await scenario.models[name].words()
    if words is None:
        notes.append(f"{name}: its tokenizer is not at hand; its prompts are counted by another's")
        tokenizer = shipped()
        words = Words(tokenizer, Template(tokenizer, TEMPLATE), 1 << 20)
    return words
