"""What a run could see: the printed width and least difference hold in simulated studies."""

from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from relay.language.reading import read
from relay.planning.sight import SEEN, WIDE, Beliefs, sights
from relay.simulate.drawing import draw
from relay.simulate.rates import logit_normal
from relay.simulate.study import Cell, Study
from relay.simulate.truth import accuracy, aimed, spread

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
    steered, fresh = sights(read(str(path)), 200, beliefs)
    assert (steered.against, fresh.against, fresh.difference) == (fresh.cell, "", None)
    assert steered.difference is not None
    return [steered.width, fresh.width, steered.difference]


def test_widths_are_those_of_the_oracle(tmp_path: Path) -> None:
    width, fresh, least = seen(tmp_path, Beliefs(0.5, 0.4, 0.0))
    assert fresh == pytest.approx(WIDE * sqrt(0.25 * 1.4 / 400))
    assert width == pytest.approx(fresh)
    assert least == pytest.approx(SEEN * sqrt(2 * 0.25 * (1 - 0.4) / 400 * 1.0), rel=0.02)


def test_distractions_that_differ_widen_what_can_be_seen(tmp_path: Path) -> None:
    narrow, wide = seen(tmp_path, Beliefs(0.5, 0.4, 0.0)), seen(tmp_path, Beliefs(0.5, 0.4, 1.0))
    assert wide[0] > 1.2 * narrow[0]
    assert wide[2] > 1.2 * narrow[2]
    assert wide[1] == pytest.approx(narrow[1])


@pytest.mark.parametrize("sd", [0.0, 1.0])
def test_a_true_difference_of_the_least_size_is_seen_four_times_in_five(tmp_path: Path, sd: float) -> None:
    least = seen(tmp_path, Beliefs(0.5, 0.4, sd))[2]
    study = Study(logit_normal(0.5, 0.4), 200, 2, distractors=30, distractor_sd=sd)
    study = study.of(aimed(study, Cell("a", steered=1.0), 0.5 - least / 2), aimed(study, Cell("b"), 0.5 + least / 2))
    assert accuracy(study, study.cells[1]) - accuracy(study, study.cells[0]) == pytest.approx(least)
    error = spread(study, [-1, 1])
    differences = np.array([-np.diff(draw(study, seed).correct.mean(axis=(1, 2)))[0] for seed in range(2000)])
    found = np.mean(np.abs(differences) > stats.norm.ppf(0.975) * error)  # a test that knows the true error
    assert 0.77 < found < 0.83
