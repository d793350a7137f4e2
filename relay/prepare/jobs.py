"""The run's rollouts as jobs, in the order of their numbers: made when they are needed, never all at once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from relay.batch import Job
from relay.engine import Engine, Sampling
from relay.folding import fold
from relay.language.graph import Graph, build
from relay.language.reading import Reading
from relay.language.scenario import Adaptive
from relay.node import WRONG, Hand, Limits, Stage, Ticks
from relay.node.people import People
from relay.pool import Solo
from relay.problems import Problem
from relay.seam.policies import Policy, policy
from relay.seam.templates import Head
from relay.store.gathered import Begun
from relay.verifiers import Verifier
from relay.verifiers.workers import Pool as Workers
from relay.walk import Hop, begin


class CellPlan(NamedTuple):
    """What one cell's rollouts share."""

    graph: Graph
    limits: Limits
    sampling: Sampling
    seed: int
    name: str = ""
    unfinished: str = WRONG  # how a thinking that was never closed is graded


class RunPlan(NamedTuple):
    """All that the run's rollouts are made of."""

    problems: Sequence[Problem]
    cells: Sequence[CellPlan]
    samples: int
    engines: Mapping[str, Engine]
    systems: Mapping[str, str | None]
    units: Callable[[Begun], Mapping[str, Solo]] | None = None  # a rollout's pool samples, by node
    adaptive: Adaptive | None = None  # None: all of them are walked

    @property
    def total(self) -> int:
        """How many rollouts the run has, at most."""
        return len(self.problems) * len(self.cells) * self.samples

    def begun(self, number: int) -> Begun:
        """Which problem, sample and cell a number stands for: (sample * problems + problem) * cells + cell."""
        rest, cell = divmod(number, len(self.cells))
        sample, problem = divmod(rest, len(self.problems))
        return Begun(number, problem, sample, cell)


def cell_plans(reading: Reading) -> list[CellPlan]:
    """What each cell's rollouts share."""
    return [
        CellPlan(
            build(cell.scenario, cell.without),
            Limits(cell.scenario.budget.tokens, cell.scenario.budget.hops, cell.scenario.budget.seconds),
            Sampling(cell.scenario.sampling.temperature, cell.scenario.sampling.top_p),
            cell.scenario.seed,
            cell.name,
            cell.scenario.unfinished,
        )
        for cell in reading.cells
    ]


def systems(reading: Reading) -> dict[str, str | None]:
    """What each model is told at the start; the same in all cells."""
    return {name: model.system for name, model in reading.cells[0].scenario.models.items()}


class Jobs:
    """Makes the job of a rollout's number: (sample * problems + problem) * cells + cell.

    All problems come before the second sample of any, and a problem's cells come one after another.
    """

    def __init__(
        self,
        plan: RunPlan,
        ticks: Ticks | None = None,
        algebra: Workers | None = None,
        verifier: Verifier | None = None,
        people: People | None = None,
        *,
        logprobs: bool = False,
    ) -> None:
        self.plan = plan
        self._people = people
        self._logprobs = logprobs
        self._verifier = verifier
        self._algebra = algebra
        self._ticks = ticks
        self._hands = lru_cache(maxsize=4096)(self._hands_of)
        self._others_ends = others_ends(plan.engines)
        self._policies = policies_of(plan.engines)

    def job(self, begun: Begun, hops: Sequence[Hop] = (), of: Begun | None = None) -> Job:
        """The rollout, new or as far as these hops have brought it; `of`: the one that it is a fork of."""
        plan, of = self.plan, of or begun
        cell = plan.cells[of.cell]
        walk = begin(cell.graph.start)
        for hop in hops:
            walk = fold(walk, hop)
        hands = self._hands(begun.problem)
        stage = Stage(
            plan.problems[begun.problem],
            begun.sample,
            cell.graph,
            hands,
            cell.seed,
            cell.limits,
            cell.sampling,
            {} if plan.units is None else plan.units(of),
            self._algebra,
            self._ticks,
            cell.name,
            self._verifier,
            cell.unfinished,
            begun.id,
            self._logprobs,
            self._people,
        )
        return Job(begun.id, begun.cell, walk, stage)

    def _hands_of(self, problem: int) -> Mapping[str, Hand]:
        question, engines = self.plan.problems[problem].question, self.plan.engines
        systems = self.plan.systems
        return MappingProxyType(
            {
                n: Hand(e, e.template.render(question, systems.get(n)), self._others_ends[n], self._policies[n])
                for n, e in engines.items()
            }
        )

    def heads(self) -> Iterator[tuple[int, str, Head]]:
        """Every problem's rendered template for every model that writes."""
        for i in range(len(self.plan.problems)):
            for name, hand in self._hands(i).items():
                if hand.engine.rows:  # a recorded model has none and reads nothing
                    yield i, name, hand.head


def others_ends(engines: Mapping[str, Engine]) -> dict[str, frozenset[int]]:
    """For each model the ids that end the turn of another one with the same tokenizer, and not its own."""
    alike: dict[str, frozenset[int]] = {}
    for engine in engines.values():
        name = engine.tokenizer.fingerprint
        alike[name] = alike.get(name, frozenset()) | engine.tokenizer.eos
    return {n: alike[e.tokenizer.fingerprint] - e.tokenizer.eos for n, e in engines.items()}


def policies_of(engines: Mapping[str, Engine]) -> dict[str, dict[str, Policy]]:
    """For each model how it is given what the others wrote, by their tokenizers' fingerprints."""
    authors = {e.tokenizer.fingerprint: e.tokenizer for e in engines.values()}
    given: dict[str, dict[str, Policy]] = {}  # by name; models with one tokenizer share it where their turns end alike
    known: dict[tuple[str, frozenset[int]], dict[str, Policy]] = {}
    for name, engine in engines.items():
        reader = engine.tokenizer
        key = reader.fingerprint, reader.eos
        if key not in known:
            known[key] = {print_: policy(author, reader) for print_, author in authors.items()}
        given[name] = known[key]
    return given
