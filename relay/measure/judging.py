"""What each part of a rule said, and what judges cost: apart from the scores, and from the rollouts' own tokens."""

from typing import NamedTuple

from relay.store.reader import Run

PARTS = """
SELECT by.text, coalesce(max(model.text), ''), count(*),
       count(*) FILTER (WHERE outcome.text = 'correct'),
       count(*) FILTER (WHERE outcome.text = 'wrong'),
       count(*) FILTER (WHERE outcome.text = 'undecided'),
       count(j.rollout), coalesce(sum(j.decoded), 0), coalesce(sum(j.thrown), 0), coalesce(sum(j.computed), 0),
       coalesce(sum(j.cached), 0)
FROM verdict v
JOIN rollout r ON r.id = v.rollout AND r.cell >= 0
JOIN name by ON by.id = v.verifier
JOIN name outcome ON outcome.id = v.outcome
LEFT JOIN judgement j ON j.rollout = v.rollout AND j.verifier = v.verifier
LEFT JOIN name model ON model.id = j.model
GROUP BY by.id ORDER BY by.id
"""
UNGRADED = """
SELECT count(*) FROM rollout r JOIN name stop ON stop.id = r.stop
WHERE stop.text NOT IN ('failed', 'missing') AND NOT EXISTS (
    SELECT 1 FROM verdict v JOIN name n ON n.id = v.verifier WHERE v.rollout = r.id AND n.text = ?
)
"""


class Judging(NamedTuple):
    """A verifier that is part of a rule, or that asks a model: over all cells."""

    verifier: str
    model: str  # the judge's; empty for a verifier that asks none
    verdicts: int
    correct: int
    wrong: int
    undecided: int
    replies: int  # of the model
    decoded: int  # tokens of these replies
    thrown: int
    computed: int  # prompt tokens
    cached: int


def judging(run: Run) -> list[Judging]:
    """The parts of rules, and the judges."""
    whole = set(run.verifiers)
    found = (Judging(*row) for row in run.query(PARTS))
    return [each for each in found if each.verifier not in whole or each.model]


def ungraded(run: Run, verifier: str) -> int:
    """How many rollouts that ended have no verdict by this verifier."""
    return int(run.query(UNGRADED, verifier)[0][0])
