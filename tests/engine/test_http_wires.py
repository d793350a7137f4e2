"""What a server may send: whatever it is, a wire reads it or says what is wrong; and what relay sends."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.engine import Sampling
from relay.engine.http.faults import Fault
from relay.engine.http.wire import Call, Piece, Wire
from relay.engine.http.wire.sglang import Sglang
from relay.engine.http.wire.text import Text
from relay.engine.http.wire.vllm import Vllm
from relay.engine.scripted import shipped

TOKENIZER = shipped()
WIRES: list[Wire] = [Vllm("m", TOKENIZER), Sglang(TOKENIZER), Text("m", TOKENIZER)]
KEYS = st.sampled_from(
    [
        "choices", "usage", "token_ids", "text", "finish_reason", "stop_reason", "prompt_tokens", "completion_tokens",
        "prompt_tokens_details", "cached_tokens", "error", "message", "code", "meta_info", "output_ids", "type",
        "matched",
    ]
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers(-2, 10**6) | st.floats() | st.sampled_from(["stop", "length", "x", ""])
TREES = st.recursive(LEAVES, lambda t: st.lists(t, max_size=3) | st.dictionaries(KEYS, t, max_size=5), max_leaves=25)
EVENTS = st.dictionaries(KEYS, TREES, max_size=6)


def call(**more: Any) -> Call:
    return Call([5, 6, 7], 20, Sampling(0.6, 0.9), (1 << 62) + 5, **more)


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
@given(events=st.lists(EVENTS, max_size=4))
def test_whatever_a_server_sends_is_read_or_is_a_fault(wire: Wire, events: list[dict[str, Any]]) -> None:
    reading = wire.reading(call())
    for event in events:
        try:
            piece = reading.read(event)
        except Fault as fault:
            piece = Piece(ended="tokens" if fault.kind and "\n" not in fault.what else "told badly")
        assert all(0 <= i < TOKENIZER.size for i in piece.ids)
        assert piece.ended in ("", "turn", "tokens", "text")


def test_a_banned_tag_is_a_bad_word_of_vllm_and_half_a_character_a_bias() -> None:
    assert TOKENIZER.think is not None
    half = next(i for i in range(TOKENIZER.size) if TOKENIZER.bytes_of([i]) == b"\xe2")
    body = Vllm("m", TOKENIZER).body(call(banned=frozenset({TOKENIZER.think.close, half})))
    assert body["bad_words"] == ["</think>"]
    assert body["logit_bias"] == {str(half): -100.0}
    (spaced,) = TOKENIZER.encode(" we")  # of a bad word vLLM strips the space, and bans it with and without
    assert Vllm("m", TOKENIZER).body(call(banned=frozenset({spaced})))["logit_bias"] == {str(spaced): -100.0}


def test_a_request_to_vllm_says_all_that_its_defaults_would() -> None:
    body = Vllm("m", TOKENIZER, priorities=True).body(call(texts=("=",), often=False, priority=2))
    assert body["max_tokens"] == 20
    assert body["return_token_ids"]
    assert not body["skip_special_tokens"]
    assert body["ignore_eos"]
    assert body["stop_token_ids"] == sorted(TOKENIZER.eos)
    assert (body["stop"], body["include_stop_str_in_output"]) == (["="], True)
    assert (body["temperature"], body["top_p"], body["top_k"]) == (0.6, 0.9, 0)
    assert (body["seed"], body["priority"], body["stream_interval"]) == ((1 << 62) + 5, 2, 16)
    assert "priority" not in Vllm("m", TOKENIZER).body(call(priority=2))


def test_a_request_to_sglang_is_ids_and_a_seed_that_it_can_hold() -> None:
    body = Sglang(TOKENIZER).body(call(banned=frozenset({9})))
    assert body["input_ids"] == [5, 6, 7]
    assert body["sampling_params"]["sampling_seed"] == 5
    assert body["sampling_params"]["logit_bias"] == {"9": -1e9}
    assert "sampling_seed" not in Sglang(TOKENIZER, seeds=False).body(call())["sampling_params"]


def test_a_request_as_text_spells_its_prompt_less_what_the_server_adds() -> None:
    prompt = TOKENIZER.encode_template("<think>\nSo we")
    asked = call()._replace(prompt=prompt)
    assert Text("m", TOKENIZER).body(asked)["prompt"] == "<think>\nSo we"
    assert Text("m", TOKENIZER, adds="<think>").body(asked)["prompt"] == "\nSo we"
    assert Text("m", TOKENIZER, context=len(prompt) + 4).body(asked)["max_tokens"] == 4
    assert "skip_special_tokens" not in Text("m", TOKENIZER, tags=False).body(asked)


def test_sglang_may_send_all_ids_or_the_new_ones() -> None:
    def event(ids: list[int], count: int) -> dict[str, Any]:
        return {"output_ids": ids, "meta_info": {"completion_tokens": count, "prompt_tokens": 3}}

    reading = Sglang(TOKENIZER).reading(call())
    assert [reading.read(event([5, 6], 2)).ids, reading.read(event([5, 6, 7], 3)).ids] == [(5, 6), (7,)]
    assert reading.read(event([8, 9], 5)).ids == (8, 9)
    with pytest.raises(Fault, match="counts 9 tokens of its answer where there are 6"):
        reading.read(event([4], 9))
