"""The first part of a recorded thought."""

from typing import Any

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import decoders, models, pre_tokenizers

from relay.errors import SeamError
from relay.seam.pieces import Piece, keep, take
from relay.seam.tokens import Tokenizer

TEXT = "One is here. Two is a longer one. Three.\n\nFour is the last of them, and it ends."
ENDS = ["One is here.", "One is here. Two is a longer one.", "One is here. Two is a longer one. Three.\n\n"]


def taken(tokenizer: Tokenizer, text: str = TEXT, **how: Any) -> str:
    piece = take(text, tokenizer.encode(text), tokenizer, **how)
    assert tokenizer.text_of(piece.ids) == piece.text
    return piece.text


def test_nothing_and_all(each: Tokenizer) -> None:
    ids = tuple(each.encode(TEXT))
    for cut in ("nearest", "before", "after"):
        assert taken(each, share=0, cut=cut) == taken(each, tokens=0, cut=cut) == ""
        assert take(TEXT, ids, each, share=1, cut=cut) == take(TEXT, ids, each, tokens=999, cut=cut) == Piece(TEXT, ids)


@pytest.mark.parametrize(
    ("cut", "expected"),
    [("before", [0, 1, 1, 2, 3, 3]), ("after", [1, 2, 2, 3, 4, 4]), ("nearest", [1, 1, 2, 3, 3, 3])],
)
def test_a_place_among_the_tokens_is_moved_to_the_end_of_a_sentence(
    each: Tokenizer, cut: str, expected: list[int]
) -> None:
    """The places: in the first sentence, early and late in the second, in the third, early and late in the fourth."""
    befores = [
        "One is",
        "One is here. Two",
        "One is here. Two is a longer",
        f"{ENDS[1]} Three",
        f"{ENDS[2]}Four",
        TEXT[:-4],
    ]
    for before, which in zip(befores, expected, strict=True):
        tokens = len(each.encode(before))
        assert taken(each, tokens=tokens, cut=cut) == ["", *ENDS, TEXT][which], before


def test_a_place_at_the_end_of_a_sentence_stays(each: Tokenizer) -> None:
    for cut in ("nearest", "before", "after"):
        for end in ENDS:
            assert taken(each, tokens=len(each.encode(end)), cut=cut) == end


def test_a_share_is_one_of_the_tokens_not_of_the_characters(each: Tokenizer) -> None:
    digits = "1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8."
    text = f"{digits} Therefore the remaining values are greater than the number of minutes. The end"
    share = len(each.encode(digits)) / len(each.encode(text))
    assert share > 0.5 > len(digits) / len(text)
    assert taken(each, text, share=share, cut="before") == digits


def test_shares_that_are_no_binary_fractions_are_counted_right(tokenizer: Tokenizer) -> None:
    """0.29 * 100 is 28.999999999999996, and the sentence is 29 tokens long."""
    text = "x" * 28 + ". " + "y" * 70
    ids = [i for c in text for i in tokenizer.encode(c)]  # an id a character
    assert len(ids) == 100
    assert take(text, ids, tokenizer, share=0.29, cut="before").text == "x" * 28 + "."


def test_sentences_and_paragraphs_are_counted(each: Tokenizer) -> None:
    assert [taken(each, sentences=k) for k in range(5)] == ["", *ENDS, TEXT]
    assert [taken(each, paragraphs=k) for k in range(3)] == ["", ENDS[2], TEXT]


def test_a_thought_of_one_sentence(each: Tokenizer) -> None:
    for cut, expected in (("nearest", ""), ("before", ""), ("after", "All of it, then.")):
        assert taken(each, "All of it, then.", share=0.5, cut=cut) == expected


def test_the_earlier_of_two_that_are_equally_near(tokenizer: Tokenizer) -> None:
    text = "ab. cd. ef"
    ids = [i for c in text for i in tokenizer.encode(c)]  # an id a character
    assert take(text, ids, tokenizer, tokens=5).text == "ab."


def test_ids_that_do_not_spell_the_text_are_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(SeamError, match="do not spell"):
        take("One. Two", tokenizer.encode("One. Two!"), tokenizer, share=0.5)


PARTS = st.sampled_from(
    ["One", " two", ". ", ".", "!", "\n\n", "🎉", "é", "漢字。", " 5", "e.g. ", "\\(", "\\)", "\x00"]
)


@settings(deadline=None, max_examples=200)
@given(
    text=st.lists(PARTS, max_size=30).map("".join),
    share=st.floats(0, 1),
    cut=st.sampled_from(["nearest", "before", "after"]),
)
def test_a_piece_is_a_beginning_and_its_ids_spell_it(each: Tokenizer, text: str, share: float, cut: Any) -> None:
    ids = each.encode(text)
    piece = take(text, ids, each, share=share, cut=cut)
    assert text.startswith(piece.text)
    assert each.bytes_of(piece.ids) == piece.text.encode()
    assert share < 1 or piece.text == text
    if cut == "before":
        assert len(piece.text) <= len(each.text_of(ids[: int(share * len(ids) + 1e-9)]))


@settings(deadline=None, max_examples=200)
@given(text=st.lists(PARTS, max_size=12).map("".join), at=st.integers(0, 60))
def test_what_is_kept_is_the_longest_run_of_own_ids_and_the_rest_anew(each: Tokenizer, text: str, at: int) -> None:
    ids, kept = each.encode(text), text[:at].encode()
    found, dropped = keep(each, ids, kept)
    own = len(ids) - dropped
    assert each.bytes_of(found) == kept
    assert found[:own] == tuple(ids[:own])
    longer = each.bytes_of(ids[: own + 1])
    assert own == len(ids) or not kept.startswith(longer) or not _is_text(longer)


def test_a_run_of_own_ids_never_ends_inside_a_character() -> None:
    """A model may write three bytes of a sign and then an id that holds the fourth and a letter."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    [(signs, _)] = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str("🎉a")
    tokens = [*alphabet, signs[-2:]]
    tok = tokenizers.Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=[(signs[-2], signs[-1])]))
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tok.decoder = decoders.ByteLevel()
    tokenizer = Tokenizer.from_rust(tok)
    ids = [tok.token_to_id(t) for t in (*signs[:3], signs[-2:])]
    assert tokenizer.text_of(ids) == "🎉a"
    assert keep(tokenizer, ids, "🎉".encode()) == (tuple(tokenizer.encode("🎉")), 4)


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
