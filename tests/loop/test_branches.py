"""Branches and picks: several pens from one prefix, and the one that is gone on from, as computed by hand."""

import re
from pathlib import Path
from typing import Any

import pytest

from relay.store.forking import path_of, written
from relay.store.reader import Run
from relay.walk import StopReason

VOTE = """
    relay: 1
    models:
      a: {engine: scripted, says: ["We add.", "So </think>\\\\boxed{{answer}}"]}
      b: {engine: scripted, says: ["No.", "I say </think>\\\\boxed{7}"]}
      c: {engine: scripted, says: ["Well.", "Hm, </think>the answer is {answer}.0"]}
    problems: {from: sums, limit: 2}
    graph:
      start: open
      answer: try
      nodes:
        open: {write: a, until: {sentences: 1}}
        fork: {branch: try, over: [b, a, c]}
        try: {write: a}
        best: {pick: vote}
      edges:
        open: fork
        fork: best
        try: [{when: {visits: try, under: 2}, to: try}, join]
        best: end
"""


def hops(path: Path, number: int = 0) -> list[tuple[Any, ...]]:
    with Run(path) as run:
        return [(h.pen, h.n, h.node, h.segment.text if h.segment else None, h.to) for h in run.hops(number)]


def test_pens_start_with_what_was_written_and_one_is_gone_on_from(bench: Any) -> None:
    outcome = bench.run(VOTE)
    found = hops(outcome.path)
    assert found[:2] == [("0", 0, "open", "We add.", "fork"), ("0", 1, "fork", None, "best")]
    assert sorted(found[2:-1]) == [
        ("0.0", 2, "try", "No.", "try"),
        ("0.0", 3, "try", "I say </think>\\boxed{7}", "join"),
        ("0.1", 2, "try", "We add.", "try"),
        ("0.1", 3, "try", "So </think>\\boxed{15}", "join"),
        ("0.2", 2, "try", "Well.", "try"),
        ("0.2", 3, "try", "Hm, </think>the answer is 15.0", "join"),
    ]
    assert found[-1] == ("0", 2, "best", None, "end")
    with Run(outcome.path) as run:
        walk = run.walk(0)
        assert walk.pens["0"].trajectory == walk.pens["0.1"].trajectory, "the first of the two that agree"
        assert walk.pens["0"].trajectory.text == "We add.We add.So </think>\\boxed{15}"
        assert [(r.state, r.outcome, r.found) for r in run.rollouts()] == [
            ("end", "correct", "15"),
            ("end", "correct", "14"),
        ]


@pytest.mark.parametrize("pick", ["vote", "verifier"])
def test_thoughts_without_an_end_are_picked_from_as_they_are_graded(bench: Any, pick: str) -> None:
    text = VOTE.replace("</think>", "").replace("    graph:", "    unfinished: graded\n    graph:")
    with Run(bench.run(text.replace("pick: vote", f"pick: {pick}")).path) as run:
        assert [(r.outcome, r.found) for r in run.rollouts()] == [("correct", "15"), ("correct", "14")]


def test_the_models_are_dealt_out_to_that_node_and_no_other(bench: Any) -> None:
    text = VOTE.replace("best: {pick: vote}", "best: {pick: vote}\n        last: {write: a, until: {tokens: 3}}")
    outcome = bench.run(text.replace("best: end", "best: last\n        last: end"))
    with Run(outcome.path) as run:
        assert {(h.pen, h.segment.model) for h in run.hops(0) if h.node == "try" and h.segment} == {
            ("0.0", "b"),
            ("0.1", "a"),
            ("0.2", "c"),
        }
        assert [h.segment.model for h in run.hops(0) if h.node == "last" and h.segment] == ["a"]


def test_the_prefix_of_all_pens_is_the_ids_that_were_written_before_the_branch(bench: Any) -> None:
    outcome = bench.run(VOTE)
    with Run(outcome.path) as run:
        before = list(run.hops(0)[0].segment.ids)  # type: ignore[union-attr]
        question = run.problem_of(0).question
    first = [r for e in bench.engines.values() for r in e.requests if r.purpose.node == "try" and r.purpose.visit == 1]
    for request in [r for r in first if r.purpose.problem.id == "sum-0000"]:
        model = next(e for e in bench.engines.values() if request in e.requests)
        assert request.prompt == [*model.template.render(question).ids, *before]
    assert len({r.seed for r in first}) == len(first), "every pen draws for itself"


PICKS = [
    ("pick: vote", 3, "0.1"),
    ("pick: verifier", 3, "0.1"),
    ("pick: {best: rate}", 3, "0.2"),
    ("pick: vote", 1, "0.0"),
]


@pytest.mark.parametrize(("pick", "times", "chosen"), PICKS)
def test_who_is_picked(bench: Any, pick: str, times: int, chosen: str) -> None:
    """By vote the first of the largest group; by the verifier the first that is right; by a judge the best rated."""
    text = VOTE.replace("pick: vote", pick).replace("over: [b, a, c]", f"over: [b, a, c], times: {times}")
    text = text.replace("        best:", "        rate: {judge: {rule: {contains: Hm}}}\n        best:", 1)
    text = text.replace("try: [{when: {visits: try, under: 2}, to: try}, join]",
                        "try: [{when: {visits: try, under: 2}, to: try}, rate]\n        rate: join")  # fmt: skip
    outcome = bench.run(text)
    with Run(outcome.path) as run:
        extra = run.hops(0)[-1].extra
        assert extra is not None
        assert extra.chosen == chosen
        assert run.query("SELECT count(*) FROM rollout r JOIN name n ON n.id = r.stop WHERE n.text = 'end'") == [(2,)]


def test_a_pen_that_failed_is_not_picked_and_where_all_did_the_rollout_did(bench: Any) -> None:
    broken = re.sub("b: .*", "b: {engine: scripted, says: {sum-0001: [x]}}", VOTE.replace("limit: 2", "limit: 1"))
    outcome = bench.run(broken)
    with Run(outcome.path) as run:
        walk = run.walk(0)
        assert walk.pens["0.0"].rest == StopReason.FAILED
        assert walk.stop == StopReason.END
        assert walk.pens["0"].trajectory == walk.pens["0.1"].trajectory
    alone = broken.replace("over: [b, a, c]", "over: [b, b]")
    outcome = bench.run(alone, out="alone.relay")
    with Run(outcome.path) as run:
        assert [(r.state, "no text for problem" in r.why) for r in run.rollouts()] == [("failed", True)]
    assert outcome.failed == 1


NESTED = """
    relay: 1
    models: {a: {engine: scripted, says: ["One. Two.", "Three."]}}
    problems: {from: sums, limit: 1}
    verify: none
    graph:
      start: outer
      answer: last
      nodes:
        outer: {branch: inner, times: 2}
        inner: {branch: leaf, times: 3}
        leaf: {write: a, until: {sentences: 1}}
        small: {pick: {best: rate}}
        rate: {judge: {rule: {chance: 0.5}}}
        large: {pick: {best: rate}}
        last: {write: a, until: {sentences: 1}}
      edges:
        outer: large
        inner: small
        leaf: rate
        rate: join
        small: join
        large: last
        last: end
"""


def test_branches_may_branch(bench: Any) -> None:
    outcome = bench.run(NESTED)
    with Run(outcome.path) as run:
        walk = run.walk(0)
        assert sorted(walk.pens) == ["0", "0.0", "0.0.0", "0.0.1", "0.0.2", "0.1", "0.1.0", "0.1.1", "0.1.2"]
        assert {pen.rest for path, pen in walk.pens.items() if path != "0"} == {StopReason.JOIN}
        assert [s.author for s in walk.pens["0"].trajectory.segments] == ["leaf", "last"]
        hops = run.hops(0)
        for pen, there in walk.pens.items():  # along its path, also behind a pick of a pen that picked itself
            wrote = [hop.segment for hop in written(path_of(hops, pen))]
            assert wrote == list(there.trajectory.segments), pen
        assert walk.pens["0"].visits == {
            "outer": 1,
            "inner": 1,
            "leaf": 1,
            "rate": 1,
            "small": 1,
            "large": 1,
            "last": 1,
        }
    again = bench.run(NESTED, out="again.relay")
    with Run(outcome.path) as one, Run(again.path) as other:
        first, second = ([h._replace(usage=h.usage._replace(seconds=0.0)) for h in run.hops(0)] for run in (one, other))
        assert sorted(first)[:3] == sorted(second)[:3]
        assert one.walk(0).pens["0"].trajectory == other.walk(0).pens["0"].trajectory, "chance hangs on the seed alone"


def test_a_second_branch_of_one_pen_has_pens_of_its_own(bench: Any) -> None:
    text = VOTE.replace("best: end", "best: [{when: {visits: best, under: 2}, to: fork}, end]")
    outcome = bench.run(text)
    with Run(outcome.path) as run:
        assert sorted(run.walk(0).pens) == ["0", *(f"0.{i}" for i in range(6))]
        chosen = [h.extra.chosen for h in run.hops(0) if h.extra and h.extra.chosen]
        assert chosen[0] in ("0.0", "0.1", "0.2")
        assert chosen[1] in ("0.3", "0.4", "0.5")


def test_a_budget_is_along_a_pens_own_path(bench: Any) -> None:
    outcome = bench.run(VOTE)
    with Run(outcome.path) as run:
        walk = run.walk(0)
        assert walk.pens["0"].tokens == walk.pens["0.1"].tokens, "it pays for the way that it goes on from"
        all_hops = run.hops(0)
        assert sum(h.usage.decoded + h.usage.thrown for h in all_hops) > walk.pens["0"].tokens, (
            "the rest is in the file"
        )


def test_nobody_starts_where_nothing_is_left_to_spend(bench: Any) -> None:
    outcome = bench.run(f"{VOTE}\n    budget: {{hops: 2}}\n")
    with Run(outcome.path) as run:
        assert sorted(run.walk(0).pens) == ["0"]
        assert {r.state for r in run.rollouts()} == {"budget hops"}
