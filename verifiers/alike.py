"""Whether the references of two problems are one answer: a distraction must not lead to the right one."""

from functools import lru_cache

from relay.problems import Problem
from relay.verifiers import Outcome
from relay.verifiers.math import LONGEST, decide, reference_of
from relay.verifiers.spelling import tidy


def alike(one: Problem, other: Problem) -> bool:
    """Whether they may be equal, by characters, numbers (1/2 is 0.5) and words; algebra is not asked.

    Of a worked solution only the answer counts, as when it is graded. What cannot be told without asking for a unit or
    a percent sign (50 and 50 %) counts as equal.
    """
    if (plain := _plain(one.answer)) == _plain(other.answer):
        return True
    if not plain or "math" not in (one.kind, other.kind):
        return False
    first, second = _ready(one.answer), _ready(other.answer)
    if max(len(first), len(second)) > LONGEST or not second:
        return False
    found = decide(first, second)
    return found is not None and found[0] is not Outcome.WRONG


@lru_cache(maxsize=16_384)
def _ready(answer: str) -> str:
    return tidy(reference_of(answer))


def _plain(answer: str) -> str:
    return answer.strip().casefold()
