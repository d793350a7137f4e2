"""Gains: the word stands only where it is earned, costs are paired, and luck in choosing is no gain."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.measure.best import halves
from relay.measure.break_even import _accepted, price_line
from relay.measure.gains import GAIN, LOSS, NONE, UNKNOWN, Gain, adjusted, answer, compared, family
from relay.measure.joint import cost_ratio, mean_cost
from relay.measure.outcomes import Outcomes
from relay.measure.paid import Paid
from relay.measure.paired import Difference, Equality
from relay.simulate.rates import logit_normal
from relay.simulate.study import Cell, Study
from relay.simulate.truth import aimed
from tests.proof.gains import EVIDENCE, said

SHARES = st.floats(-1, 1)


def outcomes(correct: list[int], tokens: list[float] | None = None) -> Outcomes:
    problem = np.arange(len(correct))
    return Outcomes(problem, problem * 0 - 1, np.array(correct, dtype=float), None, tokens and np.array(tokens))


@given(mean=SHARES, low=SHARES, high=SHARES, p=st.floats(0, 1), verdict=st.sampled_from(["equal", "cannot tell"]))
def test_the_word_gain_needs_an_interval_and_a_p_value_that_exclude_zero(
    mean: float, low: float, high: float, p: float, verdict: str
) -> None:
    low, mean, high = sorted((low, mean, high))
    word = answer(Difference(mean, low, high, 10, ""), p, Equality(None, 0.03, verdict)).partition(",")[0]
    assert word in (GAIN, LOSS, NONE, UNKNOWN)
    assert (word == GAIN) == (low > 0 and p < 0.05)
    assert (word == LOSS) == (high < 0 and p < 0.05)
    assert word != NONE or verdict == "equal"


def test_a_small_gain_is_said_to_be_one() -> None:
    small = Difference(0.01, 0.005, 0.015, 5000, "")
    assert answer(small, 0.001, Equality(None, 0.03, "equal")) == "gain, within 3 points"
    assert answer(small, 0.2, Equality(None, 0.03, "equal")) == "no gain"


def test_one_cell_s_baselines_are_named_comparisons_and_many_cells_a_grid() -> None:
    base, cell = outcomes([0] * 40), outcomes([1] * 9 + [0] * 31)
    found = [compared("all", f"solo {i}", cell, base) for i in range(3)]
    gained = [each for each in found if each is not None]
    assert family(gained) == "Holm"
    assert [each.adjusted for each in adjusted(gained)] == pytest.approx([3 * gained[0].test.p] * 3)
    grid: list[Gain] = [each._replace(cell=f"m={i}") for i, each in enumerate(gained)]
    assert family(grid) == "Benjamini-Hochberg"
    assert [each.adjusted for each in adjusted(grid)] == pytest.approx([gained[0].test.p] * 3)


def test_the_mean_cost_has_the_interval_that_many_draws_of_problems_show() -> None:
    random = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        tokens = random.lognormal(3, 0.7, 60)
        found = mean_cost(outcomes([1] * 60, list(tokens)))
        assert found is not None
        held += found.low <= np.exp(3 + 0.7**2 / 2) <= found.high
    assert 0.90 <= held / 400 <= 0.98


def priced(base_tokens: float, own: float, theirs: float, right: int, right_alone: int) -> tuple[Paid, Paid]:
    random = np.random.default_rng(1)
    spread = 0.2 * random.random((2, 100))
    spread = 1 + spread - spread.mean(axis=1, keepdims=True)
    cell, base = ([1] * n + [0] * (100 - n) for n in (right, right_alone))
    own_tokens, their_tokens, alone = own * spread[0], theirs * spread[0], base_tokens * spread[1]
    relay = Paid(outcomes(cell), {"tokens": own_tokens + their_tokens}, {"L": own_tokens, "s": their_tokens}, ())
    return relay, Paid(outcomes(base), {"tokens": alone}, {"L": alone, "s": alone * 0}, ())


def test_the_break_even_price_is_where_a_right_answer_costs_the_same() -> None:
    relay, base = priced(100, 40, 120, 80, 80)
    line = price_line(relay, base)
    assert line is not None
    assert (line.model, line.others, line.never) == ("L", ("s",), False)
    assert line.pays == pytest.approx(0.5)  # 40 + 120 r = 100
    assert line.low is not None
    assert line.high is not None
    assert line.low < 0.5 < line.high
    better = price_line(*priced(100, 40, 120, 80, 40))
    assert better is not None
    assert better.pays == pytest.approx(160 / 120)  # twice as many are right: 40 + 120 r = 200
    at_price = relay._replace(outcomes=relay.outcomes._replace(tokens=relay.written["L"] + 0.5 * relay.written["s"]))
    found = cost_ratio(at_price.outcomes, base.by("tokens"))
    assert found is not None
    assert found.ratio == pytest.approx(1)


def test_a_relay_that_costs_more_with_free_helpers_never_pays() -> None:
    line = price_line(*priced(100, 120, 50, 80, 80))
    assert line is not None
    assert (line.pays, line.never) == (None, True)
    assert price_line(*priced(100, 120, 0, 80, 80)) is None


def test_the_share_of_accepted_drafts_from_which_it_pays() -> None:
    """Ten drafts a rollout, each rewritten one costs 20: 100 fixed, 5 dropped; alone 160. Paid from 7 of 10 on."""
    n = 50
    cell, base = outcomes([1] * n), outcomes([1] * n, [160.0] * n)
    columns = tuple(np.full(n, x) for x in (100.0 + 5 * 20, 1.0, 10.0, 5.0, 100.0))
    found = _accepted("check", cell, columns, base)
    assert (found.share, found.pays) == (0.5, pytest.approx(0.7))
    assert found.low == pytest.approx(found.high)  # all problems are alike


@given(st.integers(0, 200), st.integers(0, 5))
def test_halves_are_halves(problems: int, seed: int) -> None:
    first, second = halves(problems, seed)
    assert sorted(first + second) == list(range(problems))
    assert len(second) - len(first) in (0, 1)


def test_on_simulated_reasoners_the_report_says_what_its_power_lets_one_expect() -> None:
    """One setting of tests/proof/gains.py on fewer studies: no gain, a gain, and one that can hardly be told."""
    study = Study(logit_normal(0.8, 0.4), 1000, 4)
    alone = Cell("alone")

    def words(gain: float) -> Counter[str]:
        return said(study.of(alone, aimed(study, Cell("relay"), 0.8 + gain)), 40, seed=7)

    none, large, small = words(0.0), words(0.05), words(0.02)
    assert none[NONE] >= 36
    assert large[GAIN] == 40
    assert 24 <= small[GAIN] <= 39  # 83 % is expected


def test_the_evidence_says_so_over_all_settings() -> None:
    found = json.loads(EVIDENCE.read_text())
    assert found["studies"] >= 500
    assert len(found["rows"]) == 40
    assert found["most off, of gain or loss"] <= 0.06
    assert found["most off, of equal"] <= 0.06
    assert found["gain or loss where there is none, at most"] <= 0.07
    assert found["of the wrong sign, at most"] <= 0.005
