"""How long the pool's solos think, in tokens of their author's, and which of them think as long as they should."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache

from relay.language.amounts import NOTHING_OF_IT, Share, Tokens
from relay.pool import Solo
from relay.prepare.units import Outcomes
from relay.problems import Problem
from relay.seam.pieces import keep
from relay.seam.tokens import Tokenizer

Length = Callable[[Problem, int], int]  # of a sample of this problem


def lengths(solo_of: Callable[[Problem, int], Solo], tokenizer: Tokenizer) -> Length:
    """What says how many tokens of thinking a solo of one model has; each is looked at once."""

    @cache
    def tokens(problem: str, sample: int) -> int:
        solo = solo_of(known[problem], sample)
        return len(keep(tokenizer, solo.ids, solo.text[: solo.thought].encode())[0])

    known: dict[str, Problem] = {}

    def length(problem: Problem, sample: int) -> int:
        return tokens(known.setdefault(problem.id, problem).id, sample)

    return length


def longest_right(problems: Iterable[Problem], outcomes: Outcomes, length: Length) -> dict[str, int]:
    """By problem the longest thinking that led to a right answer; 0 where none did."""
    found = {}
    for problem in problems:
        right = [sample for sample, outcome in outcomes[problem.id].items() if outcome == "correct"]
        found[problem.id] = max((length(problem, sample) for sample in right), default=0)
    return found


def as_long_as(
    wanted: Share | Tokens, outcomes: Outcomes, run: Sequence[Problem], everywhere: Iterable[Problem], length: Length
) -> Outcomes:
    """The samples that think for so many tokens or, of a share, as long as that share of those on the run's problems.

    A share of .8 is the 80th percentile: of the lengths the least that at least 80 % of them do not exceed.
    """
    if wanted == NOTHING_OF_IT:
        return outcomes
    if isinstance(wanted, Tokens):
        least = wanted.tokens
    else:
        of_run = sorted(length(problem, sample) for problem in run for sample in outcomes[problem.id])
        least = of_run[math.ceil(len(of_run) * wanted.share - 1e-9) - 1] if of_run else 0
    return {p.id: _long(p, outcomes[p.id], least, length) for p in everywhere}


def _long(problem: Problem, samples: Mapping[int, str], least: int, length: Length) -> dict[int, str]:
    return {sample: outcome for sample, outcome in samples.items() if length(problem, sample) >= least}
