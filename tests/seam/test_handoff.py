"""What the next writer reads."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.errors import SeamError
from relay.seam.handoff import Prompt, Reader
from relay.seam.templates import Head
from relay.seam.tokens import Tokenizer
from relay.trajectory import Segment, Trajectory

HEAD = Head((1, 2, 3), "head", "none")


def segment(tokenizer: Tokenizer, text: str, ids: list[int] | None = None, closed: int = -1) -> Segment:
    own = tuple(tokenizer.encode(text) if ids is None else ids)
    return Segment("writer", "model", text, own, tokenizer.fingerprint, "tokens", closed=closed)


def of(*segments: Segment) -> Trajectory:
    trajectory = Trajectory()
    for one in segments:
        trajectory = trajectory.add(one)
    return trajectory


def naive(tokenizer: Tokenizer, trajectory: Trajectory) -> Prompt:
    """The rule, written down."""
    ids, recoded = list(HEAD.ids), 0
    for one in trajectory.segments:
        if one.tokenizer == tokenizer.fingerprint:
            ids += one.ids
        else:
            ids += tokenizer.encode(one.text)
            recoded += len(tokenizer.encode(one.text))
    return Prompt(ids, recoded)


def test_own_ids_pass_unchanged_however_they_spell_the_text(tokenizer: Tokenizer) -> None:
    """A model may write "the" letter by letter; nobody spells it better behind its back."""
    letters = [i for c in "the sum" for i in tokenizer.encode(c)]
    assert letters != tokenizer.encode("the sum")
    prompt = Reader(tokenizer, HEAD).prompt(of(segment(tokenizer, "the sum", letters)))
    assert prompt == Prompt([1, 2, 3, *letters], 0)


def test_another_with_an_equal_tokenizer_reads_the_same_ids(tokenizer: Tokenizer, smollm2: Tokenizer) -> None:
    twin = object.__new__(Tokenizer)
    twin.__dict__ |= tokenizer.__dict__
    one = segment(tokenizer, "the sum")
    assert Reader(twin, HEAD).prompt(of(one)).recoded == 0
    assert Reader(smollm2, HEAD).prompt(of(one)) == Prompt([1, 2, 3, *smollm2.encode("the sum")], 2)


def test_foreign_segments_are_never_merged(tokenizer: Tokenizer, smollm2: Tokenizer) -> None:
    halves = of(segment(tokenizer, "won"), segment(tokenizer, "derful"))
    assert Reader(smollm2, HEAD).prompt(halves).ids[3:] == smollm2.encode("won") + smollm2.encode("derful")
    assert smollm2.encode("wonderful") != smollm2.encode("won") + smollm2.encode("derful")


def test_a_text_without_a_tokenizer_is_foreign_to_all(tokenizer: Tokenizer) -> None:
    steer = Segment("steer", "human", "Wait.", (), "", "text")
    assert Reader(tokenizer, HEAD).prompt(of(steer)) == Prompt([1, 2, 3, *tokenizer.encode("Wait.")], 2)


def test_a_closed_thinking_is_closed_for_the_reader_too(tokenizer: Tokenizer, smollm2: Tokenizer) -> None:
    """Where the reader has an id for it; a tag that a text merely mentions stays text."""
    assert tokenizer.think is not None
    text = "So </think> it is.\n</think>5"
    told = segment(smollm2, text, closed=text.index("5"))
    ids = Reader(tokenizer, HEAD).prompt(of(told)).ids[3:]
    assert ids == [*tokenizer.encode("So </think> it is.\n"), tokenizer.think.close, *tokenizer.encode("5")]
    assert Reader(smollm2, HEAD).prompt(of(segment(tokenizer, text, closed=told.closed))).ids[3:] == smollm2.encode(
        text
    )
    mentioned = Reader(tokenizer, HEAD).prompt(of(segment(smollm2, text))).ids
    assert tokenizer.think.close not in mentioned


def test_each_prompt_is_the_callers_own(tokenizer: Tokenizer) -> None:
    reader = Reader(tokenizer, HEAD)
    first = reader.prompt(of())
    first.ids.append(99)
    assert reader.prompt(of()).ids == [1, 2, 3]


def test_a_foreign_segment_is_encoded_once(
    tokenizer: Tokenizer, smollm2: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    encode = Tokenizer.encode

    def counted(self: Tokenizer, text: str) -> list[int]:
        calls.append(text)
        return encode(self, text)

    one, two, three = (segment(tokenizer, text) for text in ("One.", " Two.", " Three."))
    monkeypatch.setattr(Tokenizer, "encode", counted)
    reader = Reader(smollm2, HEAD)
    trunk = of(one)
    reader.prompt(trunk)
    longer = trunk.add(two)
    reader.prompt(longer)
    reader.prompt(trunk)  # taken back
    other = trunk.add(three)
    reader.prompt(other)
    reader.prompt(other.add(one))
    assert calls == ["One.", " Two.", " Three.", "One."]


def test_an_end_of_turn_is_in_no_prompt(tokenizer: Tokenizer) -> None:
    [end] = tokenizer.eos
    with pytest.raises(SeamError, match="ends the reader's turn"):
        Reader(tokenizer, HEAD).prompt(of(segment(tokenizer, "So<|end|>", [*tokenizer.encode("So"), end])))


def test_ids_that_do_not_spell_their_text_are_refused(tokenizer: Tokenizer) -> None:
    reader = Reader(tokenizer, HEAD)
    wrong = of(segment(tokenizer, "five", tokenizer.encode("six")))
    for _ in range(2):
        with pytest.raises(SeamError, match="do not spell its text: 'five'"):
            reader.prompt(wrong)
    right = of(segment(tokenizer, "five"))
    assert reader.prompt(right) == naive(tokenizer, right)


WORDS = st.sampled_from(["So", " 12", "\n\n", "</think>", "<|end|>", "🎉", " wonderful", "漢字。", " ", "e\u0301"])
STEP = st.tuples(st.booleans(), st.lists(WORDS, max_size=4).map("".join), st.integers(0, 3))


@settings(deadline=None, max_examples=150)
@given(steps=st.lists(STEP, max_size=12))
def test_a_view_is_the_naive_one_along_any_path(
    each: Tokenizer, tokenizer: Tokenizer, smollm2: Tokenizer, steps: list[Any]
) -> None:
    """Whatever was written by whom and taken back, and whatever the reader saw before."""
    reader, here = Reader(each, HEAD), Trajectory()
    for foreign, text, back in steps:
        for _ in range(back):
            here = here.parent or here
        here = here.add(segment(smollm2 if foreign else tokenizer, text))
        if back != 2:
            assert reader.prompt(here) == naive(each, here) == Reader(each, HEAD).prompt(here)
