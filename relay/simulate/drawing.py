"""Drawing a study: outcomes as arrays, a million rollouts at a time."""

from typing import TYPE_CHECKING, Any, NamedTuple

from relay.errors import UserError
from relay.simulate.rates import log_odds_of, logistic
from relay.simulate.study import Lengths, Selection, Study

if TYPE_CHECKING:
    from numpy import bool_, int64
    from numpy.random import Generator
    from numpy.typing import NDArray

    from relay.simulate.rates import Floats

RAREST = 1e-5  # the share of problems that a selection must leave, lest drawing take for ever
CHUNK = 1 << 18  # problems drawn at a time while a selection is made


class Drawn(NamedTuple):
    """One study's outcomes. C cells, N problems, k samples."""

    correct: "NDArray[bool_]"  # (C, N, k)
    distractor: "NDArray[int64]"  # (N, k): which one this sample was given, the same in every cell
    chance: "Floats"  # (C, N, k): the true chance of each outcome
    solved: "NDArray[int64] | None"  # (N,): right solos that selected the problem
    tokens: "NDArray[int64] | None"  # (C, N, k): the length of each continuation


def draw(study: Study, seed: int) -> Drawn:
    """One study. The same seed gives the same study; further cells change nothing of those before them.

    Raises UserError where the selection leaves fewer problems than one in 100,000.
    """
    import numpy as np

    worlds, dealing, noise, lengths = (np.random.default_rng([seed, part]) for part in range(4))
    log_odds, solved = problems_of(study, worlds)
    n, k = study.problems, study.samples
    slopes = worlds.normal(0, 1, n) * study.slope_sd
    effects = worlds.normal(0, 1, study.distractors) * study.distractor_sd
    distractor = _dealt(n, k, study.distractors, dealing)
    steer = effects[distractor] if study.distractors else np.zeros((n, k))
    if study.interaction_sd:
        own = worlds.normal(0, 1, (n, study.distractors)) * study.interaction_sd
        steer = steer + own[np.arange(n)[:, None], distractor]
    chance = np.empty((len(study.cells), n, k))
    for i, cell in enumerate(study.cells):
        chance[i] = logistic((log_odds + cell.shift + cell.slope * slopes)[:, None] + cell.steered * steer)
    correct = noise.random(chance.shape) < chance
    tokens = tokens_of(study.lengths, chance.shape, lengths) if study.lengths else None
    return Drawn(correct, distractor, chance, solved, tokens)


def tokens_of(lengths: Lengths, shape: tuple[int, ...], random: "Generator") -> "NDArray[int64]":
    """Lengths of continuations, (cells, problems, samples); the longest are cut at the budget."""
    import numpy as np

    own, between = lengths.sd, lengths.problem_sd
    middle = np.log(lengths.mean) - (own**2 + between**2) / 2
    of_problem = random.normal(middle, between, (1, shape[1], 1)) if between else middle
    drawn = np.exp(of_problem + random.normal(0, own, shape))
    whole: NDArray[int64] = np.clip(np.rint(drawn), 1, lengths.most).astype(np.int64)
    return whole


def problems_of(study: Study, random: "Generator") -> "tuple[Floats, NDArray[int64] | None]":
    """The problems' log-odds and, where they were selected, how many solos were right."""
    import numpy as np

    from relay.simulate.truth import selected_share

    chosen = study.selection
    if chosen is None:
        return log_odds_of(study.rates, study.problems, random), None
    share = selected_share(study.rates, chosen)
    if share < RAREST:
        raise UserError(f"the selection leaves {share:.1g} of the problems, too few to draw")
    found: list[tuple[Any, Any]] = []
    while sum(len(log_odds) for log_odds, _ in found) < study.problems:
        found.append(_screened(study, chosen, share, random))
    return (np.concatenate(part)[: study.problems] for part in zip(*found, strict=True))  # type: ignore[return-value]


def _screened(study: Study, chosen: Selection, share: float, random: "Generator") -> tuple[Any, Any]:
    """Those of some more problems whose solos fit."""
    log_odds = log_odds_of(study.rates, min(CHUNK, int(1.1 * study.problems / share) + 50), random)
    solved = random.binomial(chosen.of, logistic(log_odds))
    fits = (solved >= chosen.at_least) & (solved <= chosen.at_most)
    return log_odds[fits], solved[fits]


def _dealt(n: int, k: int, distractors: int, random: "Generator") -> "NDArray[int64]":
    """Which distractor each (problem, sample) is given: each as often as any other, up to one."""
    import numpy as np

    if not distractors:
        return np.zeros((n, k), np.int64)
    dealt: NDArray[int64] = random.permutation(np.resize(random.permutation(distractors), n * k)).reshape(n, k)
    return dealt
