"""Text to ids and back."""

from pathlib import Path

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, processors

from relay.engine.scripted import SHIPPED
from relay.errors import SeamError, UserError
from relay.seam.tokens import Tokenizer
from tests.seam.vocabularies import byte_level, metaspace

# SmolLM2 has no token for the bytes of six control characters and of all beyond U+3FFFF.
LACKS = "\x04\x06\x13\x14\x16\x1d"
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters=LACKS, max_codepoint=0x3FFFF)
PIECES = st.sampled_from(
    [
        *("The sum is", " 12", "\n\n", "  ", "\t", "\x00", "\u00a0", "</think>", "<|end|>", "<|im_end|>"),
        *("e\u0301", "👩‍👩‍👧", "漢字。", "ﬁ", "Å"),
    ]
)
TEXT = st.lists(st.text(CHARACTERS, max_size=8) | PIECES, max_size=12).map("".join)


def rust(path: Path = SHIPPED) -> tokenizers.Tokenizer:
    return tokenizers.Tokenizer.from_file(str(path))


def like_llama() -> tokenizers.Tokenizer:
    """A vocabulary of the other kind: `▁` for a space, `<0x0A>` for a byte, a space put before every text."""
    words = ["<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256)), "▁", "a", "b", "▁a", "▁ab", "ab", "."]
    merges = [("▁", "a"), ("a", "b"), ("▁a", "b")]
    tok = tokenizers.Tokenizer(
        models.BPE(vocab={w: i for i, w in enumerate(words)}, merges=merges, unk_token="<unk>", byte_fallback=True)
    )
    tok.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tok.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tok.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    tok.add_special_tokens(["<s>", "</s>"])
    return tok


@settings(deadline=None, max_examples=150)
@given(text=TEXT)
def test_a_text_comes_back_from_its_ids(each: Tokenizer, text: str) -> None:
    ids = each.encode(text)
    assert each.text_of(ids) == text
    assert each.bytes_of(ids) == text.encode()
    assert each.lossy == 0
    assert not set(each.special.values()) & set(ids)  # a tag in a text is text


@settings(deadline=None, max_examples=100)
@given(text=TEXT)
def test_a_vocabulary_with_byte_fallback_gives_texts_back_too(text: str) -> None:
    text = text.replace("▁", "")  # which such a vocabulary cannot tell from a space
    assert LLAMA.text_of(LLAMA.encode(text)) == text


LLAMA = Tokenizer.from_rust(like_llama(), ["</s>"])


def test_no_space_is_put_before_a_text_that_stands_in_mid_text() -> None:
    assert LLAMA.bytes_of(LLAMA.encode("ab a")) == b"ab a"
    assert LLAMA.bytes_of(LLAMA.encode_template("ab a")) == b" ab a"  # as the model's own template has it


@pytest.mark.parametrize(
    "splitter", [pre_tokenizers.Metaspace(prepend_scheme="always"), pre_tokenizers.ByteLevel(add_prefix_space=True)]
)
def test_nor_by_a_tokenizer_that_splits_with_one(splitter: pre_tokenizers.PreTokenizer) -> None:
    words = ["<unk>", *sorted(pre_tokenizers.ByteLevel.alphabet()), "▁"]
    tok = tokenizers.Tokenizer(models.BPE(vocab={w: i for i, w in enumerate(words)}, merges=[], unk_token="<unk>"))
    tok.pre_tokenizer = splitter
    assert len(tok.encode("ab").ids) == 3
    tokenizer = Tokenizer.from_rust(tok)
    for text in ("ab", " ab", "ab a"):
        assert tokenizer.text_of(tokenizer.encode(text)) == text
    assert tokenizer.lossy == 0


def test_what_the_tokenizer_puts_before_a_text_is_known_and_put_there_only_on_request() -> None:
    assert LLAMA.opening == (1,)
    assert LLAMA.encode("ab")[0] != 1
    assert LLAMA.encode_template("ab")[0] != 1


def test_a_tag_is_a_token_in_a_template_only(tokenizer: Tokenizer) -> None:
    assert tokenizer.think is not None
    assert tokenizer.encode_template("<think>") == [tokenizer.think.open]
    assert len(tokenizer.encode("<think>")) > 1


def test_a_tag_that_is_no_special_token_in_the_file_is_a_tag_all_the_same() -> None:
    tok = rust()
    tok.add_tokens([AddedToken("<tool>", special=False, normalized=False)])
    tokenizer = Tokenizer.from_rust(tok)
    assert tokenizer.encode_template("<tool>") == [tokenizer.special["<tool>"]]
    assert tokenizer.special["<tool>"] not in tokenizer.encode("a <tool> b")


def test_added_tokens_of_white_space_are_text() -> None:
    tok = rust()
    tok.add_tokens([AddedToken("        ", normalized=False)])
    tokenizer = Tokenizer.from_rust(tok)
    assert "        " not in tokenizer.special
    assert tokenizer.text_of(tokenizer.encode("x        y")) == "x        y"
    assert tok.token_to_id("        ") in tokenizer.encode("x        y")


def test_a_run_of_spaces_that_is_an_added_token_stands_for_spaces() -> None:
    """As in Gemma, where a model writes the indent of a line as one id."""
    tokenizer = metaspace(["</s>"], ["</s>"])
    [run] = tokenizer.encode("  ")
    assert run == tokenizer.added["▁▁"]
    assert tokenizer.bytes_of([run]) == b"  "
    assert tokenizer.text_of(tokenizer.encode("a\n  b   c")) == "a\n  b   c"
    assert tokenizer.lossy == 0


def test_a_text_is_encoded_as_it_is_in_mid_text(smollm2: Tokenizer) -> None:
    """Where a segment may end, the ids are those that the text has with more text behind it."""
    for text in ("So x = 5.\n\n", "That is it.", "one\n", "(yes)."):
        ids = smollm2.encode(text)
        assert smollm2.encode(text + "a")[: len(ids)] == ids


def test_characters_are_not_rewritten_by_a_normalizer() -> None:
    tok = rust()
    tok.normalizer = normalizers.NFC()
    tokenizer = Tokenizer.from_rust(tok)
    assert tokenizer.text_of(tokenizer.encode("e\u0301")) == "e\u0301"


def test_a_vocabulary_that_cannot_spell_a_text_is_counted() -> None:
    tok = tokenizers.Tokenizer(models.WordLevel({"[UNK]": 0, "one": 1, "two": 2}, unk_token="[UNK]"))
    tok.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = Tokenizer.from_rust(tok)
    assert tokenizer.bytes_of(tokenizer.encode("one")) == b"one"
    assert tokenizer.lossy == 0
    tokenizer.encode("one two")  # the space between them is nowhere
    assert tokenizer.lossy == 1


def test_of_a_text_with_a_character_that_a_vocabulary_lacks_the_rest_is_kept(smollm2: Tokenizer) -> None:
    before = smollm2.lossy
    assert smollm2.text_of(smollm2.encode("a\U00040000b")) == "ab"
    assert smollm2.lossy == before + 1
    smollm2.lossy = before


def test_the_fingerprint_is_that_of_the_ids() -> None:
    tok = rust()
    plain = Tokenizer.from_rust(tok).fingerprint
    assert len(plain) == 16
    tok.enable_truncation(3)
    tok.enable_padding()
    tok.pre_tokenizer = pre_tokenizers.ByteLevel()
    assert Tokenizer.from_rust(tok).fingerprint == plain
    tok.add_special_tokens(["<new>"])
    assert Tokenizer.from_rust(tok).fingerprint != plain


def test_the_tokenizer_given_stays_as_it_is() -> None:
    tok = rust()
    before = tok.to_str()
    Tokenizer.from_rust(tok).encode("x")
    assert tok.to_str() == before


def test_an_unfinished_character_at_the_end_is_not_text_and_one_inside_is_an_error(each: Tokenizer) -> None:
    ids = each.encode("a🎉")
    assert len(ids) > 2
    assert each.text_of(ids[:-1]) == "a"
    with pytest.raises(SeamError, match="no text"):
        each.text_of([*ids[:-1], *each.encode("b")])


def test_the_bytes_are_those_that_the_library_decodes(smollm2: Tokenizer, smollm2_json: Path) -> None:
    tok = rust(smollm2_json)
    for text in ("So 17 + 25 = 42.\n\nWait, naïve “quotes” — ok?", "def f(x):\n    return x**2\n", "数学 \\(x^2\\)"):
        ids = tok.encode(text).ids
        assert smollm2.bytes_of(ids).decode() == tok.decode(ids, skip_special_tokens=False) == text
    everything = range(tok.get_vocab_size())
    assert all(
        smollm2.bytes_of([i]).decode(errors="replace") == tok.decode([i], skip_special_tokens=False) for i in everything
    )


def test_ids_are_looked_up_by_the_bytes_they_hold(tokenizer: Tokenizer) -> None:
    found = tokenizer.holding(b"=")
    assert set(tokenizer.encode("x=")) & found
    assert tokenizer.eos <= found
    assert tokenizer.holding(b"") == tokenizer.eos


def test_an_id_beyond_the_vocabulary_is_an_error(tokenizer: Tokenizer) -> None:
    with pytest.raises(SeamError, match="beyond"):
        tokenizer.bytes_of([tokenizer.size])


def test_half_a_character_of_python_is_an_error(tokenizer: Tokenizer) -> None:
    with pytest.raises(SeamError, match="half a character"):
        tokenizer.encode("a\ud800")


def test_what_is_no_tokenizer_and_what_is_no_token_are_told(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match=r"bad\.json: no tokenizer\.json that can be read"):
        Tokenizer.from_file(tmp_path / "bad.json")
    with pytest.raises(UserError, match="'<eos>' is no token of this tokenizer"):
        Tokenizer.from_file(SHIPPED, ["<eos>"])
    with pytest.raises(UserError, match="5000 is no token"):
        Tokenizer.from_file(SHIPPED, [5000])


def test_a_tag_that_is_also_a_letter_is_never_read_out_of_a_text() -> None:
    """Rather less than something else: the tag's id is in no text, and what is lost is counted."""
    tokenizer = byte_level(["a", "<end>"], ["<end>"])
    ids = tokenizer.encode("banana")
    assert tokenizer.special["a"] not in ids
    assert (tokenizer.text_of(ids), tokenizer.lossy) == ("bnn", 1)


def test_a_text_that_speaks_of_a_tag_is_not_spelled_letter_by_letter(tokenizer: Tokenizer) -> None:
    text = "the answer is the sum </think> of the two"
    assert len(tokenizer.encode(text)) <= len(tokenizer.encode(text.replace("</think>", ""))) + len("</think>")
