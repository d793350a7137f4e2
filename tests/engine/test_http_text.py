"""The text format: ids that do not depend on the pieces in which a text came, and that spell it."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.engine.http.wire.text import TextReading
from relay.engine.scripted import shipped
from relay.seam.tokens import Tokenizer

WORDS = st.sampled_from(
    [
        "a",
        "12",
        "</think>",
        "<think>",
        "<|end|>",
        " ",
        "\n\n",
        "\t",
        "naïve",
        "数学",
        "x" * 70,
        "</thi",
        ". ",
        "=",
        "😀",
    ]
)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return shipped()


def read(tokenizer: Tokenizer, pieces: list[str]) -> list[int]:
    reading = TextReading(tokenizer)
    ids: list[int] = []
    for n, piece in enumerate(pieces):
        reason = "stop" if n + 1 == len(pieces) else None
        ids += reading.read({"choices": [{"text": piece, "finish_reason": reason}]}).ids
    return ids


@given(words=st.lists(WORDS, max_size=30), data=st.data())
def test_the_ids_are_the_same_in_whatever_pieces_the_text_comes(words: list[str], data: st.DataObject) -> None:
    tokenizer, text = shipped(), "".join(words)
    places = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)) | {0, len(text)})
    pieces = [text[a:b] for a, b in itertools.pairwise(places)] or [text]
    ids = read(tokenizer, pieces)
    assert ids == read(tokenizer, list(text) or [""])
    assert tokenizer.bytes_of(ids).decode() == text


def test_tags_are_their_ids_and_half_a_tag_is_text(tokenizer: Tokenizer) -> None:
    assert tokenizer.think is not None
    assert read(tokenizer, ["so</th", "ink>\n4"]).count(tokenizer.think.close) == 1
    assert tokenizer.think.close not in read(tokenizer, ["so</th", "in>\n4"])
