"""A watched segment: the same places and trip in whatever pieces its ids come, and nothing kept beyond them."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.engine.scripted import shipped
from relay.seam.cuts import Settled
from relay.seam.watched import START, TRIPPED, Grid, Place, WatchedCut
from relay.sentences import ends, paragraphs

TOKENIZER = shipped()
GRIDS = [Grid("sentences", 1), Grid("sentences", 2), Grid("paragraphs", 1), Grid("tokens", 5)]
WORDS = st.lists(
    st.sampled_from(
        ["One. ", "Two is bad. ", "é 漢字。", "e.g. this\n\n", "🎉 ", "$x=5.$ Then ", "x", "bad", "\n", "  ", "So! "]
    ),
    max_size=14,
).map("".join)


class Seen(NamedTuple):
    """What came of it."""

    places: list[list[Place]]
    tripped: tuple[int, Place, str] | None
    settled: Settled


def watched(ids: Sequence[int], sizes: Sequence[int], bad: str = "bad", until: int | None = None) -> Seen:
    """These ids in pieces of these sizes, read by one watcher a grid, of whom the last two have a rule."""

    def look(i: int, text: str, own: Sequence[int]) -> str:
        assert text.encode().startswith(TOKENIZER.bytes_of(own)), "whole ids lie within the text"
        return "bad" if i >= 2 and bad and re.search(bad, text) else ""

    cut = WatchedCut(TOKENIZER, grids=GRIDS, look=look, tokens=200, sentences=until)
    at = 0
    for size in [*sizes, *[1] * len(ids)]:
        piece, at = ids[at : at + size], at + size
        if not piece or cut.feed(piece):
            break
    cut.finish()
    return Seen(cut.places, cut.tripped, cut.settle())


@settings(max_examples=150, deadline=None)
@given(text=WORDS, sizes=st.lists(st.integers(1, 9), max_size=20), until=st.sampled_from([None, 1, 3]))
def test_pieces_make_no_difference(text: str, sizes: list[int], until: int | None) -> None:
    ids = TOKENIZER.encode(text)
    one = watched(ids, [], until=until)
    other = watched(ids, sizes, until=until)
    assert (one.places, one.tripped) == (other.places, other.tripped)


@settings(max_examples=150, deadline=None)
@given(text=WORDS)
def test_places_lie_where_sentences_and_paragraphs_end_and_at_the_end_of_all(text: str) -> None:
    places, tripped, settled = watched(TOKENIZER.encode(text), [], bad="")
    assert tripped is None
    whole = len(settled.text.encode())
    for k, found in enumerate((ends(text), paragraphs(text))):
        expected = [at for at in (len(text[:n].encode()) for n in found) if at]
        there = [place.at for place in places[(0, 2)[k]]]
        assert there == [*expected, *([whole] if whole and whole not in expected else [])]
    steps = [place.ids // 5 for place in places[3]][: len(settled.ids) // 5]
    assert steps == list(range(1, len(steps) + 1)), "every fifth token, or where the character ends that it begins"


@settings(max_examples=100, deadline=None)
@given(text=WORDS, n=st.integers(0, 20))
def test_what_is_kept_is_what_stands_before_the_place(text: str, n: int) -> None:
    ids = TOKENIZER.encode(text)
    cut = WatchedCut(TOKENIZER, grids=GRIDS, look=lambda *_: "", tokens=200)
    for i in ids:
        cut.feed((i,))
    cut.finish()
    places = sorted({START, *(place for grid in cut.places for place in grid)})
    place = places[n % len(places)]
    cut.keep(place, TRIPPED)
    settled = cut.settle()
    assert settled.text.encode() == cut.prefix(place)
    assert TOKENIZER.bytes_of(settled.ids) == cut.prefix(place)
    assert settled.stop == TRIPPED
    assert len(settled.ids) - settled.recoded + settled.thrown == len(cut.ids), "each was paid for once"


@pytest.mark.parametrize("end", ["", " and", "<|end|>"])
def test_a_rule_ends_it_at_its_place_and_the_engine_is_told_at_once(end: str) -> None:
    cut = WatchedCut(TOKENIZER, grids=[Grid("tokens", 1)], look=lambda _, text, ids: "no" * ("bad" in text), tokens=99)
    ids = TOKENIZER.encode_template(f"This is bad{end}")
    stopped = next((n for n, i in enumerate(ids, 1) if cut.feed((i,))), None)
    assert stopped is not None
    assert "bad" not in TOKENIZER.text_of(ids[: stopped - 1])
    assert cut.tripped is not None
    assert cut.tripped[1].ids == stopped
