"""The control: a fair handover is found fair, a broken one suspect, too few problems neither."""

import asyncio
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from relay.engine import Request
from relay.engine.scripted import TEMPLATE, Scripted, shipped
from relay.language.reading import read
from relay.seam.templates import Template
from relay.store.reader import Run
from relay.twin.card import card
from relay.twin.control import Control, control, verdict
from relay.twin.page import page
from relay.twin.plan import Part
from tests.loop.conftest import Bench


def lucky(*what: object) -> bool:
    """Fifteen of sixteen, by what it is."""
    return hashlib.blake2b(repr(what).encode(), digest_size=1).digest()[0] % 16 > 0


def model(*, fair: bool) -> Scripted:
    """Its solos say which they are; handed one back, a fair model ends it as it ended."""
    tokenizer = shipped()

    def says(request: Request) -> str:
        problem, sample = request.purpose.problem, request.purpose.sample
        read_ = tokenizer.text_of(request.prompt).partition("<think>")[2]
        begun = re.search(r"Try (\d+) of", read_)
        which = int(begun[1]) if begun else sample
        right = (
            lucky(problem.id, which, "begun") if begun or request.purpose.node == "(pool)" else lucky(problem.id, which)
        )
        right = right and (fair or not begun)
        steps = "" if begun else " ".join(f"Try {which} of {problem.id}, step {k}." for k in range(1, 6))
        return f"{steps}</think>{problem.answer if right else int(problem.answer) + 1}"

    return Scripted(tokenizer, Template(tokenizer, TEMPLATE), says, facts={"script": f"fair {fair}"})


def controlled(folder: Path, problems: int, *, fair: bool) -> list[Control]:
    bench = Bench(folder)
    bench.given = {"main": model(fair=fair)}
    sets = {"models.main": "{engine: scripted, says: x}", "problems": f"{{from: sums, limit: {problems}}}"}
    outcome = asyncio.run(bench.start_canned("plumbing", sets))
    with Run(outcome.path) as run:
        return control(run)


def test_a_fair_handover_is_found_fair(tmp_path: Path) -> None:
    found = controlled(tmp_path, 300, fair=True)
    assert [each.cell for each in found] == ["m=0.2", "m=0.4", "m=0.6", "m=0.8"]
    assert {each.equality.verdict for each in found} == {"equal"}
    assert verdict(found).startswith("the plumbing holds")


def test_a_broken_handover_is_suspect(tmp_path: Path) -> None:
    found = controlled(tmp_path, 20, fair=False)
    assert {each.equality.verdict for each in found} == {"different"}
    assert "suspect" in verdict(found)


def test_few_problems_are_too_few(tmp_path: Path) -> None:
    assert "take more problems" in verdict(controlled(tmp_path, 6, fair=True))


def test_a_test_is_no_control(tmp_path: Path) -> None:
    from tests.loop.test_twin_scripted import RECOVERABILITY
    from tests.loop.test_twin_scripted import model as any_model

    bench = Bench(tmp_path)
    bench.given = {"main": any_model(lambda read, request: True)}
    outcome = asyncio.run(bench.start_canned("recoverability", RECOVERABILITY))
    with Run(outcome.path) as run:
        assert control(run) == []


@pytest.mark.parametrize("fair", [True, False])
def test_the_card_says_what_came_of_it(tmp_path: Path, fair: bool) -> None:
    controlled(tmp_path, 8, fair=fair)
    part = Part("plumbing", "m", "", read("plumbing"))
    (tmp_path / "out.relay").rename(tmp_path / part.file)
    made: Any = card("m", [part], tmp_path)
    assert made["tests"] == []
    assert made["control"]["verdict"] in page(made)
    assert len(made["control"]["cells"]) == 4
