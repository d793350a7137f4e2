"""What each rollout is given from the pool: the original it begins with, the steer put into it.

A unit is drawn from (seed, problem, sample, need) and never from the cell, so that the same original
meets the same steer in every cell, and curves are paired.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from relay.draws import generator
from relay.language.scenario import Need
from relay.problems import Problem

WHERE = {"correct": ("correct",), "wrong": ("wrong",), "any": ("correct", "wrong", "undecided")}


class Given(NamedTuple):
    """A pool sample, by name."""

    problem: Problem
    sample: int


Outcomes = Mapping[str, Sequence[str]]  # problem id -> the verdict of each of its samples


def assign(
    need: Need, units: Iterable[tuple[Problem, int]], everywhere: Sequence[Problem], outcomes: Outcomes, seed: int
) -> dict[tuple[str, int], Given]:
    """The pool sample for each (problem, sample) of the run; those for which there is none are left out."""
    if need.of == "this problem":
        return _own(need, units, outcomes, seed)
    return _others(need, list(units), everywhere, outcomes, seed)


def _own(
    need: Need, units: Iterable[tuple[Problem, int]], outcomes: Outcomes, seed: int
) -> dict[tuple[str, int], Given]:
    given: dict[tuple[str, int], Given] = {}
    for problem, sample in units:
        order = _fitting(need, problem, outcomes)
        generator(seed, problem.id, 0, "own", need.node, need.model).shuffle(order)
        if order:
            given[problem.id, sample] = Given(problem, order[sample % len(order)])
    return given


def _others(
    need: Need, units: list[tuple[Problem, int]], everywhere: Sequence[Problem], outcomes: Outcomes, seed: int
) -> dict[tuple[str, int], Given]:
    """A balanced draw: each distractor serves as often as any other, up to one."""
    pairs = units.copy()
    generator(seed, "", 0, "order", need.node, need.model).shuffle(pairs)
    steers = distractors(need, everywhere, outcomes, seed)
    used: Counter[int] = Counter()
    given: dict[tuple[str, int], Given] = {}
    for problem, sample in pairs:
        allowed = (
            i for i, s in enumerate(steers) if s.problem.id != problem.id and not _same_answer(s.problem, problem)
        )
        best = min(allowed, key=lambda i: (used[i], i), default=None)
        if best is not None:
            used[best] += 1
            given[problem.id, sample] = steers[best]
    return given


def distractors(need: Need, everywhere: Sequence[Problem], outcomes: Outcomes, seed: int) -> list[Given]:
    """The other problems' reasoning that serves as a steer, at most `among` of it, in a seeded order."""
    order = list(everywhere)
    generator(seed, "", 0, "distractors", need.node, need.model).shuffle(order)
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
    return [i for i, outcome in enumerate(outcomes.get(problem.id, ())) if outcome in wanted]


def _same_answer(one: Problem, other: Problem) -> bool:
    return one.answer.strip().casefold() == other.answer.strip().casefold()
