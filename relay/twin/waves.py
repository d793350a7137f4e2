"""The waves before a shared test: each model fills the pool by itself, so that no two of them are in memory at once."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, closing
from pathlib import Path

from relay.engine import Engine
from relay.engine.recorded import Recorded
from relay.grading import grader
from relay.language.verifying import Given
from relay.pool import Pool, default_path
from relay.prepare.jobs import cell_plans, others_ends
from relay.prepare.models import load_models
from relay.prepare.problem_sets import problems_of
from relay.prepare.run import Tools, Watcher, fill_pool, needs_of, solo_plan
from relay.session import Options
from relay.store.opening import opened
from relay.twin.plan import MAIN, Key, Part
from relay.twin.shared import addresses

Addresses = dict[Key, str]  # where the pool keeps the solos that a model brings to a test


def known(parts: Sequence[Part], folder: Path) -> Addresses:
    """What the runs in this folder were begun with."""
    found: Addresses = {}
    for part in parts:
        if part.shares and (folder / part.file).exists():
            with opened(folder / part.file) as run:
                found |= {part.key_of(model): address for model, address in addresses(run.meta["scenario"])}
    return found


async def fill(
    parts: Sequence[Part], have: Addresses, options: Options, watcher: Watcher, engines: Mapping[str, Engine]
) -> Addresses:
    """Sample what the pool lacks of each model for the tests that all share, and say where it is. Raises UserError.

    `engines` by model stand in for those of the scenarios, for tests.
    """
    found = dict(have)
    lacking = [part for part in parts if part.shares and part.key not in have]
    for model in dict.fromkeys(part.model for part in lacking):
        mine = [part for part in lacking if part.model == model]
        watcher.note(f"{model}: its solos, by which the shared problems are selected")
        async with AsyncExitStack() as stack:
            scenario = mine[0].reading.cells[0].scenario
            names = {MAIN, *scenario.verify.models()}
            given = {MAIN: engines[model]} if model in engines else {}
            loaded = await load_models(scenario, names, given, watcher, stack, options.deterministic)
            pool = stack.enter_context(closing(Pool(options.pool or default_path())))
            for part in mine:
                found[part.key] = await _filled(part, loaded, pool, options, watcher)
    return found


async def _filled(part: Part, loaded: Mapping[str, Engine], pool: Pool, options: Options, watcher: Watcher) -> str:
    """The address of its model's solos for this test."""
    scenario = part.reading.cells[0].scenario
    problems = problems_of(part.reading).problems
    judging = {name: loaded[name] for name in scenario.verify.models()}
    async with grader(scenario.verify, Given(judging, scenario.seed, options.sandbox)) as grade:
        main = loaded[MAIN]
        tools = Tools({MAIN: main}, pool, grade, watcher, options.in_flight or main.rows or 256, [])
        readers: dict[str, Engine] = {MAIN: main, **await _authors(part)}
        plan = solo_plan(scenario, MAIN, problems, tools)._replace(others_ends=others_ends(readers)[MAIN])
        if pool.missing(plan.address, problems, plan.samples):
            await fill_pool(tools, plan, problems)
    return plan.address


async def _authors(part: Part) -> dict[str, Engine]:
    """The other models whose solos the run puts in, without their weights: main's own are sampled as beside them."""
    models = part.reading.cells[0].scenario.models
    names = {need.model for cell in cell_plans(part.reading) for need in needs_of(cell)} - {MAIN}
    words = {name: await models[name].words() for name in sorted(names) if models[name].writes}
    return {name: Recorded(name, spoken.tokenizer) for name, spoken in words.items() if spoken is not None}
