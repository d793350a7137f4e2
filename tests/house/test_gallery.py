"""docs/gallery.md shows every canned scenario as it is, with figures that were measured of it."""

import json

import pytest

from relay.language.reading import read
from relay.scenarios import canned
from tests.proof.gallery import EVIDENCE, MODELS, PAGE, SETS, fingerprint, page

FOUND = json.loads(EVIDENCE.read_text())


def test_the_page_is_what_the_figures_say() -> None:
    assert PAGE.read_text() == page(FOUND), "write it anew: python tests/proof/gallery.py --page"


@pytest.mark.parametrize("name", canned())
def test_the_figures_are_of_the_scenario_that_is_here(name: str) -> None:
    told = FOUND["scenarios"][name]
    assert told["scenario"] == fingerprint(name), f"measure it anew: python tests/proof/gallery.py --only {name}"
    assert [cell["cell"] for cell in told["cells"]] == [cell.name for cell in read(name, SETS).cells], (
        "its baselines too"
    )
    assert all(cell["failed"] == 0 for cell in told["cells"])
    assert sum(cell["graded"] for cell in told["cells"]) == told["rollouts"]


def test_nothing_else_is_in_it() -> None:
    assert set(FOUND["scenarios"]) == set(canned())
    assert set(FOUND["alone"]) == {f"relay/{name}" for name in MODELS}
