"""A rehearsal: a small part of a run with simulated models in the places of the scenario's."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from relay.engine import Engine, Words
from relay.engine.replica import Speed
from relay.engine.scripted import TEMPLATE, shipped
from relay.engine.simulated import Known, Simulated, SimulatedModel
from relay.errors import Mistake, UserError
from relay.language.reading import Reading
from relay.language.scenario import Scenario
from relay.planning.lengths import usual_lengths
from relay.planning.pilot import Phases, Pilot, missing_solos, pooled, samples, walk, writers_of
from relay.planning.wall import Pace
from relay.pool import default_path
from relay.prepare.problem_sets import problems_of
from relay.prepare.run import Watcher, rules_of
from relay.seam.templates import Template
from relay.simulate.rates import LogitNormal
from relay.simulate.reasoner import Behaviour
from relay.simulate.study import Lengths


class Sizes(NamedTuple):
    """What is assumed of models that are not there."""

    tokens: float | None = None  # of a solo; None: as in the pool or, where it has none, half of what it may have
    sd: float = 0.5  # of its logarithm


async def rehearse(reading: Reading, problems: int, sizes: Sizes, watcher: Watcher, pool: Path | None = None) -> Pilot:
    """Walk a small part with simulated models in the places of the scenario's. Raises UserError.

    Models that are simulated in the scenario too keep their places.
    """
    scenario = reading.cells[0].scenario
    if any(p.kind == "code" for p in problems_of(reading).problems):
        instead = "say --calibrate N: a few problems of it are then walked with the real models"
        raise UserError(Mistake("--dry", "a simulated model writes no programs", instead))
    notes: list[str] = []
    engines: dict[str, Engine] = {}
    writers = sorted(writers_of(reading))
    simulated = {name: spec for name in writers if isinstance(spec := scenario.models[name], SimulatedModel)}
    for name in writers:
        if name in simulated:
            engines[name] = await simulated[name].open()
            continue
        tokens = sizes.tokens or _assumed(scenario, name, pool or default_path(), notes)
        engines[name] = Simulated(_known(scenario, name, tokens, sizes.sd), await _words(scenario, name, notes))
    found = await walk(reading, problems, engines, 0.0, Phases(watcher))
    if len(simulated) == len(writers):
        there = missing_solos(reading, engines, pool or default_path())
        return found._replace(own=True, missing=there, pace=_pace(list(simulated.values())))
    everything = {name: len(problems_of(reading).problems) * samples(scenario) for name in pooled(reading)}
    return found._replace(missing=everything, notes=[*notes, *found.notes])


def _pace(models: Sequence[SimulatedModel]) -> Pace:
    """That of simulated models; of several, their mean."""
    speeds = [model.speed for model in models]
    return Pace(
        fmean(s.latency for s in speeds), fmean(1 / s.prefill for s in speeds), fmean(1 / s.decode for s in speeds)
    )


def _known(scenario: Scenario, name: str, tokens: float, sd: float) -> Known:
    """A model that the rules select: it solves what they want solved, and fails at what they want failed."""
    bounds = [(r.at_least / r.of, r.at_most / r.of) for r in rules_of(scenario) if r.model == name]
    low, high = max((low for low, _ in bounds), default=0.0), min((high for _, high in bounds), default=1.0)
    middle = 12.0 if high == 1 else -12.0 if low == 0 else 0.0
    behaviour = Behaviour(LogitNormal(middle, 1e-3))
    return Known(f"rehearsal of {name}", behaviour, Lengths(tokens, sd / 2, sd / 2, 1 << 20), Speed())


def _assumed(scenario: Scenario, name: str, pool: Path, notes: list[str]) -> float:
    """The length of a model's solos: as in the pool, else half of what they may have, which is said."""
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
