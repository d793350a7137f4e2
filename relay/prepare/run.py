"""From a scenario to the plan of a run: load, sample, select, assign."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from relay.batch import Grade, Tally
from relay.engine import Engine, Sampling
from relay.language.reading import Reading
from relay.language.scenario import Need, Scenario
from relay.node import WRONG
from relay.pool import Pool, Solo
from relay.prepare import filed, recorded, solos, units
from relay.prepare.jobs import CellPlan, RunPlan, cell_plans, others_ends, systems
from relay.prepare.lengths import Length, as_long_as, lengths, longest_right
from relay.prepare.problem_sets import load_problems
from relay.prepare.selection import Rule, select
from relay.problems import Problem
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
    plans: Mapping[str, solos.SoloPlan | recorded.RecordedPlan]
    lengths: Mapping[str, Length]  # of each model's solos


def needs_of(cell: CellPlan) -> Iterator[Need]:
    """What this cell's nodes take from the pool."""
    for name, node in cell.graph.nodes.items():
        need = node.need(name)
        if need is not None and name not in cell.graph.passed:
            yield need


def used_models(reading: Reading, cells: Sequence[CellPlan]) -> set[str]:
    """The models that this run must open."""
    scenario = reading.cells[0].scenario
    used = {rule.model for rule in rules_of(scenario)} | _evened(scenario)
    for cell in cells:
        used |= {need.model for need in needs_of(cell)}
        used |= {model for node in cell.graph.nodes.values() for model in node.models()}
    return used


def judges_of(reading: Reading, cells: Sequence[CellPlan]) -> set[str]:
    """The models that judge and do nothing else: they meet no writer, and no rollout knows them."""
    return set(reading.cells[0].scenario.verify.models()) - used_models(reading, cells)


def pairs_of(cells: Iterable[CellPlan]) -> list[tuple[str, str]]:
    """Who may read what whom wrote: (author, reader), by name, sorted."""
    pairs: set[tuple[str, str]] = set()
    for cell in cells:
        readers = {model for node in cell.graph.nodes.values() for model in node.models()}
        authors = readers | {need.model for need in needs_of(cell)}
        pairs |= {(author, reader) for author in authors for reader in readers if author != reader}
    return sorted(pairs)


def rules_of(scenario: Scenario) -> list[Rule]:
    """The rules of `select:`."""
    if scenario.select is None or scenario.pool is None:
        return []
    of = scenario.pool.samples
    rules = scenario.select.problems
    return [Rule(r.solved, r.least or 0, of if r.most is None else r.most, of, r.tokens) for r in rules]


def _evened(scenario: Scenario) -> set[str]:
    """The model whose solve rates the selection evens out."""
    return {scenario.select.evenly} if scenario.select is not None and scenario.select.evenly else set()


async def prepare(writer: RunWriter, reading: Reading, tools: Tools) -> RunPlan:
    """Load, sample, select and assign, and write it all down at once. Raises UserError."""
    scenario = reading.cells[0].scenario
    cells = cell_plans(reading)
    loaded = load_problems(scenario.problems, reading.folder, scenario.seed)
    for note in loaded.notes:
        tools.note(note)
    drawn = await _draw(scenario, cells, loaded.problems, tools)
    lossy: Counter[str] = Counter()
    plan = RunPlan(
        drawn.problems, cells, scenario.most_samples, tools.engines, systems(reading), adaptive=scenario.adaptive
    )

    def solo_of(unit: filed.Unit) -> Solo:
        solo, lost = _solo(tools, drawn.plans[unit.model], *unit.given)
        lossy[unit.model] += lost
        return solo

    solved = (
        filed.Solved(problem, model, n, drawn.plans[model].samples)
        for model, counts in drawn.solved.items()
        for problem, n in counts.items()
    )
    with writer.at_once():
        filed.write_plan(writer, reading, plan, solved)
        filed.write_units(writer, _units(plan, drawn, tools), solo_of)
        for model in +lossy:
            tools.note(f"pool {model}: {lossy[model]:,} recorded samples lose characters that their tokenizer lacks")
        writer.put_meta(notes=tools.notes, problem_set=loaded.facts)
        writer.put_names()
    return plan._replace(units=filed.units_of(writer))


async def _draw(scenario: Scenario, cells: Sequence[CellPlan], problems: list[Problem], tools: Tools) -> Drawn:
    rules = rules_of(scenario)
    evenly = scenario.select.evenly if scenario.select else None
    models = sorted({r.model for r in rules} | _evened(scenario) | {n.model for cell in cells for n in needs_of(cell)})
    plans: dict[str, solos.SoloPlan | recorded.RecordedPlan] = {}
    outcomes: dict[str, units.Outcomes] = {}
    solved: dict[str, dict[str, int]] = {}
    for model in models:
        assert scenario.pool is not None  # reading refuses a pool's use without `pool:`
        assert tools.pool is not None
        if scenario.models[model].writes:
            filled = plans[model] = solo_plan(scenario, model, problems, tools)
            await fill_pool(tools, filled, problems)
        else:
            plans[model] = _recorded_plan(scenario, model, problems, tools)
        address, samples = plans[model].address, scenario.pool.samples
        outcomes[model] = {p.id: tools.pool.outcomes(address, p, samples) for p in problems}
        solved[model] = {p: list(o.values()).count("correct") for p, o in outcomes[model].items()}
    limit = scenario.select.limit if scenario.select else None
    sizes = {model: _lengths(tools, plan) for model, plan in plans.items()}
    longest = {
        r.model: longest_right(_often(r, problems, solved), outcomes[r.model], sizes[r.model])
        for r in rules
        if r.tokens
    }
    chosen = select(problems, rules, solved, limit, scenario.seed, evenly, longest) if rules else problems
    if limit is not None and len(chosen) < limit:
        wanted = " and ".join(map(str, rules))
        tools.note(f"{len(chosen)} problems, not {limit}: only so many of {len(problems)} were {wanted}")
    return Drawn(chosen, solved, outcomes, problems, plans, sizes)


def _often(rule: Rule, problems: Iterable[Problem], solved: Mapping[str, Mapping[str, int]]) -> list[Problem]:
    return [p for p in problems if rule.holds(solved[rule.model][p.id])]


def _solo(
    tools: Tools, plan: solos.SoloPlan | recorded.RecordedPlan, problem: Problem, sample: int
) -> tuple[Solo, bool]:
    """A sample of the pool with its author's ids, and whether these lost something of its text."""
    assert tools.pool is not None  # what is taken comes out of it
    solo = tools.pool.get(plan.address, plan.model, problem, sample)
    if isinstance(plan, recorded.RecordedPlan):
        counted = recorded.with_ids(solo, plan.engine.tokenizer)
        return counted, counted.text != solo.text
    return solo, False


def _lengths(tools: Tools, plan: solos.SoloPlan | recorded.RecordedPlan) -> Length:
    return lengths(lambda problem, sample: _solo(tools, plan, problem, sample)[0], plan.engine.tokenizer)


def solo_plan(scenario: Scenario, model: str, problems: list[Problem], tools: Tools) -> solos.SoloPlan:
    """What the pool must hold of this model, which is one of the tools' engines."""
    engine = tools.engines[model]
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
        scenario.verify.name,
        system or "",
        scenario.budget.seconds,
        others_ends(tools.engines)[model],
        scenario.unfinished,
    )


def _recorded_plan(scenario: Scenario, model: str, problems: list[Problem], tools: Tools) -> recorded.RecordedPlan:
    assert tools.pool is not None
    plan = recorded.plan_of(scenario, model, tools.engines[model], tools.pool, problems)
    there = len(problems) * plan.samples - len(tools.pool.missing(plan.address, problems, plan.samples))
    if there < len(problems) * plan.samples or "address" not in plan.engine.facts:
        tools.note(f"pool {model}: {there:,} recorded samples of {len(problems):,} problems")
    if scenario.unfinished != WRONG:
        tools.note(f"pool {model}: recorded samples that never finished count as wrong, as at their import")
    return plan


async def fill_pool(tools: Tools, plan: solos.SoloPlan, problems: list[Problem]) -> None:
    """Sample what the pool lacks of it."""
    assert tools.pool is not None
    tally = Tally()
    tools.watcher.phase(f"pool {plan.model}", tally)
    await solos.fill(tools.pool, plan, problems, tools.grade, tally, tools.in_flight)
    if tally.judged:
        tools.note(f"pool {plan.model}: a judge decoded {tally.judged:,} tokens for its samples; no table counts them")
    missing = len(tools.pool.missing(plan.address, problems, plan.samples))
    if missing:
        why = f", the last: {tally.last_failure}" if tally.last_failure else ""
        tools.note(f"pool {plan.model}: {missing} samples are missing, they failed or ran out of time{why}")


def _units(plan: RunPlan, drawn: Drawn, tools: Tools) -> Iterator[filed.Unit]:
    """Every rollout's units. Cells that need the same are given the same."""
    pairs = units.Pairs(plan.problems, plan.samples)
    index = {p.id: i for i, p in enumerate(plan.problems)}
    cells: dict[tuple[Need, int], list[int]] = {}
    for number, cell in enumerate(plan.cells):
        for need in needs_of(cell):
            cells.setdefault((need, cell.seed), []).append(number)
    for (need, seed), numbers in cells.items():
        outcomes, length = drawn.outcomes[need.model], drawn.lengths[need.model]
        fitting = as_long_as(need.as_long_as, outcomes, drawn.problems, drawn.everywhere, length)
        _tell_short(need, drawn, fitting, seed, tools)
        for (problem, sample), given in units.deal(need, pairs, drawn.everywhere, fitting, seed):
            yield filed.Unit(index[problem], sample, numbers, need.node, need.model, given)


def _tell_short(need: Need, drawn: Drawn, fitting: units.Outcomes, seed: int, tools: Tools) -> None:
    if need.of != units.THIS and need.among is not None:
        there = len(units.distractors(need, drawn.everywhere, fitting, seed))
        if there < need.among:
            tools.note(f"{need.node}: {there} distractors, not {need.among}: the pool holds no more")
