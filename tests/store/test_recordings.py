"""Recorded trajectories as the pool keeps them."""

from contextlib import closing
from pathlib import Path

import pytest

from relay.pool import Pool, Sampled
from relay.store.recordings import Noted, held, record, recorded_models, recording


def noted(text: str) -> Noted:
    return Noted(Sampled("h", 0, text, (), "", 3, True, "recorded", "math", "correct"), {"label": True})


def test_two_imports_at_once_take_a_trajectory_in_once(tmp_path: Path) -> None:
    """Both saw that it was not there; the second finds it when it writes."""
    with closing(Pool(tmp_path / "pool.sqlite")) as one, closing(Pool(tmp_path / "pool.sqlite")) as two:
        assert record(one, {"R": [noted("a"), noted("b")]}, None) == 2
        assert record(two, {"R": [noted("b"), noted("c")]}, None) == 1
        [here] = held(one)
        assert (here.problems, here.samples, here.correct) == (1, 3, 3)
        numbers = one.db.execute("SELECT sample, text FROM solo ORDER BY sample").fetchall()
        assert numbers == [(0, "a"), (1, "b"), (2, "c")]


def test_a_tokenizer_may_come_later_and_stays(tmp_path: Path) -> None:
    with closing(Pool(tmp_path / "pool.sqlite")) as pool:
        record(pool, {"R": [noted("a")]}, None)
        found = recording(pool, "R")
        assert found is not None
        assert found.tokenizer is None
        record(pool, {"R": [noted("a")]}, "{}")
        record(pool, {"R": [noted("a")]}, None)
        assert recording(pool, "R") == found._replace(tokenizer="{}")
        assert (recording(pool, "S"), recorded_models(pool)) == (None, ["R"])


def test_what_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    with closing(Pool(tmp_path / "pool.sqlite")) as pool:
        with pytest.raises(TypeError):
            record(pool, {"R": [noted("a"), noted("b")._replace(extra={"label": object()})]}, None)
        assert (held(pool), recorded_models(pool)) == ([], [])
