"""The benchmarks of the loop still walk what they say they walk; their figures are for `make bench`."""

import asyncio
import sys
from pathlib import Path

import pytest


@pytest.fixture
def hops(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    import hops  # type: ignore[import-not-found]

    yield hops
    del sys.modules["hops"], sys.modules["bounds"]


@pytest.mark.parametrize(("delta", "pens"), [("segment", 1), ("token", 1), ("segment", 2)])
def test_both_walk_the_same_number_of_hops(hops: object, delta: str, pens: int) -> None:
    ours = asyncio.run(hops.relay_hops(4, delta, pens=pens))  # type: ignore[attr-defined]
    theirs = asyncio.run(hops.langgraph_hops(4, delta))  # type: ignore[attr-defined]
    assert ours.hops - 4 * 2 * (pens == 2) == theirs.hops == 4 * 3 * hops.CYCLES  # type: ignore[attr-defined]
