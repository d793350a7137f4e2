"""Adaptive sampling: new problems first, and on studies like the paper's fewer continuations for equal widths."""

from hypothesis import given
from hypothesis import strategies as st

from relay.measure.adaptive import More, Progress, allocate
from tests.proof.adaptive import paperlike


def test_new_problems_come_first_then_samples_and_narrow_cells_get_nothing() -> None:
    cells = [
        Progress("narrow", 50, 150, 1, 0.09), Progress("near", 100, 100, 1, 0.105), Progress("wide", 50, 150, 1, 0.3),
        Progress("new", 0, 200, 1, None), Progress("short", 195, 5, 1, 0.2), Progress("out", 200, 0, 2, 0.2),
    ]  # fmt: skip
    assert allocate(cells, 0.1, 20) == [
        More("near", 11, 0), More("wide", 20, 0), More("new", 20, 0), More("short", 5, 0), More("out", 0, 1),
    ]  # fmt: skip


@given(st.integers(0, 500), st.integers(0, 500), st.floats(0.001, 1), st.floats(0.01, 0.5), st.integers(1, 50))
def test_every_wide_cell_gets_something_and_never_too_much(
    tried: int, left: int, width: float, target: float, batch: int
) -> None:
    found = allocate([Progress("one", tried, left, 1, width)], target, batch)
    assert bool(found) == (width > target)
    for more in found:
        assert 0 <= more.problems <= min(left, batch)
        assert (more.samples == 1) == (more.problems == 0) == (left == 0)


def test_studies_shaped_like_the_paper_s_need_at_most_70_percent_of_their_continuations() -> None:
    """Ten studies; docs/evidence/adaptive.json has a hundred."""
    found = paperlike(10)
    assert found["cells"] == 750
    assert found["as narrow"] == 1
    assert found["used"] <= 0.7
    assert found["coverage"] >= 0.93 - 3 * (0.93 * 0.07 / 750) ** 0.5
