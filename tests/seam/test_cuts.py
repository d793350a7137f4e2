"""Where a segment ends and what of it is kept."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.seam.cuts import Cut, Settled
from relay.seam.tokens import Tokenizer
from relay.trajectory import Segment, Trajectory


def fed(cut: Cut, ids: Iterable[int]) -> Settled:
    """Fed one by one, as by an engine, until it says stop."""
    for i in ids:
        if cut.feed((i,)):
            break
    return cut.settle()


def by_bytes(tokenizer: Tokenizer, data: bytes) -> list[int]:
    """One id a byte, as a model may also write."""
    single = {tokenizer.bytes_of([i]): i for i in range(tokenizer.size) if len(tokenizer.bytes_of([i])) == 1}
    return [single[bytes([b])] for b in data]


def said(tokenizer: Tokenizer, text: str, **how: Any) -> Settled:
    """This text, then more than enough of another, cut."""
    return fed(Cut(tokenizer, **{"tokens": 1000, **how}), [*tokenizer.encode(text), *tokenizer.encode("\nOn\n") * 99])


def after(text: str) -> Trajectory:
    return Trajectory().add(Segment("w", "m", text, (), "", "tokens"))


# --- the limit and the end of the turn


def test_a_token_limit_keeps_exactly_that_many_ids(each: Tokenizer) -> None:
    ids = each.encode("So we add the two numbers together and get 42, as before.")
    settled = fed(Cut(each, tokens=7, why_tokens="budget tokens"), ids)
    assert settled == Settled(tuple(ids[:7]), each.text_of(ids[:7]), "budget tokens")


def test_the_end_of_the_turn_ends_the_segment_and_is_not_in_it(each: Tokenizer) -> None:
    ids = each.encode("The answer is 5.")
    settled = fed(Cut(each, tokens=100), [*ids, *each.eos, *ids])
    assert settled == Settled(tuple(ids), "The answer is 5.", "turn", turn_ended=True)


def test_a_turn_that_ends_right_at_the_limit_is_not_known_to_have_ended(each: Tokenizer) -> None:
    ids = each.encode("The answer is 5.")
    assert fed(Cut(each, tokens=len(ids)), [*ids, *each.eos]).stop == "tokens"
    assert fed(Cut(each, tokens=len(ids) + 1), [*ids, *each.eos]).turn_ended


def test_an_empty_turn_is_an_empty_segment(tokenizer: Tokenizer) -> None:
    assert fed(Cut(tokenizer, tokens=5), tokenizer.eos) == Settled((), "", "turn", turn_ended=True)


def test_what_ends_from_outside_is_kept_up_to_there(tokenizer: Tokenizer) -> None:
    cut = Cut(tokenizer, tokens=5)
    ids = tokenizer.encode("Let me")
    cut.feed(ids)
    cut.expire("budget seconds")
    cut.expire("later")
    assert cut.settle() == Settled(tuple(ids), "Let me", "budget seconds")
    assert cut.settle() == cut.settle()


def test_an_engine_that_hides_the_id_may_say_that_the_turn_ended(tokenizer: Tokenizer) -> None:
    cut = Cut(tokenizer, tokens=5)
    cut.feed(tokenizer.encode("Let me"))
    cut.expire("turn")
    settled = cut.settle()
    assert settled.turn_ended
    assert settled.thrown == 0


def test_an_engine_that_ends_by_itself_is_the_reason(tokenizer: Tokenizer) -> None:
    assert fed(Cut(tokenizer, tokens=50), tokenizer.encode("Let me")).stop == "engine"


def test_a_segment_without_room_is_a_mistake_of_the_caller(tokenizer: Tokenizer) -> None:
    with pytest.raises(ValueError, match="0 tokens"):
        Cut(tokenizer, tokens=0)


# --- text


def test_a_text_stop_keeps_the_matched_text(each: Tokenizer) -> None:
    settled = said(each, "17 + 25 = 42", texts=("=",))
    assert (settled.text, settled.stop, settled.matched) == ("17 + 25 =", "text", "=")


def test_a_text_that_ends_inside_a_token_is_encoded_anew(smollm2: Tokenizer) -> None:
    """The token " wonderful" is cut through: its beginning is the rest that no id of the author's spells."""
    [whole] = smollm2.encode(" wonderful")
    settled = fed(Cut(smollm2, tokens=9, texts=(" wonder",)), [*smollm2.encode("A"), whole])
    assert settled.text == "A wonder"
    assert settled.ids == (*smollm2.encode("A"), *smollm2.encode(" wonder"))
    assert (settled.thrown, settled.recoded) == (1, len(smollm2.encode(" wonder")))


def test_a_text_is_found_across_tokens_and_the_earliest_wins(each: Tokenizer) -> None:
    ids = by_bytes(each, b"so we see that it is")
    assert fed(Cut(each, tokens=99, texts=("that", "see t", "it")), ids).matched == "see t"
    assert fed(Cut(each, tokens=99, texts=("see", "we see")), ids).matched == "we see"  # at one place: the longer


def test_a_text_comes_before_the_end_of_a_sentence_and_the_limit_at_the_same_place(each: Tokenizer) -> None:
    ids = each.encode("It is so. Then")
    settled = fed(Cut(each, tokens=len(each.encode("It is so.")), sentences=1, texts=("so.",)), ids)
    assert (settled.stop, settled.text) == ("text", "It is so.")


# --- sentences


@pytest.mark.parametrize(
    ("text", "count", "kept"),
    [
        ("One is 1.5 here. Two. Three.", 1, "One is 1.5 here."),
        ("One is 1.5 here. Two. Three.", 2, "One is 1.5 here. Two."),
        ("One\n\n\nTwo. Three.", 1, "One\n\n\n"),
        ("Is it e.g. this? Yes, it is.", 1, "Is it e.g. this?"),
        ("So \\(x. y\\) holds. Then", 1, "So \\(x. y\\) holds."),
        ("So $x=5.$ Then", 1, "So $x=5.$"),
        ("Hmm... I see. Then", 1, "Hmm..."),
        ("这是。然后", 1, "这是。"),
    ],
)
def test_sentences_are_cut_before_the_space_that_follows(each: Tokenizer, text: str, count: int, kept: str) -> None:
    settled = said(each, text, sentences=count)
    assert (settled.text, settled.stop) == (kept, "sentences")


def test_the_token_that_shows_the_end_of_a_sentence_is_thrown_away(each: Tokenizer) -> None:
    settled = fed(Cut(each, tokens=99, sentences=1), each.encode("It is so. Then we go on."))
    assert settled.text == "It is so."
    assert settled.thrown == 1


def test_a_sentence_is_not_over_before_it_is_seen_to_be(each: Tokenizer) -> None:
    ids = each.encode("It is so.")
    assert fed(Cut(each, tokens=99, sentences=1), [*ids, *each.eos]).stop == "turn"
    assert fed(Cut(each, tokens=len(ids), sentences=1), ids).stop == "tokens"


def test_a_paragraph_is_kept_with_its_newlines(each: Tokenizer) -> None:
    settled = said(each, "One. Two.\nThree.\n\nFour.", paragraphs=1)
    assert (settled.text, settled.stop) == ("One. Two.\nThree.\n\n", "paragraphs")
    assert said(each, "One. Two.\nThree.\n\nFour.", paragraphs=1, sentences=3).stop == "sentences"


def test_what_stands_before_tells_a_sum_from_a_list(each: Tokenizer) -> None:
    assert said(each, " 42. So it is. Yes", sentences=1, after=after("17 + 25 =")).text == " 42."
    assert said(each, "42. So it is. Yes", sentences=1, after=after("A list:\n")).text == "42. So it is."
    assert said(each, " y. z\\) is it. Yes", sentences=1, after=after("So \\(x =")).text == " y. z\\) is it."


# --- closing


def test_who_may_close_the_thinking_says_where_it_did(tokenizer: Tokenizer) -> None:
    assert tokenizer.think is not None
    ids = [*tokenizer.encode("So é.\n"), tokenizer.think.close, *tokenizer.encode("5"), *tokenizer.eos]
    settled = fed(Cut(tokenizer, tokens=99), ids)
    assert settled.text == "So é.\n</think>5"
    assert settled.text[: settled.closed] == "So é.\n</think>"


def test_who_may_not_is_cut_before_it(tokenizer: Tokenizer) -> None:
    assert tokenizer.think is not None
    ids = tokenizer.encode("So.\n")
    settled = fed(Cut(tokenizer, tokens=99, closes=False), [*ids, tokenizer.think.close, *tokenizer.encode("5")])
    assert settled == Settled(tuple(ids), "So.\n", "closed_by_force", thrown=1)


@pytest.mark.parametrize("spelling", ["</think>", "</ Think>", "< / THINK >", "</think\n>"])
def test_nor_may_it_be_spelled(each: Tokenizer, spelling: str) -> None:
    settled = said(each, f"It is 5 > 3, so.{spelling} 5", closes=False)
    assert (settled.text, settled.stop) == ("It is 5 > 3, so.", "closed_by_force")
    assert said(each, f"So.{spelling} 5", closes=True, tokens=9).stop == "tokens"


def test_nor_half_by_one_and_half_by_another(each: Tokenizer) -> None:
    settled = said(each, "ink>5", closes=False, after=after("So.</th"))
    assert (settled.text, settled.stop) == ("", "closed_by_force")
    assert said(each, "ink>5", closes=False, after=after("So. th"), tokens=2).stop == "tokens"
    assert said(each, " 5 > 3", closes=False, after=after("So.</think>"), tokens=4).stop == "tokens"


def test_nor_as_long_as_it_can_be_spelled_letter_by_letter_and_wherever_the_border_is(tokenizer: Tokenizer) -> None:
    spelling = "<        /        think        >"
    for border in range(len(spelling)):
        ids = by_bytes(tokenizer, f"{spelling[border:]} 5".encode())
        settled = fed(Cut(tokenizer, tokens=99, closes=False, after=after(f"So.{spelling[:border]}")), ids)
        assert (settled.text, settled.stop) == ("", "closed_by_force")


# --- characters


def test_an_unfinished_character_is_not_kept(each: Tokenizer) -> None:
    ids = by_bytes(each, "a🎉".encode())
    for limit in (2, 3, 4):
        settled = fed(Cut(each, tokens=limit), ids)
        assert (settled.text, settled.stop, settled.thrown) == ("a", "tokens", limit - 1)
    assert fed(Cut(each, tokens=5), ids).text == "a🎉"


def test_bytes_that_are_no_text_end_the_segment_before_them(each: Tokenizer) -> None:
    ids = [*each.encode("So "), *by_bytes(each, b"\x80"), *each.encode(" it is. Then"), *each.eos]
    for how in ({}, {"sentences": 1}, {"texts": ("is",)}, {"closes": False}):
        settled = fed(Cut(each, tokens=99, **how), ids)
        assert (settled.text, settled.stop, settled.turn_ended) == ("So ", "garbled", False)


def test_the_live_text_shows_what_is_there(each: Tokenizer) -> None:
    cut = Cut(each, tokens=99)
    cut.feed(by_bytes(each, "a🎉".encode())[:3])
    assert cut.text == "a"
    cut.feed(by_bytes(each, "a🎉".encode())[3:])
    cut.feed(tuple(each.eos))
    assert cut.text == "a🎉"


# --- whatever is fed, in whatever pieces


def pieces(ids: Sequence[int], sizes: list[int]) -> Iterable[Sequence[int]]:
    at = 0
    for size in sizes:
        yield ids[at : at + size]
        at += size
    yield ids[at:]


WORDS = [
    "So ",
    "it. ",
    "5! ",
    "... ",
    "\n",
    "\n\n",
    "</think>",
    "</th",
    "ink>",
    " = ",
    "🎉",
    "漢字。",
    "$x. ",
    "$",
    "\\(",
    "\\)",
    "e.g. ",
]
HOW = st.fixed_dictionaries(
    {"tokens": st.integers(1, 60), "closes": st.booleans()},
    optional={
        "sentences": st.integers(1, 3),
        "paragraphs": st.integers(1, 2),
        "texts": st.lists(st.sampled_from(["=", " = ", "t. ", "字", "5!", "ink"]), min_size=1, max_size=3).map(tuple),
    },
)


@st.composite
def drawn_ids(draw: st.DrawFn) -> list[Any]:
    """What a model may write: mostly words, some single bytes, some ids of any kind."""
    return draw(st.lists(st.sampled_from(WORDS) | st.binary(max_size=2) | st.integers(0, 999), max_size=25))


def as_ids(tokenizer: Tokenizer, drawn: list[Any]) -> list[int]:
    ids: list[int] = []
    for part in drawn:
        if isinstance(part, str):
            ids += tokenizer.encode(part)
        elif isinstance(part, bytes):
            ids += [i for i in (BYTES[tokenizer.fingerprint].get(b) for b in part) if i is not None]
        else:
            ids.append(part)
    return ids


BYTES: dict[str, dict[int, int]] = {}


@settings(deadline=None, max_examples=400)
@given(drawn=drawn_ids(), sizes=st.lists(st.integers(1, 9), max_size=20), how=HOW)
def test_the_pieces_do_not_matter(each: Tokenizer, drawn: list[Any], sizes: list[int], how: dict[str, Any]) -> None:
    if each.fingerprint not in BYTES:
        lone = ((i, each.bytes_of([i])) for i in range(each.size))
        BYTES[each.fingerprint] = {data[0]: i for i, data in lone if len(data) == 1}
    ids = as_ids(each, drawn)
    cut = Cut(each, **how)
    for piece in pieces(ids, sizes):
        if cut.feed(piece):
            break
    settled = cut.settle()
    single = Cut(each, **how)
    assert fed(single, ids)._replace(thrown=0) == settled._replace(thrown=0)
    for ended, fed_ids in ((settled, cut.ids), (single.settle(), single.ids)):
        own = len(ended.ids) - ended.recoded
        assert own + ended.thrown + ended.turn_ended == len(fed_ids)
        assert ended.ids[:own] == tuple(fed_ids[:own])
        assert each.bytes_of(ended.ids) == ended.text.encode()
        assert each.eos.isdisjoint(ended.ids)
        assert own <= how["tokens"]
        if not how["closes"]:
            assert "</think>" not in ended.text


@settings(deadline=None, max_examples=200)
@given(
    text=st.lists(st.sampled_from(WORDS), max_size=20).map("".join),
    limit=st.integers(1, 40),
    stop=st.sampled_from(["=", "字", "t. "]),
)
def test_a_text_stop_is_where_a_search_in_the_text_finds_it(each: Tokenizer, text: str, limit: int, stop: str) -> None:
    ids = each.encode(text)
    settled = fed(Cut(each, tokens=limit, texts=(stop,)), [*ids, *each.eos])
    within = each.text_of(ids[:limit])
    if stop in within:
        assert (settled.text, settled.stop) == (within[: within.index(stop) + len(stop)], "text")
    else:
        assert (settled.text, settled.stop) == (within, "turn" if len(ids) < limit else "tokens")


def test_a_cut_says_when_its_ids_must_be_seen(tokenizer: Tokenizer) -> None:
    for how, looks in (
        ({}, "at the end"),
        ({"closes": False}, "at times"),
        ({"texts": ("=",)}, "always"),
        ({"sentences": 1}, "always"),
        ({"paragraphs": 1, "closes": False}, "always"),
    ):
        cut = Cut(tokenizer, tokens=5, **how)  # type: ignore[arg-type]
        assert cut.looks == looks
        assert cut.ends == tokenizer.eos
