"""Confidence sequences hold at every look at once, where intervals of one look do not."""

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.measure.betting import capital, sequence, stakes
from relay.measure.proportions import wilson_of

STUDIES, PROBLEMS = 1000, 300


def studies(p: float, k: int, icc: float = 0.4) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Means of k continuations of each problem, whose solve rates are beta."""
    random = np.random.default_rng([int(1000 * p), k])
    size = (1 - icc) / icc
    rates = random.beta(p * size, (1 - p) * size, (STUDIES, PROBLEMS))
    return random.binomial(k, rates) / k


def ever_left(
    values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", mean: float, alpha: float = 0.05
) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
    """Whether the sequence left this mean out at any look, for each study of values (..., t)."""
    gone = np.zeros(values.shape[:-1], dtype=bool)
    for side, at in ((values, mean), (1 - values, 1 - mean)):
        rich = capital(side, stakes(side, alpha), np.full(side.shape[:-1], at))
        gone |= rich.max(axis=-1) >= log(2 / alpha)
    return gone


@pytest.mark.parametrize("k", [1, 8])
@pytest.mark.parametrize("p", [0.02, 0.1, 0.5, 0.9, 0.984])
def test_it_holds_at_every_look_in_95_of_100_studies(p: float, k: int) -> None:
    left = ever_left(studies(p, k), p).mean()
    assert left <= 0.05 + 3 * (0.05 * 0.95 / STUDIES) ** 0.5


def test_an_interval_of_one_look_does_not() -> None:
    """Were the check above blind, Wilson's interval would pass it too."""
    values, looks = studies(0.5, 1), np.arange(20, PROBLEMS + 1)
    low, high = wilson_of(np.cumsum(values, axis=-1)[:, 19:] / looks, looks * 1.0)
    assert ((low > 0.5) | (high < 0.5)).any(axis=-1).mean() > 0.15


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=60))
def test_the_interval_is_what_no_gambler_got_rich_against(found: list[float]) -> None:
    """Held against the definition on a grid of means; turned over it is the interval of what is wrong."""
    values = np.array(found)
    low, high = sequence(values)
    assert 0 <= low <= values.mean() <= high <= 1
    assert sequence(1 - values) == pytest.approx((1 - high, 1 - low))
    for m in np.linspace(0.005, 0.995, 34):
        rich = max(
            capital(side, stakes(side, 0.05), np.asarray(at))[-1] for side, at in ((values, m), (1 - values, 1 - m))
        )
        if abs(m - low) > 1e-6 and abs(m - high) > 1e-6:
            assert (low < m < high) == (rich < np.log(40)), m


def test_its_price_is_as_documented() -> None:
    """1.4 to 2.2 times the width; docs/numbers.md has the settings."""
    for p, most in ((0.5, 2.0), (0.02, 1.7)):
        values = studies(p, 1)[:40]
        low, high = wilson_of(values.mean(axis=-1), np.full(40, float(PROBLEMS)))
        widths = [top - bottom for bottom, top in map(sequence, values)]
        assert 1.2 < np.median(np.array(widths) / (high - low)) < most
