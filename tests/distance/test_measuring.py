"""The distance of steers: exact where the model's probabilities are known, and of no effect on the run."""

import asyncio
import math
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.distance.measuring import measure
from relay.engine import Request
from relay.engine.scripted import TEMPLATE, Scripted, shipped
from relay.errors import EngineError, UserError
from relay.measure.distances import distances
from relay.seam.templates import Template
from relay.store.reader import Run
from tests.distance.conftest import held, rows
from tests.loop.conftest import Bench, Silent
from tests.loop.test_twin_scripted import RECOVERABILITY, solo

STITCH = "\nWait. Let me think\n"


def known(before: Sequence[int], i: int) -> float:
    """A log-probability that depends on the id, on the one before it, and on how many there were."""
    return -((i % 7) + (before[-1] % 5) / 4 + len(before) / 1024)


def model(probable: Any = known, **more: Any) -> Scripted:
    """A model that solves all, and recovers where an even number of its tokens stands before."""
    tokenizer = shipped()

    def says(request: Request) -> str:
        if request.purpose.node == "(pool)":
            return solo(request, True)
        return f" Now.</think>{request.purpose.problem.answer if len(request.prompt) % 2 else '999'}"

    return Scripted(tokenizer, Template(tokenizer, TEMPLATE), says, facts={"script": "x"}, probable=probable, **more)


class Mute:
    """A model that writes, and says nothing of how probable a text is."""

    def __init__(self, inner: Scripted) -> None:
        self.tokenizer, self.template, self.context = inner.tokenizer, inner.template, inner.context
        self.facts, self.rows, self.extend, self.aclose = inner.facts, inner.rows, inner.extend, inner.aclose


def run_it(bench: Bench, **sets: str) -> Path:
    bench.given = {"main": model()}
    return asyncio.run(bench.start_canned("recoverability", {**RECOVERABILITY, **sets})).path


def measured(path: Path, engine: Any) -> Any:
    return asyncio.run(measure(path, Silent(), {"main": engine}))


def test_the_mean_is_exactly_that_of_the_model_s_probabilities(bench: Bench) -> None:
    path = run_it(bench)
    assert measured(path, model()).steers == 12 * 5
    by_cell: dict[str, list[float]] = {}
    with Run(path) as run:
        found = {each.cell: each for each in distances(run)}
        kept = dict(run.query("SELECT hop, logprob FROM distance"))
        for row in run.rollouts():
            ids = list(shipped().encode_template(run.query(HEADS, row.problem)[0][0]))
            for step, hop in zip(run.query("SELECT id FROM step WHERE rollout = ? ORDER BY id", row.id),
                                 run.hops(row.id), strict=True):  # fmt: skip
                if hop.segment is not None and hop.segment.stop == "steer":
                    assert hop.segment.text.startswith(STITCH)
                    steer = hop.segment.ids
                    whole = [known([*ids, *steer[:k]], i) for k, i in enumerate(steer)]
                    assert kept.pop(step[0]) == math.fsum(whole)
                    by_cell.setdefault(row.cell, []).append(-math.fsum(whole) / len(whole))
                ids += hop.segment.ids if hop.segment is not None else ()
    assert not kept, "nothing but steers is measured"
    assert len(by_cell) == 5
    for cell, values in by_cell.items():
        assert found[cell].mean == pytest.approx(sum(values) / len(values), abs=1e-12)
        assert found[cell].steers == 12
    assert len({round(each.mean or 0, 6) for each in found.values()}) > 3, "what came before is read"


HEADS = "SELECT h.text FROM head h JOIN problem p ON p.id = h.problem WHERE p.key = ?"


def test_its_cost_is_all_that_was_read(bench: Bench) -> None:
    path = run_it(bench)
    measured(path, model())
    with Run(path) as run:
        (found,) = (each for each in distances(run) if each.cell == "all cells")
        read = sum(
            len(shipped().encode_template(run.query(HEADS, row.problem)[0][0]))
            + sum(len(h.segment.ids) for h in run.hops(row.id)[:2] if h.segment is not None)
            for row in run.rollouts()
            if "without" not in row.cell
        )
    assert found.computed == read
    assert found.seconds >= 0


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    m=st.lists(st.sampled_from([0, 0.2, 0.5, 0.8]), min_size=1, max_size=3, unique=True),
    n=st.sampled_from([0, 0.4, 0.7, 1]),
    samples=st.integers(1, 3),
    seed=st.integers(0, 9),
    watched=st.booleans(),
)
def test_it_changes_nothing_else_in_the_run(
    m: list[float], n: float, samples: int, seed: int, watched: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bench = Bench(tmp_path_factory.mktemp("run"))
    sets = {"sweep.over": f"{{m: {m}, n: [{n}]}}", "samples": str(samples), "seed": str(seed)}
    if watched:
        sets["graph.nodes.main.until"] = "[{sentences: 1}, answered]"
    path = run_it(bench, **sets)
    before = held(path)
    if n == 0:
        with pytest.raises(UserError, match="no steer was put into any thought"):
            measured(path, model())
    else:
        assert measured(path, model()).steers == 12 * len(m) * samples > 0
    assert held(path) == before


class Breaks:
    """An engine that fails on some calls."""

    def __init__(self, inner: Scripted, fails: Any) -> None:
        self.inner, self.fails, self.calls = inner, fails, 0
        self.tokenizer, self.template = inner.tokenizer, inner.template
        self.context, self.facts, self.rows = inner.context, inner.facts, inner.rows
        self.extend, self.aclose = inner.extend, inner.aclose

    async def score(self, prompt: Sequence[int], continuations: Sequence[Sequence[int]]) -> list[tuple[float, ...]]:
        self.calls += 1
        if self.fails(self.calls):
            raise EngineError("out of memory")
        return await self.inner.score(prompt, continuations)


def test_what_could_not_be_measured_is_counted_and_tried_once_more(bench: Bench) -> None:
    path = run_it(bench)
    whole = path.with_name("whole.relay")
    whole.write_bytes(path.read_bytes())
    measured(whole, model())
    said = measured(path, Breaks(model(), lambda call: call % 4 == 0))
    assert (said.steers, said.failed, said.why) == (60, 15, "out of memory")
    with Run(path) as run:
        assert sum(each.failed for each in distances(run) if each.cell != "all cells") == 15
    again = Breaks(model(), lambda call: False)
    assert measured(path, again) == (path, 15, 0, "")
    assert again.calls == 16, "one to see that it can, and those that failed"
    assert rows(path) == rows(whole)
    assert measured(path, Breaks(model(), lambda call: True)) == (path, 0, 0, ""), "nothing is asked for twice"


def test_a_token_that_the_model_holds_for_impossible_is_no_distance(bench: Bench) -> None:
    path = run_it(bench)
    said = measured(path, model(lambda before, i: -math.inf if len(before) % 64 == 0 else -1.0))
    assert 0 < said.failed < 60
    with Run(path) as run:
        found = distances(run)
    assert {round(each.mean, 9) for each in found if each.mean is not None} == {1.0}


def test_a_model_that_cannot_score_is_refused_and_the_file_is_as_before(bench: Bench) -> None:
    path = run_it(bench)
    before = held(path)
    with pytest.raises(UserError, match="model 'main': engine scripted does not say how probable a text is"):
        measured(path, Mute(model()))
    with pytest.raises(UserError, match="out of memory"):
        measured(path, Breaks(model(), lambda call: True))
    other = model()
    other.facts = {**other.facts, "script": "another"}
    with pytest.raises(UserError, match="is not the one the run began with"):
        measured(path, other)
    assert held(path) == before
    with Run(path) as run:
        assert distances(run) == []


DIES = """
import asyncio, os, signal, sys
from pathlib import Path
from relay.distance.measuring import measure
from relay.store.writer import RunWriter
from tests.distance.test_measuring import model
from tests.loop.conftest import Silent

own = RunWriter.write
def write(self, gathered):
    own(self, gathered)
    if gathered.beside:
        os.kill(os.getpid(), signal.SIGKILL)
RunWriter.write = write
engine = model(seconds=0.05)
engine.rows = 3
asyncio.run(measure(Path(sys.argv[1]), Silent(), {"main": engine}))
"""


def test_killed_at_a_flush_it_goes_on_and_the_numbers_are_the_same(bench: Bench) -> None:
    path = run_it(bench)
    whole = path.with_name("whole.relay")
    whole.write_bytes(path.read_bytes())
    measured(whole, model())
    kept = [0]
    for _ in range(20):
        died = subprocess.run([sys.executable, "-c", DIES, str(path)], check=False, cwd=Path(__file__).parents[2])
        if died.returncode == 0:
            break
        assert died.returncode == -signal.SIGKILL
        kept.append(len(rows(path)))
        if len(kept) == 4:
            break
    assert kept == sorted(set(kept)), "each session adds to what is there"
    assert 0 < kept[-1] < 60
    measured(path, model())
    assert rows(path) == rows(whole)
    assert held(path).keys() == held(whole).keys()
