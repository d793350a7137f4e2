"""Tests of "no difference", against statsmodels, scipy and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from relay.measure.outcomes import NONE, Outcomes
from relay.measure.power import least_difference, rejected
from relay.measure.significance import benjamini_hochberg, differ, holm, mcnemar, sign_flip
from relay.simulate.rates import logit_normal
from relay.simulate.study import Cell, Study
from relay.simulate.truth import aimed


@settings(deadline=None)  # the first example imports statsmodels
@given(st.integers(0, 60), st.integers(0, 60))
def test_mid_p_is_the_exact_test_less_half_of_what_was_seen(first: int, second: int) -> None:
    from statsmodels.stats.contingency_tables import mcnemar as exact

    p = float(mcnemar(np.array(first), np.array(second)))
    if first == second:
        assert p == 1
    else:
        there = exact([[0, first], [second, 0]], exact=True).pvalue
        assert p == pytest.approx(there - stats.binom.pmf(first, first + second, 0.5))
    assert 0 < p <= 1


def test_all_flips_are_those_of_scipy() -> None:
    seen = np.array([0.5, 0.25, -0.125, 1, 0.75, 0, 0.5, -0.25, 0.125])
    there = stats.permutation_test((seen,), np.sum, permutation_type="samples", n_resamples=10**4)
    assert sign_flip(seen) == pytest.approx(there.pvalue)


def test_drawn_flips_are_near_all_of_them() -> None:
    seen = np.random.default_rng(2).normal(0.4, 1, 16)
    assert sign_flip(seen, flips=4999) == pytest.approx(sign_flip(seen, flips=2**16), abs=4 * (0.25 / 4999) ** 0.5)
    assert sign_flip(np.zeros(5)) == 1
    assert sign_flip(np.ones(100)) == 1 / 5000, "never less than one of those that were tried"


def drawn(k: int, distractors: int) -> tuple[Outcomes, Outcomes]:
    random = np.random.default_rng(6)
    problem = np.repeat(np.arange(40), k)
    given_ = np.arange(40 * k) % distractors if distractors else np.full(40 * k, NONE)
    first = Outcomes(problem, given_, random.integers(0, 2, 40 * k))
    return first, Outcomes(problem, np.full(40 * k, NONE), random.integers(0, 2, 40 * k))


@pytest.mark.parametrize(
    ("k", "distractors", "name"),
    [(1, 0, "McNemar, mid-p"), (4, 0, "sign flips by problem"), (1, 8, "t by problem and distractor")],
)
def test_the_design_decides_which_test_it_is(k: int, distractors: int, name: str) -> None:
    first, second = drawn(k, distractors)
    there, back = differ(first, second), differ(second, first)
    assert there is not None
    assert back is not None
    assert (there.method, there.p) == (name, pytest.approx(back.p))


def test_holm_and_benjamini_hochberg_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert benjamini_hochberg([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.04, 0.04])
    assert holm([]) == benjamini_hochberg([]) == []


@pytest.mark.parametrize(
    ("p", "n", "k", "icc", "count"), [(0.984, 200, 1, 0.4, 0), (0.5, 200, 8, 0.4, 50), (0.02, 30, 8, 0.7, 0)]
)
def test_a_test_sees_what_it_is_said_to_see_and_seldom_what_is_not_there(
    p: float, n: int, k: int, icc: float, count: int
) -> None:
    """400 studies at no difference and at the least: 6 %, and 75 to 85 %, each with three standard deviations."""
    study = Study(logit_normal(p, icc), n, k, distractors=count, distractor_sd=1.0)
    study = study.of(Cell("alone"), aimed(study, Cell("steered", steered=float(count > 0)), p))
    least = least_difference(study, studies=500)
    assert least is not None
    assert rejected(study, p, 400, seed=9) <= 0.06 + 3 * (0.06 * 0.94 / 400) ** 0.5
    found = rejected(study, p + (least if p < 0.5 else -least), 400, seed=9)
    assert 0.75 - 0.07 <= found <= 0.85 + 0.07


def test_one_continuation_s_least_difference_is_the_textbook_s() -> None:
    """Independent outcomes of .5 and .5 + d on 1,000 problems: 2.8 standard errors, sqrt(.5 / 1000) each."""
    study = Study(logit_normal(0.5, 0.001), 1000, 1, distractors=0).of(Cell("one"), Cell("other"))
    assert least_difference(study) == pytest.approx(2.8 * (0.5 / 1000) ** 0.5, rel=0.03)
