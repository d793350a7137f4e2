"""From a scenario to the plan of a run: load, sample, select, assign; or read all that back on resume."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from relay.batch import Grade, Tally
from relay.engine import Engine, Sampling
from relay.language import graph
from relay.language.reading import Reading
from relay.language.scenario import Need, Scenario
from relay.node import Limits
from relay.pool import Pool, Solo
from relay.prepare import solos, units
from relay.prepare.jobs import CellPlan, Jobs, RunPlan
from relay.prepare.problem_sets import load_problems
from relay.prepare.selection import Rule, select
from relay.problems import Problem
from relay.store.rows import pack, unpack
from relay.store.writer import RunWriter


class Watcher(Protocol):
    """Somebody who wants to know how far a run is."""

    def phase(self, name: str, tally: Tally) -> None:
        """A phase begins; the tally is alive and says how far it is."""

    def note(self, text: str) -> None:
        """Something that the user should know."""


class Tools(NamedTuple):
    """What the preparation works with."""

    engines: Mapping[str, Engine]
    pool: Pool | None
    grade: Grade | None
    watcher: Watcher
    in_flight: int
    notes: list[str]  # kept in the run file

    def note(self, text: str) -> None:
        """Tell the user, and keep it for the report."""
        self.notes.append(text)
        self.watcher.note(text)


class Drawn(NamedTuple):
    """What came out of the pool: the problems of the run and how often each model solved every problem."""

    problems: Sequence[Problem]
    solved: Mapping[str, Mapping[str, int]]
    outcomes: Mapping[str, units.Outcomes]
    everywhere: Sequence[Problem]
    plans: Mapping[str, solos.SoloPlan]


def cell_plans(reading: Reading) -> list[CellPlan]:
    """What each cell's rollouts share."""
    return [
        CellPlan(
            graph.build(cell.scenario, cell.without),
            Limits(cell.scenario.budget.tokens, cell.scenario.budget.hops, cell.scenario.budget.seconds),
            Sampling(cell.scenario.sampling.temperature, cell.scenario.sampling.top_p),
            cell.scenario.seed,
        )
        for cell in reading.cells
    ]


def needs_of(cell: CellPlan) -> Iterator[Need]:
    """What this cell's nodes take from the pool."""
    for name, node in cell.graph.nodes.items():
        need = node.need(name)
        if need is not None and name not in cell.graph.passed:
            yield need


def used_models(reading: Reading, cells: Sequence[CellPlan]) -> set[str]:
    """The models that this run must open."""
    scenario = reading.cells[0].scenario
    used = {rule.model for rule in rules_of(scenario)}
    for cell in cells:
        used |= {need.model for need in needs_of(cell)}
        used |= {model for node in cell.graph.nodes.values() for model in node.models()}
    return used


def rules_of(scenario: Scenario) -> list[Rule]:
    """The rules of `select:`."""
    if scenario.select is None or scenario.pool is None:
        return []
    of = scenario.pool.samples
    return [Rule(r.solved, r.least or 0, of if r.most is None else r.most, of) for r in scenario.select.problems]


async def prepare(writer: RunWriter, reading: Reading, tools: Tools) -> RunPlan:
    """Load, sample, select and assign, and write it all down at once. Raises UserError."""
    scenario = reading.cells[0].scenario
    cells = cell_plans(reading)
    drawn = await _draw(scenario, cells, load_problems(scenario.problems, reading.folder, scenario.seed), tools)
    plan = RunPlan(drawn.problems, cells, scenario.samples, tools.engines, _systems(scenario), {})
    given = _give(plan, drawn, tools)
    with writer.at_once():
        _write(writer, reading, plan, drawn, given)
        writer.put_meta(notes=tools.notes)
    return plan._replace(units=given)


async def _draw(scenario: Scenario, cells: Sequence[CellPlan], problems: list[Problem], tools: Tools) -> Drawn:
    rules = rules_of(scenario)
    models = sorted({r.model for r in rules} | {n.model for cell in cells for n in needs_of(cell)})
    plans: dict[str, solos.SoloPlan] = {}
    outcomes: dict[str, units.Outcomes] = {}
    solved: dict[str, dict[str, int]] = {}
    for model in models:
        assert scenario.pool is not None  # reading refuses a pool's use without `pool:`
        assert tools.pool is not None
        plans[model] = _solo_plan(scenario, model, problems, tools.engines[model])
        await _fill(tools, plans[model], problems)
        address, samples = plans[model].address, scenario.pool.samples
        outcomes[model] = {p.id: tools.pool.outcomes(address, p, samples) for p in problems}
        solved[model] = {p: list(o).count("correct") for p, o in outcomes[model].items()}
    limit = scenario.select.limit if scenario.select else None
    chosen = select(problems, rules, solved, limit, scenario.seed) if rules else problems
    if limit is not None and len(chosen) < limit:
        wanted = " and ".join(map(str, rules))
        tools.note(f"{len(chosen)} problems, not {limit}: only so many of {len(problems)} were {wanted}")
    return Drawn(chosen, solved, outcomes, problems, plans)


def _solo_plan(scenario: Scenario, model: str, problems: list[Problem], engine: Engine) -> solos.SoloPlan:
    assert scenario.pool is not None
    system = scenario.models[model].system
    return solos.SoloPlan(
        model,
        engine,
        {p.id: engine.template.render(p.question, system) for p in problems},
        scenario.pool.samples,
        scenario.pool.tokens or scenario.budget.tokens,
        Sampling(scenario.sampling.temperature, scenario.sampling.top_p),
        scenario.seed,
        scenario.verify,
        system or "",
    )


async def _fill(tools: Tools, plan: solos.SoloPlan, problems: list[Problem]) -> None:
    assert tools.pool is not None
    tally = Tally()
    tools.watcher.phase(f"pool {plan.model}", tally)
    await solos.fill(tools.pool, plan, problems, tools.grade, tally, tools.in_flight)
    if tally.failed:
        tools.note(f"pool {plan.model}: {tally.failed} samples failed: {tally.last_failure}")


def _give(plan: RunPlan, drawn: Drawn, tools: Tools) -> dict[tuple[int, int, int], dict[str, Solo]]:
    """Every rollout's units, by (problem, sample, cell)."""
    pairs = [(p, k) for k in range(plan.samples) for p in plan.problems]
    index = {p.id: i for i, p in enumerate(plan.problems)}
    assigned: dict[tuple[Need, int], dict[tuple[str, int], units.Given]] = {}
    kept: dict[tuple[str, str, int], Solo] = {}
    given: dict[tuple[int, int, int], dict[str, Solo]] = {}
    for number, cell in enumerate(plan.cells):
        for need in needs_of(cell):
            key = (need, cell.seed)
            if key not in assigned:
                assigned[key] = units.assign(need, pairs, drawn.everywhere, drawn.outcomes[need.model], cell.seed)
                _tell_short(need, drawn, cell.seed, tools)
            for (problem, sample), unit in assigned[key].items():
                which = (need.model, unit.problem.id, unit.sample)
                solo = kept.get(which)
                if solo is None:
                    assert tools.pool is not None
                    address = drawn.plans[need.model].address
                    solo = kept[which] = tools.pool.get(address, need.model, unit.problem, unit.sample)
                given.setdefault((index[problem], sample, number), {})[need.node] = solo
    return given


def _tell_short(need: Need, drawn: Drawn, seed: int, tools: Tools) -> None:
    if need.of == "another problem" and need.among is not None:
        there = len(units.distractors(need, drawn.everywhere, drawn.outcomes[need.model], seed))
        if there < need.among:
            tools.note(f"{need.node}: {there} distractors, not {need.among}: the pool holds no more")


def _write(
    writer: RunWriter,
    reading: Reading,
    plan: RunPlan,
    drawn: Drawn,
    given: Mapping[tuple[int, int, int], Mapping[str, Solo]],
) -> None:
    name = writer.name
    writer.put(
        "cell",
        ((i, c.name, json.dumps({**c.values, "without": sorted(c.without)})) for i, c in enumerate(reading.cells)),
    )
    writer.put("problem", (_problem_row(i, p) for i, p in enumerate(plan.problems)))
    heads = Jobs(plan).heads()
    writer.put("head", ((p, name(m), pack(h.ids), h.text, h.thinking) for p, m, h in heads))
    for model, counts in drawn.solved.items():
        sampled = drawn.plans[model].samples
        writer.put("solved", ((problem, name(model), n, sampled) for problem, n in counts.items()))
    numbers: dict[int, int] = {}
    for (problem, sample, cell), nodes in given.items():
        for node, solo in nodes.items():
            if id(solo) not in numbers:
                numbers[id(solo)] = len(numbers)
                writer.put("solo", [_solo_row(writer, numbers[id(solo)], solo)])
            writer.put("unit", [(problem, sample, cell, name(node), numbers[id(solo)])])
    writer.put_meta(samples=plan.samples, phase="walking")
    writer.put_names()


def _problem_row(number: int, p: Problem) -> tuple[int | str | None, ...]:
    return (number, p.id, p.kind, p.question, p.answer, p.hash, json.dumps(dict(p.extra)) if p.extra else None)


def _solo_row(writer: RunWriter, number: int, s: Solo) -> tuple[int | str | bytes, ...]:
    name = writer.name
    return (
        number, s.problem, s.answer, name(s.model), s.sample, s.address, s.text, pack(s.ids), name(s.tokenizer),
        s.thought, s.outcome,
    )  # fmt: skip


def read_back(writer: RunWriter, reading: Reading, engines: Mapping[str, Engine]) -> RunPlan:
    """The plan of a run that has been prepared before, from its file alone."""
    problems = [
        Problem(key, question, answer, kind, json.loads(extra) if extra else {})
        for key, kind, question, answer, extra in writer.query(
            "SELECT key, kind, question, answer, extra FROM problem ORDER BY id"
        )
    ]
    scenario = reading.cells[0].scenario
    plan = RunPlan(problems, cell_plans(reading), writer.meta("samples"), engines, _systems(scenario), {})
    return plan._replace(units=_units_of(writer))


def _units_of(writer: RunWriter) -> dict[tuple[int, int, int], dict[str, Solo]]:
    text = writer.text
    kept = {
        number: Solo(
            problem, answer, text(model), sample, address, words, unpack(ids), text(tokenizer), thought, outcome
        )
        for number, problem, answer, model, sample, address, words, ids, tokenizer, thought, outcome in writer.query(
            "SELECT id, problem, answer, model, sample, address, text, ids, tokenizer, thought, outcome FROM solo"
        )
    }
    given: dict[tuple[int, int, int], dict[str, Solo]] = {}
    for problem, sample, cell, node, solo in writer.query("SELECT problem, sample, cell, node, solo FROM unit"):
        given.setdefault((problem, sample, cell), {})[text(node)] = kept[solo]
    return given


def _systems(scenario: Scenario) -> dict[str, str | None]:
    return {name: model.system for name, model in scenario.models.items()}


def same_problems(cells: Iterable[Scenario]) -> bool:
    """Whether all cells ask the same problems of the same models, so that they can be compared."""
    first, *others = cells
    fixed = ("models", "problems", "samples", "verify", "pool", "select", "seed")
    return all(getattr(first, f) == getattr(o, f) for o in others for f in fixed)
