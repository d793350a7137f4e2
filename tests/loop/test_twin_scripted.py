"""The twin tests on models of known behaviour: every table comes out as computed by hand."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from relay.engine import Request
from relay.engine.scripted import TEMPLATE, Scripted, shipped
from relay.errors import UserError
from relay.measure.scores import scores
from relay.seam.templates import Template
from relay.store.reader import Run

RECOVERABILITY = {
    "models.main": "{engine: scripted, says: x}",
    "problems": "{from: sums, limit: 48}",
    "select": "{problems: {solved: main, at_least: 6/8}, limit: 12}",
    "sweep.over.n": "[0.2]",
}
OWN = "Step {k} of {id} goes on."  # five sentences of a solo, so that m = .2 k keeps k of them


def solo(request: Request, right: bool) -> str:
    problem = request.purpose.problem
    steps = " ".join(OWN.format(k=k, id=problem.id) for k in range(1, 6))
    return f"{steps}</think>The answer is {problem.answer if right else int(problem.answer) + 1}."


def number(request: Request) -> int:
    return int(request.purpose.problem.id.removeprefix("sum-"))


def model(
    recovers: Callable[[str, Request], bool], solves: Callable[[Request], bool] = lambda r: number(r) % 2 == 0
) -> Scripted:
    """A model that solves some problems alone, and whose return from a steer depends on what it read."""
    tokenizer = shipped()

    def says(request: Request) -> str:
        if request.purpose.node == "(pool)":
            return solo(request, solves(request))
        read = tokenizer.text_of(request.prompt).partition("<think>")[2]
        right = recovers(read, request) if "Wait. Let me think" in read else True
        return f" Now I see.</think>{request.purpose.problem.answer if right else '999'}"

    return Scripted(tokenizer, Template(tokenizer, TEMPLATE), says, facts={"script": str(id(recovers))})


def kept(read: str) -> int:
    """How many sentences of its own the model still sees before the steer."""
    return read.partition("\nWait.")[0].count("goes on.")


BEHAVIOURS = {
    "always returns": (lambda read, request: True, [12, 12, 12, 12, 12, 12]),
    "always follows the steer": (lambda read, request: False, [0, 0, 0, 0, 0, 12]),
    "returns only when it holds its opening": (lambda read, request: kept(read) >= 1, [0, 12, 12, 12, 12, 12]),
    "returns when it holds most of its own": (lambda read, request: kept(read) >= 3, [0, 0, 0, 12, 12, 12]),
}


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_recoverability_of_known_models(name: str, bench: Any) -> None:
    behaviour, expected = BEHAVIOURS[name]
    bench.given = {"main": model(behaviour)}
    outcome = asyncio.run(bench.start_canned("recoverability", RECOVERABILITY))
    with Run(outcome.path) as run:
        assert [s.correct for s in scores(run)] == expected
        assert {s.graded for s in scores(run)} == {12}


def test_each_unit_is_the_same_in_every_cell_and_as_the_protocol_says(bench: Any) -> None:
    bench.given = {"main": model(lambda read, request: True)}
    outcome = asyncio.run(bench.start_canned("recoverability", RECOVERABILITY))
    with Run(outcome.path) as run:
        solved = dict(run.query("SELECT problem, solved FROM solved"))
        steers: dict[str, set[str]] = {}
        for row in run.rollouts():
            assert solved[row.problem] >= 6
            hops = run.hops(row.id)
            first = hops[0]
            m = float(row.cell.split()[0].removeprefix("m="))
            assert first.segment is None if m == 0 else kept(first.segment.text) == round(5 * m)
            if m:
                assert first.source.startswith(f"{row.problem}/"), "the original is the model's own"
            if "without" in row.cell:
                assert [h.segment for h in hops[:2]] == [None, None]
                continue
            steer = hops[1]
            assert steer.segment is not None
            assert steer.segment.text.startswith("\nWait. Let me think\nStep 1 of sum-")
            assert steer.segment.stop == "steer"
            other = steer.source.partition("/")[0]
            assert other != row.problem
            assert f"Step 1 of {other} goes on." in steer.segment.text
            assert steer.segment.text.count("goes on.") == 1, "n = 0.2 of five sentences"
            steers.setdefault(row.problem, set()).add(steer.source)
    assert all(len(sources) == 1 for sources in steers.values()), "the same distraction at every m"
    assert len(steers) == 12


def test_the_steer_stands_inside_the_open_thinking(bench: Any) -> None:
    bench.given = {"main": model(lambda read, request: True)}
    asyncio.run(bench.start_canned("recoverability", RECOVERABILITY))
    for request in bench.engines["main"].requests:
        text = bench.engines["main"].tokenizer.text_of(request.prompt)
        assert text.count("<think>") == 1
        assert "</think>" not in text


def test_an_empty_selection_says_what_was_nearest_and_leaves_no_file(bench: Any) -> None:
    bench.given = {"main": model(lambda read, request: True, solves=lambda r: number(r) == 7 and r.purpose.sample < 3)}
    with pytest.raises(UserError) as error:
        asyncio.run(bench.start_canned("recoverability", RECOVERABILITY))
    assert str(error.value).startswith(
        "select: no problem of 48 was solved at least 6 of 8 times by main; the nearest were sum-0007 (3/8), "
    )
    assert not list(bench.folder.glob("*.relay*"))


def test_too_few_originals_are_said_and_kept_in_the_file(bench: Any) -> None:
    bench.given = {"main": model(lambda read, request: True, solves=lambda r: number(r) < 5)}
    outcome = asyncio.run(bench.start_canned("recoverability", RECOVERABILITY))
    note = "5 problems, not 12: only so many of 48 were solved at least 6 of 8 times by main"
    assert bench.watcher.notes == [note]
    with Run(outcome.path) as run:
        assert run.meta["notes"] == [note]


def test_guidability_counts_what_is_missing(bench: Any) -> None:
    """The guide solves every problem but those divisible by three; the model nothing, and believes what it reads."""
    tokenizer = shipped()
    guide = model(lambda read, request: True, solves=lambda r: number(r) % 3 > 0)

    def says(request: Request) -> str:
        if request.purpose.node == "(pool)":
            return solo(request, False)
        read = tokenizer.text_of(request.prompt).partition("<think>")[2]
        return f" So.</think>{request.purpose.problem.answer if kept(read) >= 3 else '999'}"

    bench.given = {"main": Scripted(tokenizer, Template(tokenizer, TEMPLATE), says), "guide": guide}
    sets = {
        "models.main": "{engine: scripted, says: x}", "models.guide": "{engine: scripted, says: y}",
        "select": "{problems: {solved: main, at_most: 1/8}}", "problems": "{from: sums, limit: 9}",
    }  # fmt: skip
    outcome = asyncio.run(bench.start_canned("guidability", sets))
    with Run(outcome.path) as run:
        found = {s.cell: (s.correct, s.graded, s.missing) for s in scores(run)}
    assert found == {
        "n=0.2": (0, 6, 3), "n=0.4": (0, 6, 3), "n=0.6": (6, 6, 3), "n=0.8": (6, 6, 3),
        "n=0.2 without steer": (0, 9, 0),
    }  # fmt: skip


def test_the_pool_is_sampled_once(bench: Any) -> None:
    bench.given = {"main": model(lambda read, request: True)}
    asyncio.run(bench.start_canned("recoverability", RECOVERABILITY))
    assert sum(r.purpose.node == "(pool)" for r in bench.engines["main"].requests) == 48 * 8
    asyncio.run(bench.start_canned("recoverability", RECOVERABILITY, out="again.relay"))
    assert sum(r.purpose.node == "(pool)" for r in bench.engines["main"].requests) == 0
    with Run(bench.folder / "out.relay") as one, Run(bench.folder / "again.relay") as two:
        assert [one.walk(r.id).pens["0"].trajectory for r in one.rollouts()] == [
            two.walk(r.id).pens["0"].trajectory for r in two.rollouts()
        ]
