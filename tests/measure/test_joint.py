"""Contrasts of several cells on the same problems, against scipy's tests and against a resample."""

import numpy as np
import pytest
from scipy import stats

from relay.measure.joint import bounds, contrast, cost_ratio, slope, together
from relay.measure.outcomes import NONE, Array, Outcomes, outcomes
from relay.measure.paired import between, equal


def cells(values: Array, distractor: "Array | None" = None) -> list[Outcomes]:
    """Of (cells, problems) outcomes, one continuation each."""
    problem = np.arange(values.shape[1])
    given = np.full(len(problem), NONE) if distractor is None else distractor
    return [Outcomes(problem, given, row) for row in values]


RANDOM = np.random.default_rng(4)
VALUES = (RANDOM.random((5, 80)) < RANDOM.random(80) * np.linspace(0.4, 1, 5)[:, None]) * 1
MS = [0, 0.2, 0.4, 0.6, 0.8]


def test_a_slope_is_student_s_t_over_the_problems_slopes() -> None:
    of_each = np.array([np.polyfit(MS, VALUES[:, i], 1)[0] for i in range(80)])
    there = stats.ttest_1samp(of_each, 0).confidence_interval(0.95)
    found = contrast(cells(VALUES), slope(MS))
    assert found is not None
    assert float(found.value) == pytest.approx(of_each.mean())
    assert bounds(found, reach=9) == pytest.approx((there.low, there.high))


def test_the_mean_of_a_curve_strays_as_when_problems_are_resampled_for_all_cells_at_once() -> None:
    found = contrast(cells(VALUES), [0.2] * 5)
    assert found is not None
    draws = np.random.default_rng(1).integers(0, 80, (4000, 80))
    resampled = VALUES.mean(axis=0)[draws].mean(axis=1)
    assert float(found.variance) == pytest.approx(resampled.var() * 80 / 79, rel=4 * (2 / 4000) ** 0.5)


def test_a_problem_missing_in_one_cell_is_left_out_of_all() -> None:
    whole = cells(VALUES[:2])
    found = contrast([whole[0], together([whole[1], outcomes([(99, None, 1)])])], [1, -1])
    assert found is not None
    assert (found.problems, float(found.value)) == (80, pytest.approx((VALUES[0] - VALUES[1]).mean()))
    assert contrast([outcomes([(1, None, 1)]), outcomes([(2, None, 1)])], [1, -1]) is None


def test_shared_distractors_widen_a_difference() -> None:
    """The first cell is right where the distractor is harmless, the second always."""
    shared = np.arange(80) % 8
    values = np.array([(shared < 6) * 1, np.ones(80, int)])
    first, second = cells(values, shared)
    alone = cells(values)
    wide, narrow = between(first, second._replace(distractor=np.full(80, NONE))), between(alone[0], alone[1])
    assert wide is not None
    assert narrow is not None
    assert (wide.method, narrow.method) == ("t by problem and distractor", "Newcombe")
    assert wide.mean == narrow.mean == pytest.approx(-0.25)
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    assert equal(first, second).verdict == "cannot tell"
    assert equal(alone[0], alone[1]).verdict == "different"


def costly(values: Array, tokens: Array) -> Outcomes:
    return cells(values[None])[0]._replace(tokens=tokens)


def test_twice_the_tokens_cost_twice_as_much() -> None:
    tokens = RANDOM.integers(100, 900, 80)
    first, second = costly(VALUES[4], 2 * tokens), costly(VALUES[4], tokens)
    found = cost_ratio(first, second)
    assert found is not None
    assert found[:3] == pytest.approx((2, 2, 2)), "problem by problem: nothing strays"
    assert cost_ratio(first, costly(VALUES[0] * 0, tokens)) is None, "no right answer has no price"
    other = cost_ratio(costly(VALUES[0], tokens), second)
    back = cost_ratio(second, costly(VALUES[0], tokens))
    assert other is not None
    assert back is not None
    assert (1 / back.ratio, 1 / back.high, 1 / back.low) == pytest.approx(other[:3])


def test_the_true_cost_ratio_is_covered() -> None:
    """500 studies of 100 problems: 0.6 against 0.4 right, and half as many tokens more, is a ratio of 1."""
    random, held = np.random.default_rng(8), 0
    for _ in range(500):
        lengths = random.lognormal(6, 0.5, 100)
        first = costly((random.random(100) < 0.6) * 1, lengths * 1.5)
        found = cost_ratio(first, costly((random.random(100) < 0.4) * 1, lengths))
        assert found is not None
        held += found.low <= 1 <= found.high
    assert held / 500 >= 0.93 - 3 * (0.93 * 0.07 / 500) ** 0.5
