"""Spoilers in a run: how many steers state the answer, what remains without them, and whether anybody looked."""

from collections.abc import Iterable
from typing import NamedTuple

from relay.measure.intervals import Interval, of_problems
from relay.measure.scores import JUDGED
from relay.store.reader import Run

COUNTS = f"""
SELECT r.cell, r.problem,
       count(*) FILTER (WHERE outcome.text = 'correct'), count(outcome.text),
       count(*) FILTER (WHERE outcome.text IS NOT NULL AND alone.text = 'correct'),
       count(*) FILTER (WHERE outcome.text = 'correct' AND alone.text = 'correct'),
       count(*) FILTER (WHERE stop.text = 'missing')
FROM rollout r
{JUDGED}
WHERE r.cell >= 0 GROUP BY r.cell, r.problem
"""
LOOKED = """
SELECT count(*), count(s.outcome) FROM rollout r
JOIN name stop ON stop.id = r.stop AND stop.text NOT IN ('failed', 'missing')
JOIN problem p ON p.id = r.problem
LEFT JOIN verdict s ON s.rollout = r.id
    AND s.verifier = (SELECT id FROM name WHERE text = 'steer alone, by ' || :verifier)
WHERE r.cell >= 0 AND EXISTS (
    SELECT 1 FROM hop h JOIN name source ON source.id = h.source
    WHERE h.rollout = r.id AND h.stop = (SELECT id FROM name WHERE text = 'steer')
    AND substr(source.text, 1, length(p.key) + 1) = p.key || '/'
    AND instr(substr(source.text, length(p.key) + 2), '/') = 0
)
"""


class Tally(NamedTuple):
    """Rollouts of one cell and problem; tallies add up."""

    correct: int = 0
    graded: int = 0
    spoilers: int = 0  # of those graded
    given_away: int = 0  # correct, by a spoiler
    missing: int = 0  # left out: the unit does not exist

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(*(a + b for a, b in zip(self, other, strict=True)))

    @property
    def counts(self) -> tuple[int, int]:
        """(Correct, graded)."""
        return self.correct, self.graded

    @property
    def corrected(self) -> tuple[int, int]:
        """(Correct, graded) of the rollouts whose steer is no spoiler."""
        return self.correct - self.given_away, self.graded - self.spoilers


class Looked(NamedTuple):
    """Whether the steers about their own problem were looked at."""

    steers: int  # rollouts that have one
    looked_at: int

    @property
    def done(self) -> bool:
        """All were; only then there is a corrected score."""
        return 0 < self.steers == self.looked_at

    @property
    def told(self) -> str:
        """What the reader of the scores should know; empty where they are corrected, or need not be."""
        if self.steers == self.looked_at:
            return ""
        nobody = "nobody has looked for spoilers (steers that state the answer)"
        some = f"only {self.looked_at:,} of {self.steers:,} steers were looked at for spoilers"
        return (
            f"{some if self.looked_at else nobody}: these scores hold what was given away, and none is corrected; "
            "`relay report RUN --spoilers` looks, where the verifier can"
        )


class Spoiled(NamedTuple):
    """A cell's spoilers, and the cell without them."""

    cell: str
    score: float | None  # of all that were graded
    spoilers: int
    graded: int  # all
    corrected: tuple[int, int]  # correct, graded: where the steer is no spoiler
    interval: Interval | None  # of the corrected score

    @property
    def rate(self) -> float | None:
        """The share of graded rollouts whose steer is a spoiler."""
        return self.spoilers / self.graded if self.graded else None

    @property
    def corrected_score(self) -> float | None:
        """The score over the rollouts whose steer is no spoiler."""
        correct, graded = self.corrected
        return correct / graded if graded else None

    @property
    def minus_spoilers(self) -> float | None:
        """The score minus the spoiler rate, as the paper corrects: whoever had a spoiler is taken to be right by it."""
        return None if self.score is None or self.rate is None else self.score - self.rate


def looked(run: Run, verifier: str = "") -> Looked:
    """How far spoilers were looked for, by the finder of this verifier; by default of the run's own."""
    return Looked(*run.query(LOOKED, verifier=verifier or run.verifier)[0])


def tallies(run: Run, verifier: str = "") -> dict[int, dict[int, Tally]]:
    """The tallies by cell and problem, both by number."""
    found: dict[int, dict[int, Tally]] = {}
    for cell, problem, *counts in run.query(COUNTS, verifier=verifier or run.verifier):
        found.setdefault(cell, {})[problem] = Tally(*counts)
    return found


def spoiled(cell: str, of: Iterable[Tally]) -> Spoiled:
    """These problems' tallies as one cell."""
    listed = list(of)
    sum_ = Tally()
    for tally in listed:
        sum_ = sum_.plus(tally)
    score = sum_.correct / sum_.graded if sum_.graded else None
    interval = of_problems([tally.corrected for tally in listed])
    return Spoiled(cell, score, sum_.spoilers, sum_.graded, sum_.corrected, interval)


def corrections(run: Run, verifier: str = "") -> list[Spoiled]:
    """Every cell without its spoilers, in the run's order; empty unless all steers were looked at."""
    if not looked(run, verifier).done:
        return []
    found = tallies(run, verifier)
    return [spoiled(name, found.get(i, {}).values()) for i, name in enumerate(run.cells)]
