"""What vLLM has read once it does not read again, in relays as well: the benchmark as a test, and its arithmetic."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def prefix_cache(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The benchmark."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module("prefix_cache")


def test_the_least_is_each_token_once_in_full_blocks(prefix_cache: Any) -> None:
    def least(*calls: tuple[list[int], list[int]]) -> int:
        return int(prefix_cache.least([prefix_cache.Call(p, w, 0, 0) for p, w in calls], block=4))

    ten = list(range(10))
    assert least((ten, [])) == 10
    assert least((ten, []), (ten, [])) == 10 + 2  # a repeat of L tokens finds floor((L - 1) / 4) blocks
    eight = ten[:8]
    assert least((eight, []), (eight, [])) == 8 + 4
    assert least((ten, []), ([*ten, 10, 11, 12], [])) == 10 + 5
    assert least((ten, [10, 11, 12]), ([*ten, 10, 11, 12, 13], [])) == 10 + 2  # what it wrote it has, but the last
    assert least((ten, [10, 11]), ([*ten, 10, 11, 12, 13], [])) == 10 + 6
    assert least((ten, []), ([99, *ten], [])) == 10 + 11


def test_six_hops_of_two_models_compute_hardly_more_than_the_least() -> None:
    done = subprocess.run(
        [sys.executable, "prefix_cache.py", "--json"], cwd=BENCHMARKS, capture_output=True, text=True, check=False
    )
    figures = json.loads(done.stdout)
    print(figures)
    assert done.returncode == 0, done.stderr  # within its bound
    assert figures["calls"] == 24 * 6
    assert figures["full blocks of the shortest prompt"] >= 10
    assert figures["computed prompt tokens"] >= figures["the least possible"]
    assert figures["prompt tokens"] > 2.8 * figures["the least possible"]
