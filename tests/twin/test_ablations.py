"""Ablations of recoverability on models of known behaviour, and the controls: as computed by hand."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from relay.engine import Request
from relay.engine.scripted import Scripted
from relay.measure.paired import equality
from relay.measure.scores import scores
from relay.measure.spoiled import looked
from relay.session import Options, start
from relay.spoilers import find_spoilers
from relay.store.reader import Run
from relay.twin.card import card
from relay.twin.ceiling import harm, verdict
from relay.twin.effect import effect
from relay.twin.page import page
from relay.twin.plan import Part, Wish, parts_of
from tests.loop.conftest import Silent
from tests.twin.test_shared import pairs
from tests.twin.worlds import TWO, answered, engine, in_pool, number

SETS = {
    "models.main": TWO["models.main"], "models.guide": TWO["models.guide"], "problems": "{from: sums, limit: 12}",
    "models.distractor": TWO["models.guide"], "let.cut": "nearest",
}  # fmt: skip
RECOVER = {**SETS, "sweep.over.n": "[0.2]"}
RESTATED = "Step 1 of main."
ALL = [f"m={m:g} n=0.2" for m in (0, 0.2, 0.4, 0.6, 0.8)]


def thought(paragraphs: bool, name: str) -> str:
    """Five sentences, the first a paragraph of its own or not; each m keeps one more."""
    first, *others = (f"Step {k} of {name}." for k in range(1, 6))
    return first + ("\n\n" if paragraphs else " ") + " ".join(others)


def holding(paragraphs: bool) -> Scripted:
    """It comes back from a steer where it still sees its opening, and only there; alone it is right."""

    def says(request: Request, read: str) -> str:
        if in_pool(request):
            return answered(request, True, thought(paragraphs, "main"))
        steered = "Wait. Let me think" in read
        return answered(request, not steered or RESTATED in read.partition("\nWait.")[0])

    return engine(says, f"holding {paragraphs}")


def other(request: Request, read: str) -> str:
    return answered(request, True, thought(False, "others"))


def play(
    folder: Path, wish: Wish, engines: dict[str, Scripted], tests: Sequence[str] = ("recoverability",)
) -> list[Part]:
    parts = [part for part in parts_of(wish) if part.test in tests]
    for part in parts:
        there = {name: found for name, found in engines.items() if name in part.reading.tree["models"]}
        options = Options(pool=folder / "pool.sqlite")
        asyncio.run(start(part.reading, folder / part.file, options, Silent(), there))
    return parts


def correct(path: Path) -> dict[str, int]:
    with Run(path) as run:
        return {score.cell: score.correct for score in scores(run)}


def test_who_needs_its_opening_comes_back_at_m_0_only_if_it_is_kept(tmp_path: Path) -> None:
    plain, kept = play(tmp_path, Wish(["m"], sets=RECOVER, opening=True), {"main": holding(True)})
    alone = "m=0 n=0.2 without steer"
    assert correct(tmp_path / plain.file) == dict(zip([*ALL, alone], [0, 12, 12, 12, 12, 12], strict=True))
    named = [f"{cell} opening=1" for cell in ALL]
    last = "m=0 n=0.2 opening=0 without steer"
    assert correct(tmp_path / kept.file) == dict(zip([*named, last], [12, 12, 12, 12, 12, 12], strict=True))
    with Run(tmp_path / kept.file) as run:
        found = effect(run)
        assert found.alone is not None
        assert found.alone.correct == 12
        for row in run.rollouts():
            first = run.hops(row.id)[0]
            if "without" in row.cell:
                assert first.segment is None, "the fresh solos keep nothing"
            else:
                assert first.segment is not None
                assert first.segment.text.startswith(f"{RESTATED}\n\n")
    assert pairs(tmp_path / plain.file) == {
        (problem, cell.removesuffix(" opening=1")): by for (problem, cell), by in pairs(tmp_path / kept.file).items()
    }


def test_a_thought_of_one_paragraph_has_no_opening_to_keep(tmp_path: Path) -> None:
    """All of it would be kept at m = 0, with all that it found out."""
    kept = play(tmp_path, Wish(["m"], sets=RECOVER, opening=True), {"main": holding(False)})[1]
    assert correct(tmp_path / kept.file)["m=0 n=0.2 opening=1"] == 0


def test_longer_distractions_leave_out_the_cell_that_has_no_room(tmp_path: Path) -> None:
    longer = play(tmp_path, Wish(["m"], sets=SETS, longer=True), {"main": holding(True)})[1]
    cells = [f"m={m:g} n=0.8" for m in (0, 0.2, 0.4, 0.6)]  # the paper's n = 0.4 with --problems
    found = correct(tmp_path / longer.file)
    assert found == dict(zip([*cells, "m=0 n=0.8 without steer"], [0, 12, 12, 12, 12], strict=True))
    with Run(tmp_path / longer.file) as run:
        steer = next(hop for hop in run.hops(0) if hop.segment and hop.segment.stop == "steer")
        assert steer.segment is not None
        assert "Step 4 of main." in steer.segment.text, "0.8 of five sentences are four"
        assert "Step 5 of main." not in steer.segment.text


def test_distractions_by_another_model_are_about_the_same_problems(tmp_path: Path) -> None:
    engines = {"main": holding(True), "distractor": engine(other, "other")}
    plain, by = play(tmp_path, Wish(["m"], sets=RECOVER, distractors=["its/other"]), engines)
    assert by.file == "recoverability-m-distracted-by-its--other.relay"
    assert pairs(tmp_path / plain.file) == pairs(tmp_path / by.file)
    for path, name in ((plain.file, "main"), (by.file, "others")):
        with Run(tmp_path / path) as run:
            steers = [
                hop.segment.text for row in run.rollouts() for hop in run.hops(row.id) if hop.segment and hop.source
            ]
            steers = [text for text in steers if text.startswith("\nWait.")]
            assert len(steers) == 60
            assert all(f"Step 1 of {name}." in text for text in steers)


def guided(solves: int, name: str) -> Scripted:
    def says(request: Request, read: str) -> str:
        return answered(request, number(request) % solves == 0, f"{name} is here. Two. Three. Four. Five.")

    return engine(says, name)


def helped(request: Request, read: str) -> str:
    """Alone it solves nothing. It always uses the second guide, and the first where it sees three of five sentences."""
    return answered(request, "second is here" in read or "Three." in read)


def test_guides_stand_in_one_table_with_both_means(tmp_path: Path) -> None:
    """The first guides 12 problems: 0, 0, 12, 12 right, so .5; the second 4, for it solves no others: always 4, so 1.

    By n: 4/16, 4/16, 16/16, 16/16, mean .625; over guides .75.
    """
    wish = Wish(["m"], ["first", "second"], sets=SETS)
    main = engine(lambda request, read: answered(request, False) if in_pool(request) else helped(request, read), "m")
    options, parts = Options(pool=tmp_path / "pool.sqlite"), parts_of(wish)
    for part in parts[1:]:
        engines = {"main": main, "guide": guided(1 if part.guide == "first" else 3, part.guide)}
        asyncio.run(start(part.reading, tmp_path / part.file, options, Silent(), engines))
    made: Any = card("m", parts[1:], tmp_path)
    found = made["by_guide"]
    assert [(g["problems"], g["unguided"], g["steered"]["score"]) for g in found["guides"]] == [
        (12, 0, 0.5),
        (4, 8, 1.0),
    ]
    assert [(n["correct"], n["graded"]) for n in found["by_n"]] == [(4, 16), (4, 16), (16, 16), (16, 16)]
    assert (found["mean_over_guides"], found["mean_over_n"]) == (0.75, 0.625)
    assert "unequal numbers of problems" in found["note"]
    assert [g["steered"]["minus_alone"]["mean"] for g in found["guides"]] == [0.5, 1.0]
    assert all(n["corrected"] is None for n in found["by_n"]), "nobody has looked for spoilers"
    told = page(made)
    assert "| 12 | 0 | 0.0 | 0.0 | 100.0 | 100.0 | 50.0 | +50.0 |" in told
    assert "| all, by n |  |  | 25.0 | 25.0 | 100.0 | 100.0 | 62.5 |" in told
    assert "Mean over guides 75.0, over n 62.5." in told
    for part in parts[1:]:
        asyncio.run(find_spoilers(tmp_path / part.file, Silent()))
    clean: Any = card("m", parts[1:], tmp_path)
    by_n = clean["by_guide"]["by_n"]
    assert [(n["corrected"]["correct"], n["corrected"]["graded"]) for n in by_n] == [
        (4, 16),
        (4, 16),
        (16, 16),
        (16, 16),
    ]


def test_guidance_where_none_is_needed_is_tried_on_what_the_model_always_solves(tmp_path: Path) -> None:
    """It solves the even problems; of these the guide throws it off six at n = .8, so that 18 of 24 are right."""

    def always(request: Request, read: str) -> str:
        if in_pool(request):
            return answered(request, number(request) % 2 == 0)
        return answered(request, "Four." not in read)

    engines = {"main": engine(always, "always"), "guide": guided(1, "guide")}
    (part,) = play(tmp_path, Wish(["m"], ["guide"], sets=SETS, control=True), engines, ["ceiling"])
    with Run(tmp_path / part.file) as run:
        assert {problem.id for problem in run.problems} == {f"sum-{n:04}" for n in range(0, 12, 2)}
        assert [score.correct for score in scores(run)] == [6, 6, 6, 0, 6]
        found = harm(run)
        assert found is not None
        assert found.difference is not None
        assert found.difference.mean == pytest.approx(-0.25)
        assert looked(run).steers == 24
    made: Any = card("m", [part], tmp_path)
    assert made["by_guide"] is None
    assert made["tests"][0]["verdict"] == verdict(found)
    assert "## Ceiling, guided by guide" in page(made)


@pytest.mark.parametrize(
    ("pairs_", "expected"),
    [
        ([((4, 4), (1, 1))] * 200, "does no harm"),
        ([((4, 4), (1, 1))] * 180 + [((4, 4), (0, 1))] * 20, "does no harm"),  # better than alone is no harm
        ([((2, 4), (1, 1))] * 100 + [((4, 4), (1, 1))] * 100, "harms"),
        ([((4, 4), (1, 1))] * 10, "cannot be judged"),
    ],
)  # fmt: skip
def test_only_what_is_lost_is_harm(pairs_: list[Any], expected: str) -> None:
    assert expected in verdict(equality(pairs_))


def test_a_run_without_fresh_solos_has_no_baseline(tmp_path: Path) -> None:
    """Without the steer at m = 0.4 it goes on from a right beginning: these are no fresh solos."""
    sets = {**SETS, "sweep": "{over: {m: [0.4, 0.8], n: [0.2]}, also: [{without: steer}]}"}
    (part,) = play(tmp_path, Wish(["m"], sets=sets), {"main": holding(True)})
    with Run(tmp_path / part.file) as run:
        assert effect(run).alone is None
        assert effect(run).steered.minus_alone is None
    made: Any = card("m", [part], tmp_path)
    assert "No baseline" in page(made)


def test_the_canned_tests_have_fresh_solos_whatever_m_is_swept() -> None:
    for part in parts_of(Wish(["m"], ["g"], sets={"seed": "1"}, control=True, opening=True, longer=True)):
        if part.test != "plumbing":
            assert any(cell.without for cell in part.reading.cells), part.file
    changed = parts_of(Wish(["m"], sets={"sweep.over.m": "[0.4, 0.8]"}))[0].reading.cells[-1]
    assert (changed.values["m"], changed.without) == (0, {"steer"})
