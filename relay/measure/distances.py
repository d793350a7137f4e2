"""How far steers are from their reader, and how often it comes back from near and far ones: from the run file."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from relay.measure.graded import DISTRACTOR
from relay.measure.intervals import Interval, interval
from relay.measure.outcomes import outcomes
from relay.store.reader import Run

ALL = "all cells"  # the thirds of each cell, put together
NAMES = ("nearest", "middle", "farthest")

DISTANCES = f"""
SELECT r.cell, r.problem, {DISTRACTOR}, -sum(d.logprob) / sum(d.tokens),
       (SELECT n.text FROM verdict v JOIN name n ON n.id = v.outcome
        WHERE v.rollout = r.id AND v.verifier = (SELECT id FROM name WHERE text = :verifier))
FROM distance d JOIN step s ON s.id = d.hop JOIN rollout r ON r.id = s.rollout
WHERE d.logprob IS NOT NULL AND r.cell >= 0 GROUP BY r.id ORDER BY r.id
"""
COSTS = """
SELECT r.cell, count(*), count(*) - count(d.logprob), sum(d.tokens), sum(d.computed), sum(d.ms)
FROM distance d JOIN step s ON s.id = d.hop JOIN rollout r ON r.id = s.rollout WHERE r.cell >= 0 GROUP BY r.cell
"""


class Distant(NamedTuple):
    """A rollout with the distance of what was put into it: nats a token, 0 where the model would have said that."""

    problem: int
    distractor: int | None  # the pool sample about another problem that was put in
    distance: float
    correct: bool | None  # None: not graded


class Third(NamedTuple):
    """The nearest, the middle or the farthest third of a cell's steers, those of graded rollouts."""

    distance: float  # mean
    low: float  # the least of them
    high: float
    correct: int
    graded: int
    interval: Interval | None


class Distance(NamedTuple):
    """The steers of one cell."""

    cell: str
    steers: int
    failed: int  # of these, those without a distance
    tokens: int  # of the steers, as their reader reads them
    computed: int  # tokens that were read for it
    seconds: float
    mean: float | None  # of the rollouts' distances, in nats a token
    deviation: float | None  # of one rollout's distance from the mean, standard
    thirds: tuple[Third, ...]  # none where there are not three different distances


def distances(run: Run, verifier: str = "") -> list[Distance]:
    """One for each cell with steers that were measured, then all together; nothing where nobody measured."""
    if not run.has("distance"):
        return []
    rollouts: dict[int, list[Distant]] = defaultdict(list)
    for cell, problem, distractor, distance, outcome in run.query(DISTANCES, verifier=verifier or run.verifier):
        rollouts[cell].append(Distant(problem, distractor, distance, None if outcome is None else outcome == "correct"))
    found, names = [], run.cells
    costs = run.query(COSTS)
    split = {cell: thirds(mine) for cell, mine in rollouts.items()}
    for cell, *cost in costs:
        found.append(_distance(names[cell], cost, rollouts[cell], split.get(cell, ())))
    if len(found) > 1:
        together = list(zip(*filter(None, split.values()), strict=True)) if any(split.values()) else []
        joined = [[each for third in part for each in third] for part in together]
        every = [each for mine in rollouts.values() for each in mine]
        found.append(
            _distance(ALL, [sum(column) for column in zip(*(c[1:] for c in costs), strict=True)], every, joined)
        )
    return found


def thirds(rollouts: Iterable[Distant]) -> Sequence[Sequence[Distant]]:
    """The graded ones in three parts by distance, equal ones in the same part; nothing where a part would be empty."""
    ranked = sorted((each for each in rollouts if each.correct is not None), key=lambda each: each.distance)
    starts = {each.distance: i for i, each in reversed(list(enumerate(ranked)))}
    parts: tuple[list[Distant], ...] = ([], [], [])
    for each in ranked:
        parts[3 * starts[each.distance] // len(ranked)].append(each)
    return parts if all(parts) else ()


def _distance(
    cell: str, cost: Sequence[int], rollouts: Sequence[Distant], parts: Sequence[Sequence[Distant]]
) -> Distance:
    steers, failed, tokens, computed, ms = cost
    values = [each.distance for each in rollouts]
    return Distance(
        cell, steers, failed, tokens, computed, ms / 1000, fmean(values) if values else None,
        stdev(values) if len(values) > 1 else None, tuple(_third(part) for part in parts),
    )  # fmt: skip


def _third(part: Sequence[Distant]) -> Third:
    values = [each.distance for each in part]
    cell = outcomes([(each.problem, each.distractor, int(bool(each.correct))) for each in part])
    return Third(fmean(values), min(values), max(values), int(cell.correct.sum()), len(part), interval(cell))
