"""Runs of the engine that is known come out as the truth says, in virtual time."""

import asyncio
from math import sqrt
from pathlib import Path
from typing import Any

import pytest

from relay.engine.simulated import Simulated, SimulatedModel
from relay.simulate.rates import icc_of, mean_of
from relay.simulate.study import Cell, Selection, Study
from relay.simulate.truth import accuracy
from relay.store.reader import Run
from tests.loop.conftest import Bench

TWIN = """
    relay: 1
    models:
      main:
        engine: simulated
        solves: {mean: 0.8, icc: 0.3, shape: %s}
        recovers: {"0": 0.35, "0.4": 0.5, "0.8": 0.7}
        distractors: {problem_sd: 0.7}
        slope_sd: 0.6
        tokens: {mean: 600, sd: 0.2, problem_sd: 0.2}
    problems: {from: chains, limit: 900}
    pool: {samples: 4}
    graph:
      start: main
      answer: main
      nodes:
        main:  {write: main, opens_with: {pool: main, take: "{m}", where: correct}, until: [answered]}
        steer: {insert: {pool: main, of: another problem}, take: 0.2, stitch: "\\nWait. Let me think"}
      edges:
        main: [{when: {visits: main, equals: 1}, to: steer}, {to: end}]
        steer: main
    sweep: {over: {m: [0, 0.4, 0.8]}, also: [{without: steer}]}
    select: {problems: {solved: main, at_least: 4/4}}
"""

GUIDED = """
    relay: 1
    models:
      main: {engine: simulated, solves: {mean: 0.3, icc: 0.4}, guided: {"0.2": 0.4, "0.8": 0.8}}
      guide: {engine: simulated, solves: {mean: 0.9, icc: 0.2}}
    problems: {from: chains, limit: 600}
    pool: {samples: 4}
    graph:
      start: steer
      answer: main
      nodes:
        steer: {insert: {pool: guide, of: this problem, where: correct}, take: "{n}"}
        main:  {write: main}
      edges: {steer: main, main: end}
    sweep: {over: {n: [0.2, 0.8]}}
"""


def shares(path: Path) -> dict[str, tuple[int, int]]:
    """(correct, graded) of each cell."""
    with Run(path) as run:
        rows = run.query(
            "SELECT c.name, sum(o.text = 'correct'), count(*) FROM verdict v JOIN rollout r ON r.id = v.rollout"
            " JOIN name o ON o.id = v.outcome JOIN cell c ON c.id = r.cell GROUP BY 1"
        )
    return {name: (right, n) for name, right, n in rows}


def engine_of(run: Any, name: str = "main") -> Simulated:
    spec = run.meta["scenario"]["models"][name]
    return asyncio.run(SimulatedModel.model_validate(spec).open())


@pytest.mark.parametrize("shape", ["beta", "logit-normal"])
def test_a_twin_test_of_a_known_model_comes_out_as_the_truth_says(bench: Bench, shape: str) -> None:
    outcome = bench.run(TWIN % shape)
    assert outcome.failed == 0
    found = shares(outcome.path)
    with Run(outcome.path) as run:
        engine = engine_of(run)
    b = engine.reasoner.behaviour
    assert (mean_of(b.rates), icc_of(b.rates)) == pytest.approx((0.8, 0.3))
    study = Study(b.rates, 1, 1, (), 50, 0.0, b.interaction_sd, b.slope_sd, Selection(4, 4, 4))
    for m in (0.0, 0.4, 0.8):
        right, n = found[f"m={m:g}"]
        true = accuracy(study, engine.reasoner.cell("m", m, steered=True))
        assert n > 300
        assert abs(right / n - true) < 4 * sqrt(true * (1 - true) / n), m
    right, n = next(counts for name, counts in found.items() if "without" in name)
    fresh = accuracy(study, Cell("solo"))
    assert fresh < 0.95  # selected problems are not solved as often again
    assert abs(right / n - fresh) < 4 * sqrt(fresh * (1 - fresh) / n)


def test_a_guided_known_model_comes_out_as_the_truth_says(bench: Bench) -> None:
    found = shares(bench.run(GUIDED).path)
    for name, true in (("n=0.2", 0.4), ("n=0.8", 0.8)):
        right, n = found[name]
        assert n > 400
        assert abs(right / n - true) < 4.5 * sqrt(true * (1 - true) / n)


def hops(path: Path) -> list[tuple[Any, ...]]:
    with Run(path) as run:
        return run.query("SELECT rollout, node, text, computed, cached, decoded, ms FROM hop ORDER BY 1, n")


def test_the_same_run_is_the_same_to_the_millisecond(tmp_path: Path) -> None:
    text = (TWIN % "beta").replace("limit: 900", "limit: 60")
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        found.append(hops(Bench(tmp_path / name).run(text, in_flight=100).path))  # each with a pool of its own
    assert found[0] == found[1]


QUEUE = """
    relay: 1
    models: {main: {engine: simulated, rows: 2, replicas: 2, speed: {decode: 100, prefill: 1000, latency: 1}}}
    problems: {from: chains, limit: 8}
    graph: {start: main, answer: main, nodes: {main: {write: main}}, edges: {main: end}}
    samples: 3
    budget: {seconds: %s}
"""


def test_calls_take_as_long_as_their_tokens_and_more_of_them_at_once_wait(bench: Bench) -> None:
    alone = bench.run(QUEUE % 600, out="alone.relay")
    for _, _, _, computed, _, decoded, ms in hops(alone.path):
        assert ms == pytest.approx(1000 + computed + 10 * (decoded + 1), abs=2)  # the id that ends the turn is not kept
    crowd = bench.run(QUEUE % 600, out="crowd.relay", in_flight=24)
    waited = [ms - (1000 + computed + 10 * (decoded + 1)) for *_, computed, _, decoded, ms in hops(crowd.path)]
    assert sum(w > 1000 for w in waited) >= 16
    assert sum(abs(w) <= 2 for w in waited) == 4  # two servers of two rows each


def test_the_budget_of_seconds_is_one_of_virtual_seconds(bench: Bench) -> None:
    path = bench.run(QUEUE % 3).path
    with Run(path) as run:
        stops = {row[0] for row in run.query("SELECT n.text FROM rollout r JOIN name n ON n.id = r.stop")}
    assert stops == {"budget seconds"}
    for *_, computed, _, decoded, ms in hops(path):
        assert ms == pytest.approx(3000, abs=2)
        assert decoded == pytest.approx((2 - computed / 1000) * 100, abs=2)


HANDOFFS = """
    relay: 1
    models: {a: {engine: simulated, solves: {mean: 0.5, icc: 0.9}}, b: {engine: simulated, seed: 1}}
    problems: {from: chains, limit: 10}
    graph:
      start: a
      answer: b
      nodes: {a: {write: a, until: {sentences: 2}}, b: {write: b, until: {sentences: 3}}}
      edges: {a: b, b: [{when: answered, to: end}, {to: a}]}
"""


def test_models_that_take_turns_come_to_an_end_and_only_one_of_them_answers(bench: Bench) -> None:
    outcome = bench.run(HANDOFFS)
    assert outcome.failed == 0
    with Run(outcome.path) as run:
        stops = {row[0] for row in run.query("SELECT n.text FROM rollout r JOIN name n ON n.id = r.stop")}
        assert stops == {"end"}
        for rollout in range(1, 5):
            segments = run.walk(rollout).pens["0"].trajectory.segments
            assert len(segments) > 4
            assert all(s.closed < 0 for s in segments if s.author == "a")
            later = [h.usage for h in run.hops(rollout) if h.visit > 1]
            assert all(u.cached > 16 and u.computed < u.cached + 150 for u in later)  # what it read before is cached
