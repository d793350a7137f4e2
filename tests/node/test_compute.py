"""The verb `compute` in a run: a tool's segment between two of a model, or none, and nothing is left running."""

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from relay.node import algebra
from relay.store.reader import Run
from relay.walk import Hop
from tests.loop.conftest import Bench

SCENARIO = """
    relay: 1
    models: {{m: {{engine: scripted, says: [{says}]}}}}
    problems: {{from: sums, limit: 1}}
    graph:
      start: derive
      answer: derive
      nodes:
        derive: {{write: m, until: {{text: "="}}}}
        finish: {{compute: "="}}
      edges:
        derive: [{{when: answered, to: end}}, finish]
        finish: derive
    budget: {{seconds: {seconds}}}
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def walked(bench: Bench, first: str, seconds: float = 60) -> tuple[list[Hop], dict[str, Any]]:
    says = f"'{first}', ' So it is.</think>The answer is {{answer}}.'"
    outcome = bench.run(SCENARIO.format(says=says, seconds=seconds))
    with Run(outcome.path) as run:
        [row] = run.rollouts()
        return run.hops(0), {"stop": row.state, "outcome": row.outcome, "why": row.why}


def workers() -> list[str]:
    """The processes that compute."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if algebra.WORK in line]


def test_a_model_derives_compute_finishes_and_the_model_goes_on(bench: Bench) -> None:
    hops, ended = walked(bench, "Now 12 * (3 + 4) =")
    assert [h.node for h in hops] == ["derive", "finish", "derive"]
    texts = [h.segment.text for h in hops if h.segment]
    assert texts[:2] == ["Now 12 * (3 + 4) =", " 84"]
    assert texts[2].startswith(" So it is.</think>The answer is ")
    tool = hops[1].segment
    assert tool is not None
    assert (tool.model, tool.stop, hops[1].usage.decoded, hops[1].source) == ("tool", "computed", 0, "")
    model = bench.engines["m"]
    assert tool.tokenizer == model.tokenizer.fingerprint
    assert model.tokenizer.bytes_of(tool.ids) == b" 84"
    assert model.requests[-1].prompt[-len(tool.ids) :] == list(tool.ids)
    assert ended["outcome"] == "correct"


@pytest.mark.parametrize(
    ("text", "why"),
    [("Now x + 1 =", "not only numbers"), ("It is 1/0 =", "division by zero"), ("10^999999=", "too large")],
)
def test_where_there_is_nothing_to_write_the_hop_says_why_and_the_model_goes_on(
    bench: Bench, text: str, why: str
) -> None:
    hops, ended = walked(bench, text)
    assert (hops[1].segment, hops[1].source, hops[1].rest) == (None, f"no result: {why}", None)
    assert (ended["stop"], ended["outcome"]) == ("end", "correct")


def test_roots_are_computed_by_a_worker_that_is_gone_when_the_run_ends(bench: Bench) -> None:
    hops, _ = walked(bench, "Now 3 * √2 * 2 =")
    assert hops[1].segment is not None
    assert hops[1].segment.text == " 6√2"
    assert hops[1].usage.seconds > 0
    assert workers() == []


def test_algebra_that_never_ends_is_cut_off(bench: Bench) -> None:
    began = time.perf_counter()
    hops, ended = walked(bench, "Now sqrt(2) + 9^9^9^9 =")
    assert (hops[1].segment, hops[1].source) == (None, "no result: took too much time or memory")
    assert ended["outcome"] == "correct"
    assert time.perf_counter() - began < 30
    assert workers() == []


def test_the_rollout_s_deadline_holds_while_algebra_works(bench: Bench) -> None:
    hops, ended = walked(bench, "Now sqrt(2) + 9^9^9^9 =", seconds=1.0)
    assert ended["stop"] == "budget seconds"
    assert hops[-1].node == "finish"
    assert workers() == []
