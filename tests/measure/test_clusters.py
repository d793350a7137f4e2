"""Variances of clusters, and intervals that know of them, against statsmodels, by hand and on simulated studies."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from relay.measure.clusters import over_distractors, over_problems, variance
from relay.measure.intervals import assumed, bounds, interval, method
from relay.measure.outcomes import NONE, Array, Layout, Outcomes, clusters, layout, outcomes
from relay.measure.simulated import batches
from relay.simulate.rates import logit_normal
from relay.simulate.study import Cell, Study
from relay.simulate.truth import aimed


def cell(problems: int, k: int, distractors: int, seed: int = 1) -> Outcomes:
    random = np.random.default_rng(seed)
    n = problems * k
    given = random.permutation(np.arange(n) % distractors) if distractors else np.full(n, NONE)
    return Outcomes(np.repeat(np.arange(problems), k), given, random.integers(0, 2, n))


def test_two_ways_are_those_of_statsmodels() -> None:
    """Cameron, Gelbach and Miller's variance of a mean, with each way's own G / (G - 1)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from statsmodels.api import OLS
        from statsmodels.stats.sandwich_covariance import cov_cluster_2groups

    drawn = cell(40, 3, 7)
    fitted = OLS(drawn.correct.astype(float), np.ones(120)).fit()
    both, by_problem, by_distractor = cov_cluster_2groups(fitted, drawn.problem, drawn.distractor)
    strays, how = drawn.correct - drawn.correct.mean(), layout(drawn)
    assert how.distractors is not None
    assert how.pairs is not None
    mine = variance(strays, how.problems), variance(strays, how.distractors), variance(strays, how.pairs)
    assert np.array(mine[:2]) / 120**2 == pytest.approx(np.array([by_problem.item(), by_distractor.item()]))
    assert (mine[0] + mine[1] - mine[2]) / 120**2 == pytest.approx(both.item())
    assert over_problems(strays, how) == mine[0]
    assert over_distractors(strays, how) == pytest.approx(max(0.0, mine[1] - mine[2]))


def test_strata_count_what_strays_inside_them() -> None:
    """Two strata of two and three problems, and one of a single problem, which strays around zero."""
    found = variance(
        np.array([1.0, 3.0, 2.0, 2.0, 5.0, 4.0]), clusters(np.arange(6), stratum=np.array([0, 0, 1, 1, 1, 2]))
    )
    assert found == pytest.approx(2 * (1 + 1) + 3 / 2 * (1 + 1 + 4) + 16)


def test_many_studies_at_once_are_each_by_itself() -> None:
    drawn = cell(20, 4, 6)
    random = np.random.default_rng(3)
    many = random.integers(0, 2, (5, 80)) * 1.0
    low, high = bounds(many, layout(drawn))
    for i in range(5):
        one = interval(drawn._replace(correct=many[i]))
        assert one is not None
        assert (one.low, one.high) == pytest.approx((low[i], high[i]))


@pytest.mark.parametrize(
    ("k", "distractors", "name", "random"),
    [
        (1, 0, "Wilson", "over problems drawn"),
        (1, 200, "Wilson", "over problems drawn"),
        (1, 10, "two-way Wilson", "over problems and distractors drawn"),
        (3, 0, "Korn-Graubard", "over problems drawn"),
        (3, 10, "two-way Korn-Graubard", "over problems and distractors drawn"),
    ],
)
def test_the_design_decides_which_interval_it_is(k: int, distractors: int, name: str, random: str) -> None:
    found = interval(cell(30, k, distractors))
    assert found is not None
    assert found.method == name
    assert random in assumed([found.method])
    assert "do not cover how the problems were selected" in assumed([found.method])


def test_a_distractor_that_stays_with_its_problem_is_not_shared() -> None:
    """Several cells together: every problem meets one distractor, always the same."""
    rows: list[tuple[int, int | None, int]] = [(p, 7 + p, (p + m) % 2) for p in range(20) for m in range(5)]
    assert method(layout(outcomes(rows))) == "Korn-Graubard"


def test_strata_narrow_what_differs_between_them_only() -> None:
    """Problems right in one stratum and wrong in the other: drawn from one urn they stray, inside strata hardly."""
    half = [int(p >= 50) ^ int(p % 10 == 0) for p in range(100)]
    plain = interval(outcomes([(p, None, c) for p, c in enumerate(half)]))
    inside = interval(outcomes([(p, None, c) for p, c in enumerate(half)], {p: int(p >= 50) for p in range(100)}))
    assert plain is not None
    assert inside is not None
    assert inside.method == "Wilson in strata"
    assert "inside their solve rates" in assumed([inside.method])
    assert inside.high - inside.low < 0.75 * (plain.high - plain.low)


QUICK = [  # true score, problems, continuations, ICC, distractors, their sd
    (0.984, 200, 8, 0.4, 0, 0.0),
    (0.02, 200, 1, 0.4, 50, 1.0),
    (0.5, 1507, 1, 0.1, 50, 1.0),
    (0.9, 200, 8, 0.1, 50, 1.0),
]


def covered(p: float, study: Study, *, blind: bool = False) -> float:
    """The share of 400 studies whose interval holds the true score; `blind` ones do not know of distractors."""
    found = 0
    for (drawn,) in batches(study, 400, seed=5):
        known: Layout = layout(drawn._replace(distractor=np.full(len(drawn.problem), NONE)) if blind else drawn)
        low, high = bounds(drawn.correct, known)
        held: Array = (low <= p) & (p <= high)
        found += int(held.sum())
    return found / 400


@pytest.mark.parametrize(("p", "n", "k", "icc", "count", "sd"), QUICK)
def test_the_truth_is_covered(p: float, n: int, k: int, icc: float, count: int, sd: float) -> None:
    """At least 93 % of studies, less three standard deviations of 400; docs/evidence/coverage.json has it whole."""
    study = Study(logit_normal(p, icc), n, k, distractors=count, distractor_sd=sd)
    study = study.of(aimed(study, Cell("steered", steered=float(count > 0)), p))
    assert covered(p, study) >= 0.93 - 3 * (0.93 * 0.07 / 400) ** 0.5


def test_an_interval_that_does_not_know_of_distractors_would_be_noticed() -> None:
    study = Study(logit_normal(0.5, 0.1), 1507, distractors=50, distractor_sd=1.0)
    assert covered(0.5, study.of(aimed(study, Cell("steered", steered=1.0), 0.5)), blind=True) < 0.8


def test_the_page_says_what_the_study_found() -> None:
    docs = Path(__file__).parents[2] / "docs"
    found, page = json.loads((docs / "evidence" / "coverage.json").read_text()), (docs / "numbers.md").read_text()
    summary, missed = found["summary"], found["missed"]
    assert f"the least coverage is {100 * summary['least coverage']:.1f} %" in page
    assert f"{summary['settings']} settings:" in page
    assert summary["missed"] == {"coverage": 0, "width": 7, "null": 3, "power": 0}
    assert {(row["problems"], row["distractors"]) for row in missed["null"]} == {(1507, "50, sd 1")}
    assert {(row["problems"], row["continuations"]) for row in missed["width"]} == {(30, 8)}
    assert {row["score"] for row in missed["width"]} == {0.02, 0.984}
    assert summary["widest to oracle"] < 1.85
    assert f"reject at most {100 * summary['most rejected under the null']:.1f} %" in page
    least, most = (100 * power for power in summary["power"])
    assert f"{least:.1f} to {most:.1f} % at the least difference" in page
