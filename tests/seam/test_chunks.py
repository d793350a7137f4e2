"""Chunks: whole sentences that make thirty words, and a share of them taken from a thought."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from relay.seam.chunks import WORDS, ends
from relay.seam.pieces import take
from relay.seam.tokens import Tokenizer
from relay.sentences import ends as sentence_ends

TEN = "One two three four five six seven eight nine ten."  # thrice this is a chunk
FIVE_CHUNKS = " ".join([TEN] * 14)  # the last has twenty words

SENTENCES = st.lists(st.lists(st.sampled_from(["so", "x", "we", "add"]), min_size=1, max_size=50), max_size=20)


def chunks(text: str) -> list[str]:
    cuts = [0, *ends(text)]
    return [text[a:b] for a, b in pairwise(cuts)]


@given(SENTENCES, st.sampled_from([" ", "\n", "\n\n"]), st.sampled_from(["", "\n", "  "]))
def test_chunks_are_whole_sentences_just_as_many_as_it_takes(words: list[list[str]], between: str, after: str) -> None:
    sentences = [f"{' '.join(each).capitalize()}." for each in words]
    text = between.join(sentences) + after
    found = chunks(text)
    assert "".join(found) == (text if words else "")
    inner = {*sentence_ends(text), len(text)}
    assert set(ends(text)) <= inner
    for chunk in found[:-1]:
        assert len(chunk.split()) >= WORDS
        assert len(" ".join(chunk.strip().removesuffix(".").rpartition(".")[0].split()).split()) < WORDS, "one too many"


def test_a_share_of_the_chunks_ends_with_a_chunk(each: Tokenizer) -> None:
    def taken(share: float, cut: str) -> int:
        piece = take(FIVE_CHUNKS, each.encode(FIVE_CHUNKS), each, share=share, unit="chunks", cut=cut)  # type: ignore[arg-type]
        assert each.text_of(piece.ids) == piece.text
        assert FIVE_CHUNKS.startswith(piece.text)
        return round(len(piece.text.split()) / 10)  # sentences

    assert len(chunks(FIVE_CHUNKS)) == 5
    assert [taken(share, "before") for share in (0, 0.1, 0.2, 0.39, 0.4, 0.5, 0.99, 1)] == [0, 0, 3, 3, 6, 6, 12, 14]
    assert [taken(share, "after") for share in (0, 0.1, 0.2, 0.41, 0.6, 0.99, 1)] == [0, 3, 3, 9, 9, 14, 14]
    assert [taken(share, "nearest") for share in (0, 0.1, 0.29, 0.31, 0.5, 0.99, 1)] == [0, 3, 3, 6, 6, 12, 14]


def test_a_thought_of_one_chunk_is_taken_whole_or_not_at_all(each: Tokenizer) -> None:
    def taken(cut: str) -> str:
        return take(TEN, each.encode(TEN), each, share=0.5, unit="chunks", cut=cut).text  # type: ignore[arg-type]

    assert [taken(cut) for cut in ("before", "nearest", "after")] == ["", "", TEN]
    assert ends("") == ends(" \n ") == []
