"""What the trace screen makes of a rollout's hops: each pen's way, what was cut away, where two thoughts part."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.store.following import Following
from relay.store.reader import Run
from relay.tui.colours import Authors
from relay.tui.monitor.story import Block, edges_taken, kept, parting, pens, story
from relay.tui.monitor.two_screen import told_of


def block(text: str, ids: Sequence[int], author: str = "a", tokenizer: str = "t") -> Block:
    return Block(author, "0", text, (), "#000000", "|", tuple(ids), tokenizer)


@pytest.mark.parametrize("name", ["helped", "branches"])
def test_a_pen_s_way_without_what_was_cut_is_the_thought_that_the_loop_had(name: str, made: Path) -> None:
    with Run(made / f"{name}.relay") as run:
        for listed in run.rollouts():
            hops, walk = run.hops(listed.id), run.walk(listed.id)
            for pen in pens(hops):
                thought = tuple(hop.segment for hop in kept(hops, pen))
                assert thought == walk.pens[pen].trajectory.segments, (listed.id, pen)


def test_the_pens_are_those_of_the_walk_and_every_hop_takes_an_edge(branches: Path) -> None:
    with Run(branches) as run:
        for listed in run.rollouts():
            hops = run.hops(listed.id)
            assert set(pens(hops)) == set(run.walk(listed.id).pens)
            assert edges_taken(hops).total() == len(hops)


def test_a_story_folds_judgements_and_dropped_drafts_and_nothing_else(helped: Path) -> None:
    with Run(helped) as run:
        blocks = story(run.hops(2), "0", Authors(), {})
    folded = [b.folded for b in blocks if b.folded]
    assert folded[0] == "draft of helper, 17 tok, dropped"
    assert all(b.author in ("help", "check") for b in blocks if b.folded)
    assert sum(f.startswith("judgement of judge") for f in folded) == sum(b.author == "check" for b in blocks)


def test_what_a_watcher_took_back_stands_behind_what_is_kept(made: Path) -> None:
    with Run(made / "watched.relay") as run:
        blocks = story(run.hops(0), "0", Authors(), {})
    assert [block.text or block.folded for block in blocks] == [
        "First the tens.", " It is bad. A", "(guard: trips: segment contains 'bad' · → warn)", "No. ",
        "So</think>The answer is 15.",
    ]  # fmt: skip


@given(st.lists(st.integers(0, 3), max_size=12), st.lists(st.integers(0, 3), max_size=12))
def test_two_thoughts_part_at_their_first_different_token(one: list[int], two: list[int]) -> None:
    a, b = (["".join("wxyz"[i] for i in ids)] for ids in (one, two))
    found = parting([block(a[0], one)], [block(b[0], two)])
    same = next((i for i, (x, y) in enumerate(zip(one, two, strict=False)) if x != y), min(len(one), len(two)))
    if one == two:
        assert found is None
    else:
        assert found is not None
        assert found.token == (same if one and two else 0)


def test_other_tokenizers_part_at_a_character_and_no_token_is_claimed() -> None:
    found = parting([block("the sum", [1, 2])], [block("the rest", [1, 2], tokenizer="u")])
    assert found is not None
    assert (found.token, found.chars) == (-1, (4, 4))


def test_a_thought_that_goes_on_parts_where_the_other_ends() -> None:
    first = block("We add.", [1, 2, 3])
    found = parting([first], [first, block("More.", [4])])
    assert found is not None
    assert (found.token, found.blocks) == (3, (-1, 1))
    assert told_of(found._replace(token=1), []) == "the same for 1 token: then one ends"


def test_no_look_scans_the_rollouts_or_the_hops(helped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, tuple[object, ...]]] = []
    query = Run.query

    def noting(self: Run, sql: str, *values: object, **named: object) -> list[object]:
        asked.append((sql, values))
        return query(self, sql, *values, **named)

    monkeypatch.setattr(Run, "query", noting)
    following = Following(helped)
    following.look()
    del asked[:]
    following.look()
    monkeypatch.undo()
    assert len(asked) > 5
    with Run(helped) as run:
        for sql, values in asked:
            if sql.lstrip().upper().startswith("SELECT"):
                plan = [row[3] for row in run.query(f"EXPLAIN QUERY PLAN {sql}", *values)]
                scans = [
                    line
                    for line in plan
                    if line.split()[:2] in (["SCAN", "r"], ["SCAN", "rollout"], ["SCAN", "step"], ["SCAN", "v"])
                ]
                assert scans == [], (sql, plan)
