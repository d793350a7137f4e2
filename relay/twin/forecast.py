"""How much the twin tests will cost before any of it is spent: counts that are exact, and tokens at most."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from relay.planning.lengths import usual_lengths
from relay.prepare.jobs import cell_plans
from relay.prepare.problem_sets import problems_of
from relay.prepare.run import judges_of, needs_of, rules_of
from relay.twin.plan import Part


class Cost(NamedTuple):
    """What one run will do at most."""

    part: Part
    problems: int  # before any are selected
    solos: int  # to sample first, less what an earlier part of these samples
    rollouts: int  # as many as may be selected, in every cell
    tokens: int  # decoded, where every one of them spends its budget
    likely: int | None  # tokens, where all are as long as those in the pool; None: the pool has none of some model


def forecast(parts: Sequence[Part], pool: Path) -> list[Cost]:
    """The cost of each part. Loads the problems, no model. Raises UserError."""
    usual = usual_lengths(pool)
    drawn: set[tuple[str, ...]] = set()
    return [_cost(part, usual, drawn) for part in parts]


def _cost(part: Part, usual: Mapping[str, float], drawn: set[tuple[str, ...]]) -> Cost:
    scenario = part.reading.cells[0].scenario
    loaded = problems_of(part.reading)
    cells = cell_plans(part.reading)
    solos = dict.fromkeys(_models(part), 0)
    for name in solos:
        spec = scenario.models[name]
        made = (
            repr(spec),
            str(loaded.facts.get("hash")),
            repr(scenario.pool),
            repr(scenario.sampling),
            repr(scenario.budget),
        )
        if scenario.pool is not None and spec.writes and made not in drawn:
            drawn.add(made)
            solos[name] = len(loaded.problems) * scenario.pool.samples
    limit = scenario.select.limit if scenario.select and scenario.select.limit else len(loaded.problems)
    rollouts = min(limit, len(loaded.problems)) * len(cells) * scenario.most_samples
    of_solo = (scenario.pool.tokens if scenario.pool else None) or scenario.budget.tokens
    tokens = sum(solos.values()) * of_solo + rollouts * scenario.budget.tokens
    names = {name: getattr(scenario.models[name], "model", name) for name in {*solos, "main"}}
    likely = None
    if all(names[name] in usual for name in names):
        likely = round(sum(n * usual[names[name]] for name, n in solos.items()) + rollouts * usual[names["main"]])
        likely = min(likely, tokens)
    return Cost(part, len(loaded.problems), sum(solos.values()), rollouts, tokens, likely)


def _models(part: Part) -> Iterator[str]:
    """Those whose solos the pool must hold."""
    cells = cell_plans(part.reading)
    found = {need.model for cell in cells for need in needs_of(cell)}
    found |= {rule.model for rule in rules_of(part.reading.cells[0].scenario)}
    yield from sorted(found - judges_of(part.reading, cells))
