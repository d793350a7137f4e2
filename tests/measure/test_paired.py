"""Paired differences: Newcombe's published interval, its exact coverage, and Student's t by hand."""

import random
from collections.abc import Iterator
from math import exp, lgamma, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.measure.paired import Counts, Difference, difference, equality

Pair = tuple[Counts, Counts]


def pairs(both: int, first: int, second: int, none: int) -> list[Pair]:
    kinds = ((both, 1, 1), (first, 1, 0), (second, 0, 1), (none, 0, 0))
    return [((a, 1), (b, 1)) for count, a, b in kinds for _ in range(count)]


def found(counts: list[Pair]) -> Difference:
    result = difference(counts)
    assert result is not None
    return result


def test_it_is_newcombe_s_tenth_method() -> None:
    """Newcombe 1998, Statistics in Medicine 17, 2635: 36 both, 12 and 2 one only, of 50."""
    d = found(pairs(36, 12, 2, 0))
    assert (d.mean, d.low, d.high) == pytest.approx((0.2, 0.0569, 0.3404), abs=5e-5)
    assert (d.method, d.problems) == ("Newcombe", 50)


def tables(n: int) -> Iterator[tuple[int, int, int, int]]:
    for both in range(n + 1):
        for first in range(n + 1 - both):
            for second in range(n + 1 - both - first):
                yield both, first, second, n - both - first - second


@pytest.mark.parametrize(
    "chances", [(0.5, 0.2, 0.1, 0.2), (0.9, 0.05, 0.03, 0.02), (0.001, 0.299, 0.3, 0.4), (0.02, 0.05, 0.05, 0.88)]
)
def test_it_covers_the_truth(chances: tuple[float, ...]) -> None:
    """Summed over every table that 16 problems can give, not simulated."""
    n, truth, covered = 16, chances[1] - chances[2], 0.0
    for table in tables(n):
        d = found(pairs(*table))
        if d.low <= truth <= d.high:
            covered += exp(lgamma(n + 1) + sum(k * log(p) - lgamma(k + 1) for k, p in zip(table, chances, strict=True)))
    assert covered >= 0.93


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_exchanging_the_cells_turns_the_interval_around(drawn: list[tuple[bool, bool]]) -> None:
    there = found([((a, 1), (b, 1)) for a, b in drawn])
    back = found([((b, 1), (a, 1)) for a, b in drawn])
    assert (-back.mean, -back.high, -back.low) == pytest.approx((there.mean, there.low, there.high))
    assert -1 <= there.low <= there.mean <= there.high <= 1


def test_several_continuations_are_students_t_over_problems() -> None:
    """Differences 1, 0.5, 0: mean 0.5, standard error 0.5/sqrt(3), t(2) = 4.3027."""
    d = found([((4, 4), (0, 2)), ((2, 4), (0, 2)), ((0, 4), (0, 2))])
    assert (d.mean, d.low, d.high) == pytest.approx((0.5, 0.5 - 1.2421, 1.0), abs=5e-4)
    assert d.method == "t by problem"


def test_a_problem_without_a_verdict_in_one_of_the_cells_is_left_out() -> None:
    d = found([*pairs(3, 2, 1, 4), ((1, 1), (0, 0)), ((0, 0), (1, 1))])
    assert d == found(pairs(3, 2, 1, 4))


def test_nothing_is_said_where_nothing_can_be() -> None:
    assert difference([]) is None
    assert difference([((1, 1), (0, 0))]) is None


def test_differences_that_are_all_alike_leave_room_for_other_problems() -> None:
    """0 of 20 problems differ: Wilson's upper end for 0 of 20 is 0.1611."""
    none = found([((2, 4), (1, 2))] * 20)
    assert (none.mean, none.low, none.high) == pytest.approx((0, -0.1611, 0.1611), abs=5e-5)
    lost = found([((0, 4), (2, 2))] * 20)
    assert (lost.mean, lost.low, lost.high) == pytest.approx((-1, -1, -1 + 2 * 0.1611), abs=1e-4)
    assert found([((1, 2), (0, 2))]).low < 0 < found([((1, 2), (0, 2))]).high, "of one problem nothing follows"


def drawn(rng: random.Random, problems: int, k: int, shift: float) -> list[Pair]:
    """Solve rates all over the place; the second cell is better by `shift` wherever that can be."""
    rates = [rng.betavariate(2, 1) * (1 - shift) for _ in range(problems)]

    def solved(rate: float) -> int:
        return sum(rng.random() < rate for _ in range(k))

    return [((solved(rate + shift), k), (solved(rate), k)) for rate in rates]


@pytest.mark.parametrize(("problems", "k"), [(400, 8), (900, 4)])
def test_equal_cells_are_found_equal_and_others_seldom(problems: int, k: int) -> None:
    rng = random.Random(problems)
    same = [equality(drawn(rng, problems, k, 0.0)).verdict for _ in range(200)]
    apart = [equality(drawn(rng, problems, k, 0.03)).verdict for _ in range(200)]
    far = [equality(drawn(rng, problems, k, 0.1)).verdict for _ in range(50)]
    assert same.count("equal") >= 150, "that is what so many problems can show"
    assert apart.count("equal") <= 20, "5 % at the margin itself, and three standard errors"
    assert same.count("different") <= 20
    assert far.count("different") == 50


def test_few_problems_cannot_tell() -> None:
    assert equality(pairs(8, 1, 1, 0)).verdict == "cannot tell"
    assert equality([]).verdict == "cannot tell"
    assert equality(pairs(0, 10, 0, 0)).verdict == "different"


def test_of_several_comparisons_that_count_together_each_needs_more() -> None:
    """Four at 5 % each called a fair handover suspect in 15.7 % of 600 simulated studies, together in 5.3 %."""
    pairs = [((1, 1), (0, 1))] * 8 + [((0, 1), (1, 1))] + [((1, 1), (1, 1))] * 32
    assert equality(pairs).verdict == "different"
    assert equality(pairs, among=4).verdict == "cannot tell"
    assert equality(pairs * 4, among=4).verdict == "different"
    assert equality(pairs, among=4).difference == equality(pairs).difference
