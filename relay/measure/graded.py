"""The graded rollouts of a run as the estimators read them, cell by cell, from the run file alone."""

from collections import defaultdict

from relay.measure.outcomes import Outcomes, outcomes
from relay.store.reader import Run

# Of a rollout `r`: the pool sample about another problem that was put in; a steer about its own problem is none.
DISTRACTOR = """(
    SELECT min(u.solo) FROM unit u JOIN solo s ON s.id = u.solo
    JOIN problem p ON p.id = r.problem AND p.key <> s.problem
    WHERE u.problem = r.problem AND u.sample = r.sample AND u.cell = r.cell
)"""
GRADED = f"""
SELECT r.id, r.cell, r.problem, {DISTRACTOR}, outcome.text = 'correct'
FROM rollout r JOIN verdict v ON v.rollout = r.id JOIN name outcome ON outcome.id = v.outcome
WHERE r.cell >= 0 AND v.verifier = (SELECT id FROM name WHERE text = :verifier)
"""
STRATA = """
SELECT p.id, s.solved FROM problem p JOIN solved s ON s.problem = p.key
WHERE s.model = (SELECT id FROM name WHERE text = :model)
"""


def graded(run: Run, verifier: str = "") -> dict[int, Outcomes]:
    """By the number of the cell; by this verifier, by default the run's own. A cell without a verdict is left out."""
    return {cell: found for cell, (_, found) in graded_by_number(run, verifier).items()}


def graded_by_number(run: Run, verifier: str = "") -> dict[int, tuple[list[int], Outcomes]]:
    """As `graded`, with the numbers of the rollouts in the order of their outcomes."""
    rows: dict[int, list[tuple[int, int | None, int]]] = defaultdict(list)
    numbers: dict[int, list[int]] = defaultdict(list)
    for number, cell, *row in run.query(GRADED, verifier=verifier or run.verifier):
        rows[cell].append((row[0], row[1], row[2]))
        numbers[cell].append(number)
    drawn_in = strata(run)
    return {cell: (numbers[cell], outcomes(found, drawn_in)) for cell, found in rows.items()}


def strata(run: Run) -> dict[int, int]:
    """Each problem's solve rate where problems were drawn evenly over solve rates; else empty."""
    model = (run.meta["scenario"].get("select") or {}).get("evenly")
    return dict(run.query(STRATA, model=model)) if model else {}
