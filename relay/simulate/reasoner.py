"""A simulated reasoner: how likely it is to come to the right answer, from where it stands in a thought."""

from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from math import exp, log
from statistics import NormalDist
from typing import NamedTuple

from relay.draws import generator
from relay.simulate.rates import Beta, Rates
from relay.simulate.steps import Situation
from relay.simulate.study import Cell, Lengths, Study, guidability, recoverability

NEAR = 0.02  # a share that is read so near to a known one counts as that one: cuts go to the end of a sentence


class Behaviour(NamedTuple):
    """What is known of a reasoner beforehand."""

    rates: Rates  # how often it solves the problems of a set
    recovers: Mapping[float, float] = {}  # accuracy over all problems, by the share of its own thought before a steer
    guided: Mapping[float, float] = {}  # accuracy over all problems, by the share of another's right thought
    distractor_sd: float = 0.0  # log-odds
    interaction_sd: float = 0.0
    slope_sd: float = 0.0
    seed: int = 0  # which problems are hard, which distractors strong


class Reasoner:
    """Known solve rates and known answers to steers. It draws nothing but its problems' and distractors' effects."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = b = behaviour
        study = Study(b.rates, 1, 1, (), 50, b.distractor_sd, b.interaction_sd, b.slope_sd)
        self._recovers = _curve(b.recovers, recoverability(study, b.recovers))
        self._guided = _curve(b.guided, guidability(study, b.guided))
        self._rate = lru_cache(maxsize=1 << 16)(self._drawn_rate)
        self._effect = lru_cache(maxsize=1 << 16)(self._drawn_effect)

    def cell(self, name: str, own: float, steered: bool) -> Cell:
        """The cell of a pure study in which it meets the same: steered by a distraction after this share, or guided."""
        if steered:
            return Cell(name, _at(self._recovers, own), 1 - own, 1.0)
        return Cell(name, _at(self._guided, own), own)

    def chance(self, problem: str, situation: Situation) -> float:
        """How likely it is to answer this problem (by its tag) right from here."""
        b, (own, last, mine) = self.behaviour, situation
        odds = self._rate(problem)
        if last is None or mine:
            return _logistic(odds)
        slope = b.slope_sd * self._effect(problem, "slope")
        if last.problem == problem and last.right:
            share = last.number / last.of
            return _logistic(odds + _at(self._guided, share) + share * slope)
        steer = last.problem if last.problem != problem else last.author
        odds += _at(self._recovers, own) + (1 - own) * slope + b.distractor_sd * self._effect(steer, "distractor")
        return _logistic(odds + b.interaction_sd * self._effect(problem, "interaction", steer))

    def _drawn_rate(self, problem: str) -> float:
        """The log-odds that it solves this problem alone."""
        random = generator(self.behaviour.seed, problem, 0, "solve rate")
        rates = self.behaviour.rates
        if isinstance(rates, Beta):
            parts = [log(random.gammavariate(s + 1, 1)) + log(1 - random.random()) / s for s in rates]
            return parts[0] - parts[1]
        return random.gauss(rates.mean, rates.sd)

    def _drawn_effect(self, of: str, *purpose: str) -> float:
        """A standard normal effect."""
        return generator(self.behaviour.seed, of, 0, *purpose).gauss()


def solo_tokens(lengths: Lengths, problem: str, seed: int, u: float) -> int:
    """The length of a solo on this problem (by its tag); `u` within 0..1 says which, of all there could be."""
    of_problem = generator(seed, problem, 0, "length").gauss(0, lengths.problem_sd)
    centre = log(lengths.mean) - (lengths.sd**2 + lengths.problem_sd**2) / 2
    own = NormalDist().inv_cdf(min(max(u, 1e-12), 1 - 1e-12)) * lengths.sd
    return max(1, min(lengths.most, round(exp(centre + of_problem + own))))


Points = tuple[tuple[float, float], ...]


def _logistic(odds: float) -> float:
    """As rates.logistic, for one number and without numpy."""
    return 1 / (1 + exp(-odds)) if odds > -700 else 0.0


def _curve(shares: Mapping[float, float], cells: tuple[Cell, ...]) -> Points:
    return tuple(sorted((share, cell.shift) for share, cell in zip(shares, cells, strict=True)))


def _at(points: Points, share: float) -> float:
    """The shift at this share: that of the nearest known one where it is near, straight lines in between."""
    if not points:
        return 0.0
    nearest = min(points, key=lambda point: abs(point[0] - share))
    inside = points[0][0] < share < points[-1][0]
    if abs(nearest[0] - share) <= NEAR or not inside:
        return nearest[1]
    (a, below), (b, above) = next((p, q) for p, q in pairwise(points) if p[0] <= share <= q[0])
    return below + (above - below) * (share - a) / (b - a)
