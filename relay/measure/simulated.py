"""Many simulated studies at once, as the estimators read them: to plan a study, and to see whether estimators hold."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from relay.measure.outcomes import NONE, Array, Outcomes

if TYPE_CHECKING:
    from relay.simulate.study import Study

AT_ONCE = 2**20  # rollouts of one cell


def batches(study: "Study", studies: int, seed: int = 0) -> Iterator[list[Outcomes]]:
    """The cells of so many studies, correct: (studies, rollouts). Those of a batch deal their distractors alike."""
    n = study.problems * study.samples
    size = max(1, min(100, AT_ONCE // n))
    for first in range(0, studies, size):
        yield _batch(study, min(size, studies - first), seed, first)


def _batch(study: "Study", count: int, seed: int, first: int) -> list[Outcomes]:
    import numpy as np

    from relay.simulate.drawing import problems_of
    from relay.simulate.rates import logistic

    n, k = study.problems, study.samples
    random = np.random.default_rng([seed, first])
    log_odds = problems_of(study._replace(problems=n * count), random)[0].reshape(count, n)
    slopes = random.normal(0, study.slope_sd, (count, n)) if study.slope_sd else np.zeros((count, n))
    problem, distractor = np.repeat(np.arange(n), k), np.full(n * k, NONE)
    steer: Array = np.zeros((count, n * k))
    if study.distractors:
        distractor = random.permutation(np.arange(n * k) % study.distractors)
        steer = random.normal(0, study.distractor_sd, (count, study.distractors))[:, distractor]
        steer = steer + random.normal(0, study.interaction_sd, (count, n * k))
    cells = []
    for cell in study.cells:
        chance = logistic((log_odds + cell.shift + cell.slope * slopes)[:, problem] + cell.steered * steer)
        given = distractor if cell.steered else np.full(n * k, NONE)
        cells.append(Outcomes(problem, given, (random.random(chance.shape) < chance) * 1.0))
    return cells
