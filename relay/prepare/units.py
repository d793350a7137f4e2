"""What each rollout is given from the pool: the original it begins with, the steer put into it.

An original is drawn from (seed, problem, sample, need). Distractions are dealt out evenly over the whole run, so that
another number of problems or samples deals them anew. Neither depends on the cell, nor the deal on whose reasoning it
is: the same original meets the same steer in every cell, the same problem in the runs of other models, and curves are
paired.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from typing import NamedTuple, overload

from relay.draws import generator
from relay.language.scenario import Need
from relay.problems import Problem
from relay.verifiers.alike import alike

THIS, ANY_OTHER = "this problem", "any other problem"  # "another problem" has another answer
WHERE = {"correct": ("correct",), "wrong": ("wrong",), "any": ("correct", "wrong", "undecided")}


class Given(NamedTuple):
    """A pool sample, by name."""

    problem: Problem
    sample: int


Outcomes = Mapping[str, Mapping[int, str]]  # problem id -> the verdict of each of its samples


class Pairs(Sequence[tuple[Problem, int]]):
    """Every problem with every sample of it, sample by sample: made when they are asked for."""

    def __init__(self, problems: Sequence[Problem], samples: int) -> None:
        self._problems = problems
        self._range = range(len(problems) * samples)

    def __len__(self) -> int:
        return len(self._range)

    @overload
    def __getitem__(self, place: int) -> tuple[Problem, int]: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[tuple[Problem, int]]: ...
    def __getitem__(self, place: int | slice) -> tuple[Problem, int] | Sequence[tuple[Problem, int]]:
        if isinstance(place, slice):
            return [self[i] for i in self._range[place]]
        sample, problem = divmod(self._range[place], len(self._problems))
        return self._problems[problem], sample


Dealt = Iterator[tuple[tuple[str, int], Given]]  # (problem id, sample) and what it is given


def deal(
    need: Need, pairs: Sequence[tuple[Problem, int]], everywhere: Sequence[Problem], outcomes: Outcomes, seed: int
) -> Dealt:
    """The pool sample for each (problem, sample) of the run; those for which there is none are left out.

    One by one, for a run may have more of them than fit into memory.
    """
    if need.of == THIS:
        return _own(need, pairs, outcomes, seed)
    return _others(need, pairs, distractors(need, everywhere, outcomes, seed), seed)


def _own(need: Need, pairs: Iterable[tuple[Problem, int]], outcomes: Outcomes, seed: int) -> Dealt:
    orders: dict[str, list[int]] = {}
    for problem, sample in pairs:
        order = orders.get(problem.id)
        if order is None:
            order = orders[problem.id] = _fitting(need, problem, outcomes)
            generator(seed, problem.id, 0, "own", need.node, need.model).shuffle(order)
        if order:
            yield (problem.id, sample), Given(problem, order[sample % len(order)])


def _others(need: Need, pairs: Sequence[tuple[Problem, int]], steers: Sequence[Given], seed: int) -> Dealt:
    """A balanced draw: each distractor serves as often as any other, up to one."""
    order = array("L", range(len(pairs)))
    generator(seed, "", 0, "order", need.node).shuffle(order)
    any_other = need.of == ANY_OTHER
    waiting = [(0, i) for i in range(len(steers))]  # a heap of (times used, distractor)
    for place in order:
        problem, sample = pairs[place]
        passed = []
        while waiting:
            used, i = heappop(waiting)
            if steers[i].problem.id != problem.id and (any_other or not alike(steers[i].problem, problem)):
                heappush(waiting, (used + 1, i))
                yield (problem.id, sample), steers[i]
                break
            passed.append((used, i))
        for each in passed:
            heappush(waiting, each)


def distractors(need: Need, everywhere: Sequence[Problem], outcomes: Outcomes, seed: int) -> list[Given]:
    """The other problems' reasoning that serves as a steer, at most `among` of it, in a seeded order."""
    order = list(everywhere)
    generator(seed, "", 0, "distractors", need.node).shuffle(order)
    found: list[Given] = []
    for problem in order:
        samples = _fitting(need, problem, outcomes)
        if samples:
            found.append(Given(problem, generator(seed, problem.id, 0, "distractor", need.node).choice(samples)))
        if len(found) == need.among:
            break
    return found


def _fitting(need: Need, problem: Problem, outcomes: Outcomes) -> list[int]:
    wanted = WHERE[need.where]
    return [sample for sample, outcome in outcomes.get(problem.id, {}).items() if outcome in wanted]
