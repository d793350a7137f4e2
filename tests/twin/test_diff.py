"""Two runs of known models side by side: what moved is as computed by hand."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from relay.engine import Request
from relay.errors import UserError
from relay.language.reading import read
from relay.measure.outcomes import outcomes
from relay.measure.paired import difference
from relay.measure.proportions import wilson
from relay.measure.unpaired import unpaired
from relay.twin.diff import Moved, moved
from tests.loop.conftest import Bench
from tests.loop.test_twin_scripted import RECOVERABILITY, kept, model, number

STITCH = {"let.stitch": '"\\nLet me think.\\n"'}
EVEN: Callable[[Request], bool] = lambda request: number(request) % 2 == 0  # noqa: E731
ODD: Callable[[Request], bool] = lambda request: number(request) % 2 == 1  # noqa: E731


def lost_after_wait(text: str, request: Request) -> bool:
    """Comes back where it sees three sentences of its own; without the word Wait it is never lost."""
    return kept(text) >= 3


class Runs:
    """Runs of known models, by name."""

    def __init__(self, folder: Path) -> None:
        self.bench = Bench(folder)

    def made(self, name: str, sets: dict[str, str], solves: Callable[[Request], bool] = EVEN) -> Path:
        self.bench.given = {"main": model(lost_after_wait, solves)}
        reading = read("recoverability", {**RECOVERABILITY, **sets})
        return asyncio.run(self.bench._go(reading, name)).path


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def between(runs: Runs, sets: dict[str, str]) -> Moved:
    return moved(runs.made("a.relay", {}), runs.made("b.relay", sets))


def test_one_knob_moved_the_score_by_so_much(runs: Runs) -> None:
    """Two of five cells are right after the one stitch, all five after the other, alone all."""
    found = between(runs, STITCH)
    assert [knob.path for knob in found.knobs] == ["let.stitch"]
    assert (found.before.score, found.after.score) == (24 / 60, 1.0)
    assert (found.before.alone, found.after.alone) == (1.0, 1.0)
    assert found.before.minus_alone == difference([((2, 5), (1, 1))] * 12)
    assert (found.shared, len(found.cells)) == (12, 5)
    assert found.score == difference([((5, 5), (2, 5))] * 12)
    assert found.effect is not None
    assert found.effect.mean == pytest.approx(0.6)
    alike = wilson(12, 12).low  # so many problems at least moved as these; the others may have moved by 2 either way
    assert found.effect.low == pytest.approx(alike * 0.6 - (1 - alike) * 2)
    assert found.score is not None
    assert found.score.mean == pytest.approx(0.6)


def test_intervals_know_which_rollouts_share_a_distraction(runs: Runs) -> None:
    """Three of them serve twelve problems: one that is worse than the others moves four problems at once."""
    among = {"graph.nodes.steer.insert.among": "3"}
    found = moved(runs.made("a.relay", among), runs.made("b.relay", among, ODD))
    assert found.score is not None
    assert found.effect is not None
    assert found.score.method == found.effect.method == "t by problem and distractor"
    for side in (found.before, found.after):
        assert side.interval is not None
        assert side.minus_alone is not None
        assert side.interval.method.startswith("two-way")


def test_the_same_run_twice_moves_nothing(runs: Runs) -> None:
    path = runs.made("a.relay", {})
    found = moved(path, path)
    assert found.knobs == ()
    assert found.score is not None
    assert found.score.mean == 0


def test_without_fresh_solos_only_the_score_is_compared(runs: Runs) -> None:
    found = between(runs, {"let.baseline": "false"})
    assert (found.after.alone, found.after.minus_alone, found.effect) == (None, None, None)
    assert found.score is not None
    assert (found.score.mean, found.shared) == (0, 12)


def test_only_cells_that_both_have_are_compared(runs: Runs) -> None:
    found = between(runs, {"sweep.over.m": "[0, 0.6]"})
    assert found.cells == ("m=0 n=0.2", "m=0.6 n=0.2")
    assert (found.before.correct, found.before.graded) == (found.after.correct, found.after.graded) == (12, 24)


def test_runs_that_share_no_cell_are_compared_whole(runs: Runs) -> None:
    found = between(runs, {"sweep.over.n": "[0.4]"})
    assert found.cells == ()
    assert found.before.graded == found.after.graded == 60


def test_problems_in_one_run_alone_are_not_paired(runs: Runs) -> None:
    """Three quarters of the problems are solved in the second: some of the first run's are in both."""
    found = moved(
        runs.made("a.relay", {"select.limit": "null"}),
        runs.made("b.relay", {"select.limit": "null", "seed": "1"}, lambda r: number(r) % 4 != 0),
    )
    assert (found.before.problems, found.after.problems, found.shared) == (24, 36, 12)


def test_where_no_problem_is_in_both_nothing_is_paired(runs: Runs) -> None:
    found = moved(runs.made("a.relay", {}), runs.made("b.relay", {"seed": "1", **STITCH}, ODD))
    assert found.shared == 0
    assert found.score == unpaired(
        *(outcomes([(p, None, int(j < c)) for p in range(12) for j in range(5)]) for c in (5, 2))
    )
    assert found.score is not None
    assert found.score.mean == pytest.approx(0.6)
    assert found.score.low < 0.6 < found.score.high
    assert found.effect is None


def test_unpaired_shares_by_newcombe_s_own_example() -> None:
    """56 of 70 and 48 of 80: .0524 to .3339 (Newcombe 1998, table II, method 10)."""
    found = unpaired(*(outcomes([(p, None, int(p < c)) for p in range(n)]) for c, n in ((56, 70), (48, 80))))
    assert found is not None
    assert (round(found.mean, 4), round(found.low, 4), round(found.high, 4)) == (0.2, 0.0524, 0.3339)
    assert unpaired(outcomes([]), outcomes([(0, None, 1)])) is None


def test_more_problems_of_the_same_set_are_a_knob(runs: Runs) -> None:
    found = moved(runs.made("a.relay", {}), runs.made("b.relay", {"problems.limit": "40"}))
    assert [knob.path for knob in found.knobs] == ["problems.limit"]
    assert found.shared > 0


def test_runs_of_other_tests_and_problems_are_refused_at_once(runs: Runs) -> None:
    one = runs.made("a.relay", {})
    other_problems = runs.bench.folder / "others.jsonl"
    lines = ({"id": f"sum-{i:04}", "question": f"And {i}?", "answer": str(i)} for i in range(48))
    other_problems.write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(UserError) as caught:
        moved(one, runs.made("b.relay", {"problems": str(other_problems)}))
    assert str(caught.value.mistakes[0]).startswith(f"{one} and ")
    assert "have other problems" in str(caught.value)
    plumbing = {key: value for key, value in RECOVERABILITY.items() if not key.startswith(("select", "sweep"))}
    runs.bench.given = {"main": model(lost_after_wait)}
    other = asyncio.run(runs.bench._go(read("plumbing", {**plumbing, "samples": "1"}), "p.relay")).path
    with pytest.raises(UserError, match="are runs of different tests"):
        moved(one, other)
