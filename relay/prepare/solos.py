"""Filling the pool: each model's own solo trajectories on each problem, sampled once."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from relay.batch import Batch, Grade, Job, Tally
from relay.engine import Engine, Sampling
from relay.events import RolloutEnded, Tokens
from relay.language.graph import Exit, Graph
from relay.node import WRONG, Hand, Limits, Stage, Ticks
from relay.node.write import Write
from relay.pool import Pool, Sampled, address_of
from relay.problems import Problem
from relay.seam.templates import Head
from relay.seam.tokens import Tokenizer
from relay.store.gathered import Graded
from relay.trajectory import Segment
from relay.walk import ROOT, Hop, StopReason, begin

NODE = "(pool)"  # no node of a scenario can bear this name: pool samples share no draw with a run's


class SoloPlan(NamedTuple):
    """What the pool needs to hold for one model."""

    model: str  # its name in the run
    engine: Engine
    heads: Mapping[str, Head]  # by problem id
    samples: int
    tokens: int  # at most so many for one trajectory
    sampling: Sampling
    seed: int
    verifier: str
    system: str
    seconds: float = 600.0  # for one trajectory; one that takes longer is not kept
    others_ends: frozenset[int] = frozenset()  # as a Hand has them
    unfinished: str = WRONG  # how a thinking that was never closed is graded

    @property
    def facts(self) -> dict[str, object]:
        """What makes these trajectories what they are."""
        made = {
            k: v
            for k, v in self.engine.facts.items()
            if not k.startswith(("torch", "transformers", "device", "server"))
        }
        return {
            **made,
            "tokenizer": self.engine.tokenizer.fingerprint,
            "template": self.engine.template.fingerprint,
            "system": self.system,
            "temperature": self.sampling.temperature,
            "top_p": self.sampling.top_p,
            "tokens": self.tokens,
            "seed": self.seed,
            "verifier": self.verifier,
            "banned": sorted(self.others_ends),
            **({} if self.unfinished == WRONG else {"unfinished": self.unfinished}),  # older pools do not say it
        }

    @property
    def address(self) -> str:
        """Where the pool keeps them."""
        return address_of(self.facts)


def graph_of(model: str) -> Graph:
    """One node that writes to the end of its turn."""
    node = Write.model_validate({"write": model})
    return Graph(NODE, frozenset({NODE}), {NODE: node}, {NODE: (Exit(None, "end", 0),)}, frozenset())


async def fill(
    pool: Pool, plan: SoloPlan, problems: list[Problem], grade: Grade | None, tally: Tally, in_flight: int
) -> None:
    """Sample what the pool lacks. Interrupted, it keeps what it has."""
    missing = pool.missing(plan.address, problems, plan.samples)
    tally.total += len(problems) * plan.samples
    tally.done += len(problems) * plan.samples - len(missing)
    ticks = Ticks()
    batch = Batch(_PoolRecorder(pool, plan), grade, tally, ticks)
    await batch.run(_jobs(plan, missing, ticks), in_flight=in_flight)


def _jobs(plan: SoloPlan, missing: Iterable[tuple[Problem, int]], ticks: Ticks) -> Iterator[Job]:
    graph = graph_of(plan.model)
    limits = Limits(tokens=plan.tokens, seconds=plan.seconds)
    for number, (problem, sample) in enumerate(missing):
        head = plan.heads[problem.id]
        hands = MappingProxyType({plan.model: Hand(plan.engine, head, plan.others_ends)})
        stage = Stage(
            problem, sample, graph, hands, plan.seed, limits, plan.sampling, ticks=ticks, unfinished=plan.unfinished
        )
        yield Job(number, 0, begin(NODE), stage)


class _PoolRecorder:
    """Keeps the one segment of each solo rollout for the pool."""

    def __init__(self, pool: Pool, plan: SoloPlan) -> None:
        self._pool = pool
        self._plan = plan
        self._facts = plan.facts
        self._address = plan.address
        self._ready: list[Sampled] = []

    def hop(self, job: Job, hop: Hop) -> None:
        """A solo rollout is one hop; all is known when it ends."""

    def live(self, job: Job, tokens: Tokens) -> None:
        """Nobody watches the pool being filled."""

    def end(self, job: Job, ended: RolloutEnded, graded: Graded | None) -> None:
        """Keep the trajectory, unless the engine failed or was too slow: what a busy machine does is no sample."""
        if ended.stop in (StopReason.FAILED, StopReason.SECONDS):
            return
        segment = ended.walk.pens[ROOT].trajectory.segment
        if segment is None:
            segment = Segment(NODE, self._plan.model, "", (), self._plan.engine.tokenizer.fingerprint, "turn")
        self._ready.append(
            Sampled(
                job.stage.problem.hash,
                job.stage.sample,
                segment.text,
                segment.ids,
                segment.tokenizer,
                _thought(segment, self._plan.engine.tokenizer),
                segment.closed >= 0 or job.stage.hands[self._plan.model].head.thinking == "none",
                segment.stop,
                self._plan.verifier,
                graded.outcome if graded is not None else "undecided",
            )
        )

    def gather(self) -> list[Sampled]:
        """The trajectories since the last flush."""
        ready, self._ready = self._ready, []
        return ready

    def write(self, gathered: list[Sampled]) -> None:
        """Into the pool."""
        if gathered:
            self._pool.add(self._address, self._facts, gathered)


def _thought(segment: Segment, tokenizer: Tokenizer) -> int:
    """Characters before the closing of the thinking; all of them where it never closed."""
    if segment.closed < 0 or tokenizer.think is None:
        return len(segment.text)
    return segment.closed - len(tokenizer.bytes_of([tokenizer.think.close]).decode())
