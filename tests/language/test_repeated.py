"""The condition `repeated`: beside a slow and plain reading of the same words, and where the two could part."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from relay.language.conditions import AnyCondition
from relay.trajectory import Segment, Trajectory
from relay.walk import Pen

CONDITIONS: TypeAdapter[Any] = TypeAdapter(AnyCondition)
PARTS = ["One is. ", "Two is!\n", "a line\n", "Is one. ", "One is.\n", "Then two is! "]


def pen(*texts: str, ids: tuple[tuple[int, ...], ...] = (), closed: int = -1, tokenizers: str = "tttttttt") -> Pen:
    trajectory = Trajectory()
    for i, text in enumerate(texts):
        own = ids[i] if ids else ()
        trajectory = trajectory.add(Segment("a", "m", text, own, tokenizers[i], "turn", "", closed))
    return Pen("0", "a", trajectory, {})


def holds(amount: dict[str, int], of: Pen, within: str = "segment") -> bool:
    test = CONDITIONS.validate_json(json.dumps({"repeated": amount, "in": within})).test()
    return bool(test(of, lambda: 0.0))


def slowly(parts: list[str], n: int) -> bool:
    """Whether the last n parts stand before them, as a list."""
    said = "".join(parts[-n:]).strip()
    earlier = range(len(parts) - 2 * n + 1)
    return any("".join(parts[i : i + n]).strip() == said for i in earlier)


@given(
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=12), st.integers(1, 3), st.sampled_from(["", "and so", "  "])
)
def test_sentences_are_those_of_a_list(parts: list[str], n: int, tail: str) -> None:
    assert holds({"sentences": n}, pen("".join(parts) + tail)) == slowly(parts, n)


@given(
    st.lists(st.sampled_from(["One.\n\n", "Two. And\nthree.\n\n", "One. Two.\n\n"]), min_size=1, max_size=9),
    st.integers(1, 3),
)
def test_paragraphs_are_those_of_a_list(parts: list[str], n: int) -> None:
    assert holds({"paragraphs": n}, pen("".join(parts))) == slowly(parts, n)


@given(st.lists(st.integers(0, 300), max_size=20), st.integers(1, 4), st.integers(0, 20))
def test_tokens_are_those_of_a_list_wherever_segments_end(ids: list[int], n: int, at: int) -> None:
    small = [i % 3 * 257 for i in ids]  # ids whose bytes could be found across a border
    windows = [small[i : i + n] for i in range(len(small) - 2 * n + 1)]
    both = pen("x", "y", ids=(tuple(small[:at]), tuple(small[at:])))
    assert holds({"tokens": n}, both, "thought") == (small[-n:] in windows if len(small) >= 2 * n else False)


def test_the_last_segment_is_read_and_more_when_it_is_said() -> None:
    two = pen("It is 5.", " No.", " It is 5.")
    assert not holds({"sentences": 1}, two)
    assert holds({"sentences": 1}, two, "thought")
    assert holds({"sentences": 1}, two, "trajectory")
    assert not holds({"sentences": 2}, two, "thought")


def test_a_part_of_a_sentence_is_none() -> None:
    assert not holds({"sentences": 1}, pen("So it is 5. it is 5."))
    assert not holds({"sentences": 1}, pen("It is 5.25 here. It is 5."))
    assert not holds({"sentences": 1}, pen("x = 5 + 3\nx = 5\n"))
    assert holds({"sentences": 1}, pen("x = 5\ny = 3\nx = 5\n"))


def test_what_has_not_ended_counts_for_nothing() -> None:
    assert not holds({"sentences": 1}, pen("Wait. Wait"))
    assert holds({"sentences": 1}, pen("Wait. Wait. Wa"))
    assert not holds({"paragraphs": 1}, pen("One.\n\nOne."))
    assert not holds({"sentences": 3}, pen(""))
    assert not holds({"sentences": 1}, pen())


def test_the_answer_is_not_in_the_thought() -> None:
    done = pen("It is 5. So.\n</think>It is 5.", closed=20)
    assert not holds({"sentences": 1}, done, "thought")


def test_tokens_of_another_tokenizer_are_never_the_same() -> None:
    assert holds({"tokens": 2}, pen("x", "x", ids=((1, 2), (1, 2))), "thought")
    assert not holds({"tokens": 2}, pen("x", "x", ids=((1, 2), (1, 2)), tokenizers="tu"), "thought")


def seconds(count: int) -> float:
    """Of the processor, the least of five looks at a thought of so many sentences."""
    sentences = [f"Step {i} gives {i * i}. " for i in range(count)]
    long = pen("".join(sentences), sentences[7])
    assert holds({"sentences": 1}, long, "thought")
    taken = []
    for _ in range(5):
        begun = time.process_time()
        holds({"sentences": 2}, long, "thought")
        taken.append(time.process_time() - begun)
    return min(taken)


def test_ten_times_as_long_a_thought_takes_no_more_than_in_proportion() -> None:
    assert seconds(4000) < 25 * seconds(400)


def test_it_says_in_words_what_it_asks() -> None:
    condition = CONDITIONS.validate_json('{"repeated": {"sentences": 2}, "in": "thought"}')
    assert str(condition) == "the last 2 sentences of the thought repeated"


@pytest.mark.parametrize("amount", [{"share": 0.5}, {"sentences": 0}, 0.3])
def test_other_amounts_are_mistakes(amount: Any) -> None:
    with pytest.raises(ValueError, match=r"repeated|sentences|<"):
        CONDITIONS.validate_json(json.dumps({"repeated": amount}))
