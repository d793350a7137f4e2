"""A twin test by solve rate: the problems that its model solves alone 1 of 8 times, 2 of 8, and so on."""

from typing import Any, NamedTuple

from relay.store.reader import Run
from relay.twin.effect import Line, as_data, beside, effect, verdicts

MAIN = "main"  # the tested model's name in every twin test
RATES = """
SELECT s.solved, s.sampled, p.id FROM solved s JOIN problem p ON p.key = s.problem
WHERE s.model = (SELECT id FROM name WHERE text = ?) ORDER BY 1, 3
"""


class Stratum(NamedTuple):
    """The problems of one solve rate."""

    solved: int  # of the samples that selected
    sampled: int
    problems: int
    alone: Line | None  # fresh solos, which fall back to the mean
    steered: Line  # all steered cells together

    @property
    def rate(self) -> str:
        """As it is said: 3/8."""
        return f"{self.solved}/{self.sampled}"


def strata(run: Run, verifier: str = "") -> list[Stratum]:
    """The strata of a twin test, hardest problems first; empty where its problems are all of one rate."""
    rates: dict[tuple[int, int], list[int]] = {}
    for solved, sampled, problem in run.query(RATES, MAIN):
        rates.setdefault((solved, sampled), []).append(problem)
    if len(rates) < 2:
        return []
    of = verdicts(run, verifier)
    found = [(rate, problems, effect(run, verifier, problems, of, cells=False)) for rate, problems in rates.items()]
    return [
        Stratum(*rate, len(problems), each.alone, each.steered)
        for rate, problems, each in found
        if each.alone is not None  # no twin test: nothing is compared
    ]


def stratum_data(of: Stratum) -> dict[str, Any]:
    """A stratum as JSON has it."""
    alone = of.alone and as_data(of.alone)
    return {"solved": of.rate, "problems": of.problems, "alone": alone, "steered": beside(of.steered)}
