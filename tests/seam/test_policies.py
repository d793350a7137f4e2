"""How a reader is given what an author wrote, for every kind of pair."""

import json
from collections.abc import Sequence

import pytest
import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers

from relay.errors import SeamError, UserError
from relay.seam.handoff import Prompt, Reader
from relay.seam.policies import policies, policy
from relay.seam.templates import Head
from relay.seam.tokens import Tokenizer
from relay.trajectory import Segment, Trajectory

HEAD = Head((), "", "none")
# Two trainings of one base model: the same tags at other ids, and tags that only one of them has.
FIRST = ["<end>", "<|user|>", "<think>", "</think>", "<tool>"]
SECOND = ["<over>", "<|im_start|>", "<|im_end|>", "<|user|>", "<end>", "<tool>", "<think>", "</think>"]


def base() -> tokenizers.Tokenizer:
    """Bytes and a few words of several letters."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("s", "o")]
    tokens = [*alphabet, *(a + b for a, b in merges)]
    tok = tokenizers.Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges))
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    return tok


def family(added: Sequence[str], eos: Sequence[str], rust: tokenizers.Tokenizer | None = None) -> Tokenizer:
    tok = rust or base()
    tok.add_special_tokens(list(added))
    return Tokenizer.from_rust(tok, eos)


def words(*known: str) -> Tokenizer:
    """A vocabulary of these words alone."""
    tok = tokenizers.Tokenizer(models.WordLevel({w: i for i, w in enumerate(["?", *known])}, unk_token="?"))
    tok.pre_tokenizer = pre_tokenizers.Split(tokenizers.Regex("[a-z]+|."), "isolated")
    return Tokenizer.from_rust(tok)


@pytest.fixture(scope="module")
def first() -> Tokenizer:
    return family(FIRST, ["<end>"])


@pytest.fixture(scope="module")
def second() -> Tokenizer:
    return family(SECOND, ["<|im_end|>", "<over>"])


def given(author: Tokenizer, reader: Tokenizer, ids: Sequence[int], closed: int = -1) -> Prompt:
    """What the reader is given of this one segment."""
    segment = Segment("w", "m", author.text_of(ids), tuple(ids), author.fingerprint, "tokens", closed=closed)
    return Reader(reader, HEAD, {author.fingerprint: policy(author, reader)}).prompt(Trajectory().add(segment))


def test_the_same_tokenizer_is_given_the_ids(first: Tokenizer) -> None:
    twin = family(FIRST, ["<tool>"])
    assert policy(first, twin).name == "ids"
    letters = [first.encode(c)[0] for c in "the"]
    assert given(first, twin, letters) == Prompt(letters, 0)


def test_of_one_base_vocabulary_the_ids_pass_and_tags_go_by_their_text(first: Tokenizer, second: Tokenizer) -> None:
    assert first.think is not None
    assert second.think is not None
    assert first.think != second.think
    assert second.bytes_of([first.think.close]) != b"</think>"  # the author's number means another thing to the reader
    assert policy(first, second).name == policy(second, first).name == "ids with map"
    letters = [first.encode(c)[0] for c in " the"]  # not as anybody would encode it
    ids = [*letters, first.special["<tool>"], first.think.close, *first.encode("5")]
    there = [*letters, second.special["<tool>"], second.think.close, *second.encode("5")]
    assert given(first, second, ids, closed=len(" the<tool></think>")) == Prompt(there, 0)
    assert given(second, first, there) == Prompt(ids, 0)


def test_a_tag_that_the_reader_lacks_is_spelled(first: Tokenizer, second: Tokenizer) -> None:
    ids = [*second.encode("so"), second.special["<|im_start|>"], *second.encode("the")]
    assert given(second, first, ids) == Prompt([*first.encode("so"), *first.encode("<|im_start|>"), *ids[-1:]], 0)


def test_what_would_end_the_readers_turn_is_spelled(first: Tokenizer, second: Tokenizer) -> None:
    """The second may write "<end>", which ends the turn of the first."""
    found = given(second, first, [second.special["<end>"]])
    assert found.ids == first.encode("<end>")
    assert first.eos.isdisjoint(found.ids)
    assert len(found.ids) > 1


def test_a_reader_without_tags_of_thinking_is_given_the_closing_in_letters(first: Tokenizer) -> None:
    plain = family(["<|im_end|>"], ["<|im_end|>"])
    assert first.think is not None
    assert policy(first, plain).name == "ids with map"
    assert given(first, plain, [first.think.close]).ids == plain.encode("</think>")


def test_a_reader_that_alone_has_tags_of_thinking_is_given_the_text(first: Tokenizer) -> None:
    """The author's closing is many ids, which no map takes together; in the text it is found."""
    plain = family(["<|im_end|>"], ["<|im_end|>"])
    assert first.think is not None
    assert policy(plain, first).name == "text"
    ids = plain.encode("so</think>5")
    there = [*first.encode("so"), first.think.close, *first.encode("5")]
    assert given(plain, first, ids, closed=len("so</think>")) == Prompt(there, len(there))


def test_an_id_that_no_token_of_the_author_has_is_nothing_to_the_reader() -> None:
    gap = json.loads(base().to_str())
    beyond = len(gap["model"]["vocab"])
    gap["model"]["vocab"]["<end>"] = beyond + 1
    gap["added_tokens"] = [{"id": beyond + 1, "content": "<end>", "special": True, "single_word": False} | FLAGS]
    author = Tokenizer.from_rust(tokenizers.Tokenizer.from_str(json.dumps(gap)), ["<end>"])
    reader = family(["<tool>", "<end>"], ["<end>"])
    assert reader.special["<tool>"] == beyond
    assert author.bytes_of([beyond]) == b""
    assert policy(author, reader).name == "ids with map"
    so = author.encode("so")
    assert given(author, reader, [*so, beyond, *so]).ids == [*so, *so]


FLAGS = {"lstrip": False, "rstrip": False, "normalized": False}


def test_another_vocabulary_other_merges_or_another_normalizer_is_given_the_text(first: Tokenizer) -> None:
    spec = json.loads(base().to_str())
    spec["model"]["merges"].reverse()
    merges = tokenizers.Tokenizer.from_str(json.dumps(spec))
    lower = base()
    lower.normalizer = normalizers.Lowercase()
    spec = json.loads(base().to_str())
    spec["model"]["vocab"]["so"] += 1
    shifted = tokenizers.Tokenizer.from_str(json.dumps(spec))
    for rust, why in ((merges, "another base"), (lower, "another normalizer"), (shifted, "another base")):
        other = family(SECOND, ["<over>"], rust)
        found = policy(other, first)
        assert found.name == "text", why
        assert why in found.why
    assert policy(first, family(SECOND, ["<over>"], lower)).name == "unsafe"  # which would read "i" where "I" stands


def test_a_normalizer_that_rewrites_nothing_in_mid_text_makes_no_other_vocabulary(first: Tokenizer) -> None:
    composed = base()
    composed.normalizer = normalizers.Sequence([normalizers.NFC()])
    other = family(SECOND, ["<over>"], composed)
    assert policy(first, other).name == policy(other, first).name == "ids with map"


def test_strangers_are_given_the_text(first: Tokenizer, smollm2: Tokenizer) -> None:
    assert policy(first, smollm2).name == policy(smollm2, first).name == "text"


def test_a_reader_that_cannot_spell_what_the_author_writes_is_refused(first: Tokenizer) -> None:
    few = words(*"abc =+.")
    assert policy(few, first).name == "text"  # the other way there is nothing amiss
    assert policy(few, words(*"abcd =+.")).name == "text"
    with pytest.raises(UserError) as refused:
        policies({"large": first, "tiny": few, "small": few}, [("large", "tiny"), ("tiny", "large"), ("small", "tiny")])
    [told] = refused.value.mistakes
    assert told.where == "models 'large' and 'tiny'"
    assert told.what.startswith("'tiny' cannot read what 'large' writes: another base vocabulary, and the reader's")
    assert "'\\n' '!' '\"' '#' '$' and" in told.what
    assert "'tiny'" in told.instead


def test_ids_that_the_map_makes_another_text_of_are_refused(first: Tokenizer, second: Tokenizer) -> None:
    wrong = policy(first, second)._replace(map={})  # as if the numbers meant the same
    segment = Segment("w", "m", "<tool>", (first.special["<tool>"],), first.fingerprint, "tokens")
    with pytest.raises(SeamError, match="ids"):
        Reader(second, HEAD, {first.fingerprint: wrong}).prompt(Trajectory().add(segment))


def spaced() -> tokenizers.Tokenizer:
    """Signs, and `▁` for a space."""
    tokens = ["<unk>", "▁", *map(chr, range(33, 127)), "\n"]
    tok = tokenizers.Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=[], unk_token="<unk>"))
    tok.normalizer = normalizers.Replace(" ", "▁")
    tok.decoder = decoders.Replace("▁", " ")
    tok.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=False)
    return tok


def test_a_run_of_spaces_that_is_one_id_of_the_author_is_spaces_to_the_reader() -> None:
    author, reader = family(["▁▁", "</s>"], ["</s>"], spaced()), family(["</s>"], ["</s>"], spaced())
    assert policy(author, reader).name == "ids with map"
    assert given(author, reader, [author.added["▁▁"]]) == Prompt(reader.encode("  "), 0)


def test_a_tag_that_the_reader_can_spell_in_no_way_is_read_as_text_and_counted() -> None:
    """`▁` is a space to such a vocabulary: all but that character comes through."""
    author, reader = family(["<a▁b>", "</s>"], ["</s>"], spaced()), family(["</s>"], ["</s>"], spaced())
    assert policy(author, reader).name == "ids with map"
    before = reader.lossy
    found = given(author, reader, [*author.encode("x "), author.special["<a▁b>"]])
    assert reader.text_of(found.ids) == "x <ab>"
    assert found.recoded == len(found.ids)
    assert reader.lossy == before + 1
