"""What a run could see: the printed width and least difference hold in simulated studies."""

from math import sqrt
from pathlib import Path

import pytest

from relay.language.reading import read
from relay.measure.power import rejected
from relay.planning.expected import Size, expected
from relay.planning.sight import WIDE, Beliefs, sights
from relay.simulate.rates import logit_normal
from relay.simulate.study import Cell, Study

TWO = """
relay: 1
models: {main: {engine: simulated}}
problems: {from: chains, limit: 300}
pool: {samples: 2}
graph:
  start: steer
  answer: main
  nodes:
    steer: {insert: {pool: main, of: another problem, among: 30}, take: "{n}"}
    main: {write: main}
  edges: {steer: main, main: end}
samples: 2
sweep: {over: {n: [0.2]}, also: [{without: steer}]}
"""


def seen(folder: Path, beliefs: Beliefs) -> list[float]:
    path = folder / "two.yaml"
    path.write_text(TWO)
    steered, fresh = sights(read(str(path)), 200, 2, beliefs)
    assert (steered.against, fresh.against, fresh.difference) == (fresh.cell, "", None)
    assert steered.difference is not None
    return [steered.width, fresh.width, steered.difference]


def test_widths_are_those_of_the_oracle(tmp_path: Path) -> None:
    width, fresh, least = seen(tmp_path, Beliefs(0.5, 0.4, 0.0))
    assert fresh == pytest.approx(WIDE * sqrt(0.25 * 1.4 / 400))
    assert width == pytest.approx(fresh)
    assert least == pytest.approx(2.9 * sqrt(2 * 0.25 * (1 - 0.4) / 400), rel=0.08)


def test_distractions_that_differ_widen_what_can_be_seen(tmp_path: Path) -> None:
    narrow, wide = seen(tmp_path, Beliefs(0.5, 0.4, 0.0)), seen(tmp_path, Beliefs(0.5, 0.4, 1.0))
    assert wide[0] > 1.2 * narrow[0]
    assert wide[2] > 1.2 * narrow[2]
    assert wide[1] == pytest.approx(narrow[1])


@pytest.mark.parametrize("sd", [0.0, 1.0])
def test_a_true_difference_of_the_least_size_is_seen_four_times_in_five(tmp_path: Path, sd: float) -> None:
    """By the test that the report makes, on studies that are not those it was found with."""
    least = seen(tmp_path, Beliefs(0.5, 0.4, sd))[2]
    study = Study(logit_normal(0.5, 0.4), 200, 2, (Cell("a"), Cell("b", steered=1.0)), distractors=30, distractor_sd=sd)
    assert 0.72 < rejected(study, 0.5 - least, 400, seed=7) < 0.88


def test_an_adaptive_run_is_forecast_to_take_what_makes_its_widest_interval_narrow(tmp_path: Path) -> None:
    def of(samples: str) -> Size:
        path = tmp_path / "two.yaml"
        path.write_text(TWO.replace("samples: 2\nsweep", f"samples: {samples}\nsweep"))
        return expected(read(str(path)), 300, Beliefs(0.5, 0.4, 0.0))

    assert of("2") == Size(300, 2)
    assert of("{adaptive: 0.2}") == Size(97, 1)  # (3.92 * 0.5 / 0.2) squared, rounded up
    assert of("{adaptive: 0.5}") == Size(40, 1)  # a whole batch
    assert of("{adaptive: 0.09, at_most: 8}") == Size(300, 3)  # 475 independent ones: 600 / 1.4 is less, 900 / 1.8 more
    assert of("{adaptive: 0.01, at_most: 4}") == Size(300, 4)
