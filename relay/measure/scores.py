"""Scores of a run, cell by cell, from the run file alone. docs/numbers.md gives the query of each figure."""

from typing import NamedTuple

from relay.measure.graded import graded
from relay.measure.intervals import Interval, assumed, interval
from relay.store.reader import Run

# A rollout `r` with why it stopped, what :verifier says of it, and whether its steer alone states the answer.
JUDGED = """
LEFT JOIN name stop ON stop.id = r.stop
LEFT JOIN verdict v ON v.rollout = r.id AND v.verifier = (SELECT id FROM name WHERE text = :verifier)
LEFT JOIN name outcome ON outcome.id = v.outcome
LEFT JOIN verdict s ON s.rollout = r.id
    AND s.verifier = (SELECT id FROM name WHERE text = 'steer alone, by ' || :verifier)
LEFT JOIN name alone ON alone.id = s.outcome
"""
COUNTS = f"""
SELECT c.id, r.problem,
       count(*) FILTER (WHERE outcome.text = 'correct'),
       count(*) FILTER (WHERE outcome.text = 'wrong'),
       count(*) FILTER (WHERE outcome.text = 'undecided'),
       count(*) FILTER (WHERE stop.text = 'missing'),
       count(*) FILTER (WHERE stop.text = 'failed'),
       count(*) FILTER (WHERE r.stop IS NULL),
       count(*) FILTER (WHERE stop.text LIKE 'budget%' OR stop.text = 'context full'),
       count(*) FILTER (WHERE alone.text = 'correct'), count(alone.text)
FROM cell c
JOIN rollout r ON r.cell = c.id
{JUDGED}
GROUP BY c.id, r.problem
"""

COST = """
SELECT r.cell, coalesce(sum(h.decoded), 0), coalesce(sum(h.thrown), 0), coalesce(sum(h.computed), 0),
       coalesce(sum(h.cached), 0)
FROM rollout r JOIN hop h ON h.rollout = r.id WHERE r.cell >= 0 GROUP BY r.cell
"""


class Score(NamedTuple):
    """What one cell came to, by one verifier."""

    cell: str
    verifier: str
    problems: int  # with at least one graded rollout
    correct: int
    wrong: int
    undecided: int
    missing: int  # left out: the unit that the scenario asks for does not exist
    failed: int
    unfinished: int  # still open
    cut_short: int  # a budget or the context ended it; graded all the same
    spoilers: int  # of those looked at, whose steer alone states the answer
    looked_at: int  # whose steer was graded alone: `relay report --spoilers`
    decoded: int  # tokens decoded and kept
    thrown: int
    computed: int
    cached: int
    interval: Interval | None

    @property
    def graded(self) -> int:
        """Rollouts with a verdict: the score's denominator. Undecided counts as not correct."""
        return self.correct + self.wrong + self.undecided

    @property
    def score(self) -> float | None:
        """The share that is correct, or None when nothing was graded."""
        return self.correct / self.graded if self.graded else None


def scores(run: Run, verifier: str = "") -> list[Score]:
    """One score for each cell, in the run's order, by this verifier; by default by the run's own."""
    names, verifier = run.cells, verifier or run.verifier
    sums = [[0] * 9 for _ in names]
    problems = [0] * len(names)
    for cell, _problem, *counts in run.query(COUNTS, verifier=verifier):
        sums[cell] = [a + b for a, b in zip(sums[cell], counts, strict=True)]
        problems[cell] += any(counts[:3])
    outcomes = graded(run, verifier)
    cost = {cell: rest for cell, *rest in run.query(COST)}
    found = []
    for i, name in enumerate(names):
        correct, wrong, undecided, missing, failed, unfinished, cut_short, spoilers, looked_at = sums[i]
        decoded, thrown, computed, cached = cost.get(i, (0, 0, 0, 0))
        found.append(
            Score(
                name, verifier, problems[i], correct, wrong, undecided, missing, failed, unfinished, cut_short,
                spoilers, looked_at, decoded, thrown, computed, cached,
                interval(outcomes[i]) if i in outcomes else None,
            )
        )  # fmt: skip
    return found


def caption(found: list[Score]) -> str:
    """What is random in these intervals, and what they do not cover."""
    methods = sorted({s.interval.method for s in found if s.interval})
    if not methods:
        return "Nothing was graded."
    differ = ""
    if len({s.problems for s in found}) > 1 and any(s.missing for s in found):
        differ = "Cells hold different problems where units are missing: compare them with care. "
    return f"{differ}95 % intervals ({', '.join(methods)}) {assumed(methods)}. Undecided answers count as not correct."
