"""relay report --distance: the table, the plot, and what is refused."""

import asyncio
import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.distance.plot import figure_of
from relay.engine.scripted import shipped
from relay.measure.distances import ALL, Distance, Distant, distances, thirds
from relay.store.reader import Run
from tests.cli.conftest import Relay, folder, relay
from tests.distance.conftest import held, rows
from tests.loop.conftest import Bench

__all__ = ["folder", "relay"]
STEERED = """\
relay: 1
models:
  a: {engine: scripted, says: [" Well, let me see.", " So.</think>The answer is {answer}."]}
problems: {from: sums, limit: 9}
graph:
  start: think
  answer: end_it
  nodes:
    think: {write: a, until: {sentences: 1}}
    steer: {insert: {text: " Or is it so?"}}
    end_it: {write: a}
  edges: {think: steer, steer: end_it, end_it: end}
"""


@pytest.fixture
def run(relay: Relay, folder: Path) -> Path:
    (folder / "t.yaml").write_text(STEERED)
    assert relay("run", "t.yaml", "-o", "r.relay").code == 0
    return folder / "r.relay"


def test_it_prints_the_table_and_its_cost_and_asks_nothing_twice(relay: Relay, run: Path) -> None:
    assert "distance" not in relay("report", "r.relay").out, "off by default"
    said = relay("report", "r.relay", "--distance")
    assert said.code == 0, said.err
    with Run(run) as opened:
        (found,) = distances(opened)
    assert found.steers == 9
    assert found.deviation == pytest.approx(0)
    assert f"{found.mean:.3f}" in said.out
    assert found.mean == pytest.approx(math.log(shipped().size)), "each of its ids is as probable as any other"
    assert f"{found.computed:,} prompt tokens were read in" in said.out
    kept = rows(run)
    again = relay("report", "r.relay", "--distance")
    assert "nothing is missing, every steer has its distance" in again.err
    assert rows(run) == kept
    assert relay("report", "r.relay").out == again.out
    (line,) = [
        json.loads(line) for line in relay("report", "r.relay", "--json").out.splitlines() if "distances" in line
    ]
    assert (line["steers"], line["thirds"]) == (9, [])


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("s.relay", "--distance"), "no steer was put into any thought of this run"),
        (("r.relay", "again.relay", "--distance"), "model 'a': engine replay does not say how probable a text is"),
        (("r.relay", "--distance-plot", "p.txt"), "end it with .svg, .png, .pdf"),
        (("r.relay", "--distance-plot", "no/p.svg"), "there is no folder no"),
        (("r.relay", "--distance-plot", "p.svg"), "no cell has graded rollouts with three different distances"),
        (("r.relay", "s.relay", "--distance-plot", "p.svg"), "draws one run"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_2(relay: Relay, run: Path, args: tuple[str, ...], said: str) -> None:
    assert relay("run", "s.yaml", "-o", "s.relay").code == 0
    assert relay("replay", "r.relay", "-o", "again.relay").code == 0
    before = held(run)
    got = relay("report", *args)
    assert got.code == 2
    assert said in got.err
    assert "Traceback" not in got.err
    assert not (run.parent / "p.svg").exists()
    assert held(run) == before


def of(distances: list[float], right: list[bool]) -> list[Distant]:
    return [Distant(i, None, d, r) for i, (d, r) in enumerate(zip(distances, right, strict=True))]


def test_thirds_are_as_counted_by_hand() -> None:
    near, middle, far = thirds(of([3, 1, 2, 6, 5, 4, 9, 7], [True] * 8))
    assert [[each.distance for each in part] for part in (near, middle, far)] == [[1, 2, 3], [4, 5, 6], [7, 9]]
    assert thirds(of([1, 1, 1, 2, 2, 2], [True] * 6)) == ()
    ungraded = [*of([1, 2, 3], [True] * 3), Distant(9, None, 2.5, None)]
    assert [len(part) for part in thirds(ungraded)] == [1, 1, 1]
    assert thirds([]) == ()


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans() | st.none()), max_size=40))
def test_thirds_part_by_distance_and_lose_nobody(given_: list[tuple[int, bool | None]]) -> None:
    rollouts = [Distant(i, None, float(d), right) for i, (d, right) in enumerate(given_)]
    graded = [each for each in rollouts if each.correct is not None]
    parts = thirds(rollouts)
    if parts:
        assert sorted(each for part in parts for each in part) == sorted(graded)
        near, middle, far = ([each.distance for each in part] for part in parts)
        assert max(near) < min(middle) <= max(middle) < min(far)
    else:
        assert len(graded) < 3 or len({each.distance for each in graded}) < 12
    if len({each.distance for each in graded}) == len(graded) >= 3:
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_the_plot_shows_the_table_s_thirds(relay: Relay, folder: Path) -> None:
    from tests.distance.test_measuring import measured, model
    from tests.loop.test_twin_scripted import RECOVERABILITY

    bench = Bench(folder)
    bench.given = {"main": model()}
    path = asyncio.run(bench.start_canned("recoverability", {**RECOVERABILITY, "title": "A $B_c$ <i>"})).path
    measured(path, model())
    with Run(path) as run:
        found = distances(run)
    assert sum(len(each.thirds) == 3 for each in found) >= 5
    by_hand(found)
    cells = [each for each in found if each.thirds and each.cell != ALL]
    (axes,) = figure_of(cells, "t").axes
    for each, drawn in zip(cells, axes.containers, strict=True):
        line, _, (bars,) = drawn.lines
        assert list(line.get_xdata()) == [third.distance for third in each.thirds]
        assert list(line.get_ydata()) == [100 * third.correct / third.graded for third in each.thirds]
        for third, bar in zip(each.thirds, bars.get_segments(), strict=True):
            assert third.interval is not None
            assert [y for _, y in bar] == pytest.approx([100 * third.interval.low, 100 * third.interval.high])
    said = relay("report", "out.relay", "--distance-plot", "p.svg")
    assert said.code == 0, said.err
    drawn_text = re.sub(r"<[^>]+>", " ", (folder / "p.svg").read_text())
    assert "A $B_c$ &lt;i&gt;" in drawn_text
    assert all(each.cell in drawn_text for each in cells)
    first = (folder / "p.svg").read_bytes()
    assert relay("report", "out.relay", "--distance-plot", "p.svg").code == 0
    assert (folder / "p.svg").read_bytes() == first


def by_hand(found: list[Distance]) -> None:
    """The whole is its cells, third by third."""
    *cells, whole = found
    assert whole.cell == ALL
    assert whole.steers == sum(each.steers for each in cells)
    assert whole.computed == sum(each.computed for each in cells)
    for k, third in enumerate(whole.thirds):
        assert third.graded == sum(each.thirds[k].graded for each in cells if each.thirds)
        assert third.correct == sum(each.thirds[k].correct for each in cells if each.thirds)
    assert {each.mean is None for each in found} == {False}
