"""The knobs of the presets at work, on models whose every word is known."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from relay.engine import Request
from relay.engine.scripted import TEMPLATE, Scripted, shipped
from relay.errors import UserError
from relay.language.reading import read
from relay.measure.scores import scores
from relay.pool import Pool
from relay.seam.templates import Template
from relay.store.reader import Run
from tests.loop.test_twin_scripted import RECOVERABILITY, model, number

LONG = {"select": '{problems: {solved: main, at_least: 6/8, as_long_as: "{shortest}"}, limit: 12}'}
ALWAYS: Callable[[str, Request], bool] = lambda read, request: True  # noqa: E731  it has a type
TEN = "One two three four five six seven eight nine {k}."  # ten words; thrice this is a chunk


def run(bench: Any, sets: dict[str, str], preset: str = "strict", out: str = "out.relay") -> Run:
    reading = read("recoverability", {**RECOVERABILITY, **sets}, preset)
    return Run(asyncio.run(bench._go(reading, out)).path)


def steers(run: Run) -> Iterator[tuple[str, Any]]:
    """Each steer with the cell that it is in."""
    for row in run.rollouts():
        yield from ((row.cell, hop) for hop in run.hops(row.id) if hop.node == "steer" and hop.segment)


def of_length(words: Callable[[Request], int]) -> Scripted:
    """A model that is always right, after a thought of so many sentences of ten words."""
    tokenizer = shipped()

    def says(request: Request) -> str:
        if request.purpose.node != "(pool)":
            return f" So.</think>{request.purpose.problem.answer}"
        thought = " ".join(TEN.format(k=k) for k in range(words(request)))
        return f"{thought}</think>The answer is {request.purpose.problem.answer}."

    return Scripted(tokenizer, Template(tokenizer, TEMPLATE), says)


def test_a_cut_never_past_a_sentence_takes_less_than_the_nearest(bench: Any) -> None:
    """Five sentences of alike length: .5 of them is in the middle of the third, .59 nearer to its end."""
    bench.given = {"main": of_length(lambda r: 5)}
    kept: dict[str, set[int]] = {}
    for cut in ("before", "nearest", "after"):
        with run(bench, {"let.cut": cut, "sweep.over.n": "[0.57]", "sweep.over.m": "[0]"}, out=f"{cut}.relay") as found:
            kept[cut] = {hop.segment.text.count(" nine ") for _, hop in steers(found)}
    assert kept == {"before": {2}, "nearest": {3}, "after": {3}}


def test_chunks_are_rounded_down_to_whole_ones(bench: Any) -> None:
    """Ten sentences are three chunks of three, and one over: half of these four are two."""
    bench.given = {"main": of_length(lambda r: 10)}
    sets = {"let.unit": "chunks", "sweep.over.n": "[0.5, 0.2]", "sweep.over.m": "[0, 0.6]"}
    with run(bench, sets) as found:
        taken = {cell: hop.segment.text.count(" nine ") for cell, hop in steers(found)}
        opened = {
            row.cell: hops[0].segment and hops[0].segment.text.count(" nine ")
            for row in found.rollouts()
            if (hops := found.hops(row.id))
        }
        notes = found.meta["notes"]
    assert taken == {"m=0 n=0.5": 6, "m=0.6 n=0.5": 6}
    assert opened["m=0.6 n=0.5"] == 6
    assert opened["m=0 n=0.5"] is None
    assert notes == ["steer: 24 of 48 takes were of nothing: no sentence or chunk ended early enough (`cut:`)"]


def test_a_take_of_nothing_is_said_by_the_run_and_not_where_nothing_was_asked_for(bench: Any) -> None:
    bench.given = {"main": of_length(lambda r: 6)}
    with run(bench, {}) as found:  # m = 0 asks for nothing
        assert found.meta["notes"] == []


def test_the_shortest_original_is_as_long_as_it_should_be(bench: Any) -> None:
    """Sample k thinks k + 1 sentences; on odd problems at most two."""
    bench.given = {"main": of_length(lambda r: 2 if number(r) % 2 else r.purpose.sample + 1)}
    least = 3 * len(shipped().encode(TEN))
    with run(bench, {**LONG, "let.shortest": f"{{tokens: {least}}}", "sweep.over.m": "[1]"}) as found:
        assert {p.id for p in found.problems} <= {f"sum-{i:04}" for i in range(0, 48, 2)}
        hops = [found.hops(row.id)[0] for row in found.rollouts()]
        lengths = [len(hop.segment.ids) for hop in hops if hop.segment]
    assert len(lengths) == 12
    assert min(lengths) >= least
    assert len(set(lengths)) > 1, "any that is long enough"
    with pytest.raises(UserError, match=r"by no right thought as long: at most [0-9]+ of 4,096 tokens by main"):
        run(bench, LONG, "perturb-r", "none.relay")


def test_distractors_are_as_long_as_the_80th_percentile(bench: Any) -> None:
    """Problem i thinks i sentences or so, each sample the same: the longest fifth of the run's problems, and longer."""
    bench.given = {"main": of_length(lambda r: 1 + number(r) % 10)}
    with run(bench, {"let.distractor_length": "0.8", "sweep.over.n": "[1]"}) as found:
        run_s = sorted(1 + int(p.id.removeprefix("sum-")) % 10 for p in found.problems)
        least = min(hop.segment.text.count(" nine ") for _, hop in steers(found))
        shortest = next(w for w in run_s if sum(v <= w for v in run_s) >= 0.8 * len(run_s))
    assert least >= shortest > min(run_s)
    with run(bench, {"sweep.over.n": "[1]"}, out="any.relay") as found:
        assert min(hop.segment.text.count(" nine ") for _, hop in steers(found)) < shortest


@pytest.mark.parametrize(("preset", "right"), [("strict", 0), ("paper", 12)])
def test_a_thought_without_an_end_is_wrong_or_graded(preset: str, right: int, bench: Any) -> None:
    tokenizer = shipped()
    solo = model(ALWAYS)

    def says(request: Request) -> str:
        if request.purpose.node == "(pool)":
            return solo._says(request)  # type: ignore[attr-defined]
        return f" So it must be {request.purpose.problem.answer}."

    bench.given = {"main": Scripted(tokenizer, Template(tokenizer, TEMPLATE), says)}
    with run(bench, {}, preset) as found:
        assert {s.correct for s in scores(found)} == {right}


def test_of_a_thought_without_an_end_only_what_follows_the_steer_is_graded(bench: Any) -> None:
    """The original states the answer in its last sentence; what was written since the steer does not."""
    tokenizer = shipped()

    def says(request: Request) -> str:
        answer = request.purpose.problem.answer
        return f"It is {answer}.</think>{answer}" if request.purpose.node == "(pool)" else " Hm, who knows."

    bench.given = {"main": Scripted(tokenizer, Template(tokenizer, TEMPLATE), says)}
    with run(bench, {"sweep.over": "{m: [1], n: [1]}"}, "paper") as found:
        (score,) = scores(found)
    assert (score.correct, score.graded) == (0, 12)


def test_solos_are_graded_by_the_same_rule_and_kept_apart(bench: Any) -> None:
    """No solo closes its thinking: under `wrong` none is right, under `graded` all are."""
    tokenizer = shipped()
    says: Callable[[Request], str] = lambda request: f"It is {request.purpose.problem.answer}."  # noqa: E731
    bench.given = {"main": Scripted(tokenizer, Template(tokenizer, TEMPLATE), says)}
    with pytest.raises(UserError, match="no problem of 48 was solved at least 6 of 8"):
        run(bench, {})
    with run(bench, {}, "paper", "graded.relay") as found:
        assert len(found.problems) == 12
    pool = Pool(bench.folder / "pool.sqlite")
    made = pool.db.execute("SELECT json_extract(facts, '$.unfinished') FROM made ORDER BY 1").fetchall()
    pool.close()
    assert made == [(None,), ("graded",)]


def test_grading_once_more_keeps_to_the_rule(bench: Any) -> None:
    from relay.regrade import read_verifier, regrade

    tokenizer = shipped()
    says: Callable[[Request], str] = lambda request: f"{request.purpose.problem.answer}"  # noqa: E731
    bench.given = {"main": Scripted(tokenizer, Template(tokenizer, TEMPLATE), says)}
    with run(bench, {"sweep.over.m": "[0]"}, "paper") as found:
        path = found.path
    asyncio.run(regrade(path, read_verifier(path, "{text: exact}", {}), bench.watcher))
    with Run(path) as found:
        assert {s.correct for s in scores(found, "text exact")} <= {12}
        assert [s.correct for verifier in found.verifiers for s in scores(found, verifier)] == [12, 12]


def test_without_a_baseline_there_is_no_such_cell(bench: Any) -> None:
    bench.given = {"main": model(ALWAYS)}
    with run(bench, {"let.baseline": "false"}) as found:
        assert not any("without" in cell for cell in found.cells)
