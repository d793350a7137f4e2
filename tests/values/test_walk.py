"""The walk: folding hops, one pen or many, is pure and does not depend on the order of work."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.folding import advance, fold
from relay.trajectory import Segment, Trajectory, Usage
from relay.walk import ROOT, Hop, StopReason, Walk, begin


def segment(text: str, n: int = 1) -> Segment:
    return Segment("a", "m", text, tuple(range(n)), "t", "tokens")


def test_a_walk_begins_with_pen_0_at_the_start_and_no_hop() -> None:
    walk = begin("a")
    assert [p.path for p in walk.frontier] == [ROOT]
    assert walk.frontier[0].node == "a"
    assert len(walk.frontier[0].trajectory) == 0
    assert walk.stop is None


def test_a_hop_moves_the_pen_and_counts_its_tokens_thrown_ones_too() -> None:
    walk = fold(begin("a"), Hop(ROOT, 0, "a", 1, "b", segment("x", 5), Usage(decoded=5, thrown=2, seconds=0.5)))
    (pen,) = walk.frontier
    assert (pen.node, pen.hops, pen.tokens, pen.seconds, pen.visits) == ("b", 1, 7, 0.5, {"a": 1})
    assert pen.trajectory.text == "x"


def test_a_hop_that_does_not_follow_is_refused() -> None:
    for wrong in (Hop(ROOT, 1, "a", 1, "b"), Hop(ROOT, 0, "b", 1, "b")):
        with pytest.raises(ValueError, match="does not follow"):
            fold(begin("a"), wrong)


def test_a_resting_pen_writes_no_more() -> None:
    walk = fold(begin("a"), Hop(ROOT, 0, "a", 1, "end", rest=StopReason.END))
    assert walk.frontier == ()
    assert walk.stop is StopReason.END
    with pytest.raises(ValueError, match="does not follow"):
        advance(walk.pens[ROOT], Hop(ROOT, 1, "end", 1, "a"))


def test_a_branching_pen_waits_until_its_pens_rest() -> None:
    walk = fold(begin("fork"), Hop(ROOT, 0, "fork", 1, "pick", segment("prefix"), branches=2, starts="a"))
    assert [p.path for p in walk.frontier] == ["0.0", "0.1"]
    assert all(p.trajectory.text == "prefix" and p.node == "a" and p.hops == 1 for p in walk.frontier)
    walk = fold(walk, Hop("0.1", 1, "a", 1, "join", segment("y"), rest=StopReason.JOIN))
    assert [p.path for p in walk.frontier] == ["0.0"]
    walk = fold(walk, Hop("0.0", 1, "a", 1, "join", segment("x"), rest=StopReason.JOIN))
    assert [(p.path, p.node) for p in walk.frontier] == [(ROOT, "pick")]


def test_a_branch_s_pens_count_what_their_parents_visited() -> None:
    walk = fold(begin("fork"), Hop(ROOT, 0, "fork", 1, "end", segment("p", 3), branches=2, starts="fork"))
    assert {p.visits["fork"] for p in walk.frontier} == {1}
    assert {p.tokens for p in walk.frontier} == {3}


def random_tree(draw: random.Random, most: int = 40) -> list[Hop]:
    """The hops of a random rollout with branches, in one possible order of work."""
    walk, hops = begin("a"), []
    for _ in range(most):
        if not walk.frontier:
            break
        pen = draw.choice(walk.frontier)
        branches = 2 if draw.random() < 0.15 and pen.path.count(".") < 2 else 0
        rest = StopReason.END if not branches and draw.random() < 0.15 else None
        hop = Hop(
            pen.path, pen.hops, pen.node, pen.visits.get(pen.node, 0) + 1, draw.choice("ab"),
            segment(draw.choice("xyz"), draw.randint(0, 4)) if draw.random() < 0.8 else None,
            Usage(thrown=draw.randint(0, 2)), rest, branches=branches, starts="b" if branches else "",
        )  # fmt: skip
        walk, hops = fold(walk, hop), [*hops, hop]
    return hops


def fold_all(hops: list[Hop]) -> Walk:
    walk = begin("a")
    for hop in hops:
        walk = fold(walk, hop)
    return walk


@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
def test_the_tree_does_not_depend_on_the_order_in_which_its_pens_worked(seed: int, other: random.Random) -> None:
    hops = random_tree(random.Random(seed))
    todo, walk, order = list(hops), begin("a"), []
    while todo:
        possible = [h for h in todo if (p := walk.pens.get(h.pen)) and p in walk.frontier and p.hops == h.n]
        hop = other.choice(possible)
        todo.remove(hop)
        order.append(hop)
        walk = fold(walk, hop)
    assert walk == fold_all(hops)


@given(st.integers(0, 10**6))
def test_a_branch_shares_its_prefix_with_its_parent(seed: int) -> None:
    walk = fold_all(random_tree(random.Random(seed)))
    for pen in walk.pens.values():
        parent, _, _ = pen.path.rpartition(".")
        if parent:
            texts = [s.text for s in walk.pens[parent].trajectory.segments]
            mine = [s.text for s in pen.trajectory.segments]
            shared = next(
                (i for i, (a, b) in enumerate(zip(texts, mine, strict=False)) if a != b), min(len(texts), len(mine))
            )
            assert mine[:shared] == texts[:shared]


def test_adding_to_a_trajectory_leaves_the_old_one_as_it_was() -> None:
    one = Trajectory().add(segment("a"))
    two, three = one.add(segment("b")), one.add(segment("c"))
    assert (one.text, two.text, three.text) == ("a", "ab", "ac")
    assert two.parent is one is three.parent
    assert len(two) == 2
