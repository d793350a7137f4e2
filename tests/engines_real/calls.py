"""Calls of an engine, as the tests of real engines make them."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

from relay.engine import Delta, Engine, Purpose, Request, Sampling
from relay.families.endless import chains
from relay.problems import Problem
from relay.seam.cuts import Cut, Settled

GREEDY, HOT = Sampling(0.0, 1.0), Sampling(1.0, 0.95)
PURPOSE = Purpose(Problem("sum", "What is 2+3?", "5"), 0, "think", 1, "0")


def asked(
    engine: Engine,
    prompt: Sequence[int],
    *,
    seed: int = 1,
    sampling: Sampling = GREEDY,
    banned: frozenset[int] = frozenset(),
    logprobs: bool = False,
    watched: bool = False,
    urgent: bool = False,
    **cut: Any,
) -> Request:
    """A request of 60 tokens, greedy, unless it is said otherwise."""
    ends = Cut(engine.tokenizer, **{"tokens": 60, **cut})
    return Request(list(prompt), ends, sampling, seed, banned, PURPOSE, logprobs, watched=watched, urgent=urgent)


async def deltas(engine: Engine, request: Request) -> list[Delta]:
    """All that it says."""
    return [delta async for delta in engine.extend(request)]


async def said(engine: Engine, request: Request) -> Settled:
    """What came of it."""
    await deltas(engine, request)
    return request.cut.settle()


def heads(engine: Engine, number: int) -> list[list[int]]:
    """The heads of so many different problems."""
    return [list(engine.template.render(problem.question).ids) for problem in islice(chains(), number)]
