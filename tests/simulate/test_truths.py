"""The simulator's truths against closed forms, another integrator, and what it draws."""

from math import sqrt
from time import perf_counter

import numpy as np
import pytest
from scipy import integrate, special, stats

from relay.errors import UserError
from relay.simulate.drawing import draw
from relay.simulate.rates import Beta, LogitNormal, Rates, beta, icc_of, logit_normal, mean_of
from relay.simulate.study import Cell, Lengths, Selection, Study, guidability, recoverability
from relay.simulate.truth import accuracy, aimed, contrast, icc, selected_share, spread

SOLO = Cell("solo")
PS, ICCS = (0.02, 0.1, 0.5, 0.9, 0.984), (0.1, 0.4, 0.7)


@pytest.mark.parametrize("icc_", ICCS)
@pytest.mark.parametrize("p", PS)
@pytest.mark.parametrize("population", [beta, logit_normal])
def test_a_population_has_the_mean_and_the_icc_that_were_asked_for(population, p: float, icc_: float) -> None:  # type: ignore[no-untyped-def]
    rates = population(p, icc_)
    assert mean_of(rates) == pytest.approx(p, rel=1e-8)
    assert icc_of(rates) == pytest.approx(icc_, rel=1e-7)


@pytest.mark.parametrize("p", PS)
def test_a_logit_normal_s_moments_are_those_of_another_integrator(p: float) -> None:
    rates = logit_normal(p, 0.4)
    for power, mine in ((1, mean_of(rates)), (2, 0.4 * p * (1 - p) + p * p)):
        there, _ = integrate.quad(
            lambda z, power=power: special.expit(rates.mean + rates.sd * z) ** power * stats.norm.pdf(z),
            -12, 12, epsabs=1e-12, epsrel=1e-10, limit=500,
        )  # fmt: skip
        assert mine == pytest.approx(there, rel=1e-7)


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (1.0, 1.0), (0.0086, 0.42), (20.0, 3.0)])
@pytest.mark.parametrize("seen", [(8, 8), (0, 1)])
def test_a_beta_population_regresses_to_the_mean_as_the_posterior_says(
    a: float, b: float, seen: tuple[int, int]
) -> None:
    weights = [special.comb(8, s) * special.beta(a + s, b + 8 - s) for s in range(seen[0], seen[1] + 1)]
    means = [(a + s) / (a + b + 8) for s in range(seen[0], seen[1] + 1)]
    study = Study(Beta(a, b), 10, selection=Selection(*seen))
    assert accuracy(study, SOLO) == pytest.approx(np.average(means, weights=weights), rel=1e-8)
    assert selected_share(study.rates, Selection(*seen)) == pytest.approx(sum(weights) / special.beta(a, b), rel=1e-8)


def test_the_protocol_s_figures_for_a_fresh_sample_of_selectedproblems_of() -> None:
    def after(rates: Rates, *seen: int) -> float:
        return accuracy(Study(rates, 1, selection=Selection(*seen)), SOLO)

    assert after(Beta(0.5, 0.5), 0, 1) == pytest.approx(0.094, abs=5e-4)
    assert after(Beta(1, 1), 0, 1) == pytest.approx(0.15, abs=5e-4)
    assert after(Beta(0.5, 0.5), 8, 8) == pytest.approx(0.944, abs=5e-4)
    assert after(Beta(1, 1), 8, 8) == pytest.approx(0.9, abs=5e-4)


def test_a_cell_s_truth_with_all_effects_is_that_of_another_integrator() -> None:
    study = Study(LogitNormal(0.3, 1.7), 10, distractor_sd=1.0, interaction_sd=0.5, slope_sd=0.8)
    cell = Cell("m=0", shift=-0.9, slope=0.6, steered=0.7)
    sd = sqrt(1.7**2 + (0.6 * 0.8) ** 2 + 0.7**2 * (1 + 0.25))  # normal effects add up to one
    there, _ = integrate.quad(lambda z: special.expit(-0.6 + sd * z) * stats.norm.pdf(z), -12, 12)
    assert accuracy(study, cell) == pytest.approx(there, rel=1e-9)
    assert accuracy(study, aimed(study, cell, 0.137)) == pytest.approx(0.137, rel=1e-9)


def test_a_curve_s_cells_are_as_accurate_as_was_asked() -> None:
    study = Study(beta(0.8, 0.4), 10, distractor_sd=1.0, slope_sd=1.0, selection=Selection())
    cells = (*recoverability(study, {0.0: 0.4, 0.8: 0.9}), *guidability(study, {0.2: 0.95}))
    assert [c.name for c in cells] == ["m=0", "m=0.8", "n=0.2"]
    assert [accuracy(study, c) for c in cells] == pytest.approx([0.4, 0.9, 0.95])
    assert contrast(study.of(*cells), {1: 1, 0: -1}) == pytest.approx(0.5)


def test_without_steers_the_icc_of_a_cell_is_the_population_s_and_its_spread_the_textbook_s() -> None:
    study = Study(beta(0.3, 0.4), 200, samples=8)
    assert icc(study, SOLO) == pytest.approx(0.4)
    assert spread(study, [1]) == pytest.approx(sqrt(0.3 * 0.7 * (1 + 7 * 0.4) / 1600))  # Kish's design effect
    alone = study._replace(samples=1)
    assert spread(alone, [1]) == pytest.approx(sqrt(0.3 * 0.7 / 200))
    two = alone.of(SOLO, SOLO)  # two fresh samples of one problem: their covariance is the ICC's
    assert spread(two, {0: 1, 1: -1}) == pytest.approx(sqrt(2 * 0.3 * 0.7 * (1 - 0.4) / 200))


WORLDS = [
    Study(logit_normal(0.5, 0.4), 60, 1, distractors=20, distractor_sd=1.0),
    Study(beta(0.9, 0.1), 40, 8, distractors=50, distractor_sd=1.0, interaction_sd=1.0, slope_sd=0.7),
    Study(beta(0.8, 0.4), 50, 2, distractors=7, distractor_sd=1.5, slope_sd=1.0, selection=Selection()),
    Study(logit_normal(0.1, 0.7), 30, 3, distractors=200, distractor_sd=1.0, interaction_sd=0.5),
]


@pytest.mark.parametrize("study", WORLDS)
def test_means_and_spreads_over_drawn_studies_are_the_true_ones(study: Study) -> None:
    cells = (SOLO, Cell("m=0", shift=-1, slope=1, steered=1), Cell("m=0.5", shift=-0.5, slope=0.5, steered=0.6))
    study = study.of(*cells)
    times = 3000
    means = np.array([draw(study, seed).correct.mean(axis=(1, 2)) for seed in range(times)])
    for weights in ([1, 0, 0], [0, 1, 0], [-1, 1, 0], [0, 1, -1]):
        seen, true = means @ weights, spread(study, weights)
        assert abs(seen.mean() - contrast(study, dict(enumerate(weights)))) < 4.5 * true / sqrt(times)
        assert seen.std() == pytest.approx(true, rel=4.5 / sqrt(2 * times))  # the error of a standard deviation


def test_drawn_solve_rates_follow_their_population() -> None:
    for rates in (LogitNormal(1.0, 2.0), Beta(0.5, 0.5), Beta(20, 3)):
        drawn = draw(Study(rates, 20_000), seed=3).chance.ravel()
        law = (
            stats.beta(rates.a, rates.b).cdf
            if isinstance(rates, Beta)
            else lambda p, r=rates: stats.norm.cdf((special.logit(p) - r.mean) / r.sd)
        )
        assert stats.kstest(drawn, law).pvalue > 1e-4


def test_the_solos_that_selected_a_problem_fit_and_say_more_than_a_fresh_sample_does() -> None:
    drawn = draw(Study(Beta(1, 1), 50_000, selection=Selection(0, 1)), seed=5)
    assert drawn.solved is not None
    assert set(drawn.solved) == {0, 1}
    assert drawn.solved.mean() / 8 < 0.0626
    assert drawn.correct.mean() == pytest.approx(0.15, abs=0.01)


def test_distractors_are_dealt_evenly_and_are_the_same_in_every_cell() -> None:
    study = Study(LogitNormal(0, 1), 31, 3, distractors=10, distractor_sd=2.0)
    study = study.of(Cell("a", steered=1), Cell("b", steered=1))
    drawn = draw(study, seed=1)
    used = np.bincount(drawn.distractor.ravel(), minlength=10)
    assert used.max() - used.min() <= 1
    assert (drawn.chance[0] == drawn.chance[1]).all()
    assert (drawn.correct[0] != drawn.correct[1]).any()  # the noise is each rollout's own


def test_the_same_seed_is_the_same_study_and_a_further_cell_changes_nothing_before_it() -> None:
    study = Study(beta(0.6, 0.3), 40, 2, distractor_sd=1.0, interaction_sd=1.0, lengths=Lengths())
    one, again, other = draw(study, 7), draw(study, 7), draw(study, 8)
    assert (one.correct == again.correct).all()
    assert (one.chance != other.chance).any()
    more = draw(study.of(SOLO, Cell("more", 1.0)), 7)
    assert (more.correct[0] == one.correct[0]).all()
    assert one.tokens is not None
    assert more.tokens is not None
    assert (more.tokens[0] == one.tokens[0]).all()


def test_lengths_have_the_mean_that_was_asked_for_and_end_at_the_budget() -> None:
    lengths = Lengths(mean=500, sd=0.4, problem_sd=0.3, most=2000)
    tokens = draw(Study(LogitNormal(0, 1), 50_000, 2, lengths=lengths), seed=2).tokens
    assert tokens is not None
    assert tokens.mean() == pytest.approx(500, rel=0.01)
    assert tokens.max() <= 2000
    logs = np.log(tokens[0])
    assert np.corrcoef(logs.T)[0, 1] == pytest.approx(0.3**2 / (0.3**2 + 0.4**2), abs=0.02)


def test_a_selection_that_hardly_any_problem_survives_is_refused() -> None:
    with pytest.raises(UserError, match="the selection leaves"):
        draw(Study(LogitNormal(-8, 0.5), 10, selection=Selection()), seed=1)


def test_a_million_rollouts_take_well_under_a_minute() -> None:
    study = Study(logit_normal(0.8, 0.4), 25_000, 8, distractor_sd=1.0, interaction_sd=0.5, slope_sd=0.5)
    study = study._replace(selection=Selection(), lengths=Lengths())
    study = study.of(SOLO, *recoverability(study, {0.0: 0.4, 0.2: 0.5, 0.4: 0.6, 0.6: 0.7}))
    began = perf_counter()
    assert draw(study, 1).correct.size == 1_000_000
    assert perf_counter() - began < 30
