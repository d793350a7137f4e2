"""Intervals against published values and against a simulated truth."""

import random

import pytest

from relay.measure.intervals import korn_graubard, of_problems, wilson


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [  # Newcombe 1998, table I, method 3 (Wilson's score without continuity correction)
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_is_newcombe_s_third_method(correct: int, n: int, low: float, high: float) -> None:
    found = wilson(correct, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_alone_each_problem_gets_wilson_and_several_continuations_korn_graubard() -> None:
    one, several = of_problems([(1, 1), (0, 1), (1, 1)]), of_problems([(3, 4), (0, 4), (4, 4)])
    assert one is not None
    assert several is not None
    assert (one.method, several.method) == ("Wilson", "Korn-Graubard")
    assert of_problems([]) is None
    assert of_problems([(0, 0)]) is None


def test_continuations_that_are_all_alike_count_as_one() -> None:
    alike = korn_graubard([(8, 8)] * 10 + [(0, 8)] * 10)
    single = korn_graubard([(1, 1)] * 10 + [(0, 1)] * 10)
    assert alike.high - alike.low == pytest.approx(single.high - single.low, rel=0.08)


def test_nothing_right_and_everything_right_have_one_open_end() -> None:
    assert korn_graubard([(0, 8)] * 30).low == 0
    assert korn_graubard([(8, 8)] * 30).high == 1
    assert korn_graubard([(0, 8)] * 30).high > 0.05


@pytest.mark.parametrize(("p", "k", "spread"), [(0.5, 8, 0.5), (0.1, 8, 2.0), (0.9, 1, 1.0)])
def test_the_truth_is_covered(p: float, k: int, spread: float) -> None:
    """Beta-binomial problems, 400 studies: at least 92 % hold the truth."""
    draw, covered, studies = random.Random(f"{p}{k}"), 0, 400
    for _ in range(studies):
        rates = [draw.betavariate(p * spread * 2, (1 - p) * spread * 2) for _ in range(60)]
        found = of_problems([(sum(draw.random() < r for _ in range(k)), k) for r in rates])
        assert found is not None
        covered += found.low <= p <= found.high
    assert covered / studies >= 0.92
