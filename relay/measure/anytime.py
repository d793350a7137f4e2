"""Always-valid intervals of a run's scores, for those who look before it ends, and what they cost in width.

A value is the mean of one problem's first s continuations, in the order in which problems were begun, up to the first
that is still open: what ends early is no random part of what began. Each s up to what the run allows has a sequence of
its own at 5 % / s; they hold together, so that the narrowest may be taken.
"""

from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

from relay.measure.adaptive import order
from relay.measure.betting import sequence
from relay.measure.scores import scores
from relay.store.reader import Run

ENDED = """
SELECT r.cell, r.problem, r.sample, r.stop IS NULL, outcome.text = 'correct', v.rollout IS NULL
FROM rollout r LEFT JOIN verdict v ON v.rollout = r.id AND v.verifier = (SELECT id FROM name WHERE text = :verifier)
LEFT JOIN name outcome ON outcome.id = v.outcome WHERE r.cell >= 0 ORDER BY r.id
"""
SAID = (
    "Anytime intervals hold at every look at once, over problems drawn at random and for this run's distractors "
    "(Waudby-Smith and Ramdas 2023); a score counts every problem alike. How many times as wide they are as the "
    "interval of one look is their price: its square is that in rollouts."
)


class Anytime(NamedTuple):
    """One cell."""

    cell: str
    problems: int
    samples: int  # continuations of each that are counted
    score: float | None  # the mean over problems
    low: float
    high: float
    times: float | None  # how many times as wide as the score's own interval


def anytime(run: Run) -> Iterator[Anytime]:
    """Of each cell, by the run's own verifier."""
    import numpy as np

    most, by_cell = max(1, int(run.meta.get("samples") or 1)), _values(run)
    for i, score in enumerate(scores(run)):
        found = []
        for s in range(1, most + 1):
            values = np.array(_first(by_cell.get(i, {}), s))
            low, high = sequence(values, 0.05 / most) if len(values) else (0.0, 1.0)
            found.append((high - low, s, low, high, values))
        width, s, low, high, values = min(found, key=lambda each: each[0])
        own = score.interval and score.interval.high - score.interval.low
        mean = float(values.mean()) if len(values) else None
        yield Anytime(score.cell, len(values), s, mean, low, high, width / own if own else None)


Problem = list[tuple[bool, float | None]]  # of each sample: whether it is open, and whether right; None: not graded


def _values(run: Run) -> dict[int, dict[int, Problem]]:
    """By cell, then problem, in the order in which they were begun."""
    found: dict[int, dict[int, Problem]] = {}
    tree, problems = run.meta["scenario"], len(run.problems)
    orders = order(problems, tree.get("seed", 0)) if "rounds" in run.meta else range(problems)
    for cell, problem, _, open_, correct, ungraded in run.query(ENDED, verifier=run.verifier):
        found.setdefault(cell, {}).setdefault(problem, []).append((open_, None if ungraded else float(correct)))
    return {cell: {problem: of[problem] for problem in orders if problem in of} for cell, of in found.items()}


def _first(problems: dict[int, Problem], s: int) -> list[float]:
    """The means of the first s samples, of problems up to the first that has fewer or one that is open."""
    ready = takewhile(lambda samples: len(samples) >= s and not any(o for o, _ in samples[:s]), problems.values())
    graded = ([c for _, c in samples[:s] if c is not None] for samples in ready)
    return [sum(right) / len(right) for right in graded if right]
