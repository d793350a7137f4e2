"""Attention block by block: the rows are all there, padded little, and see what they would see alone."""

from itertools import pairwise
from typing import Any

import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st

from relay.engine.attention import PREFIX, Piece, arranged, attend, blocks_of, cycles, register, together
from relay.engine.batching import Passes
from relay.engine.memory import Layer, Pass
from relay.engine.slots import Slots

LENGTHS = st.lists(st.integers(0, 300), max_size=40)
WORTHS = st.sampled_from((0, 30, 300, 10**9))


def padding(lengths: list[int], worth: int) -> tuple[int, int]:
    """Blocks, and positions that are read for nothing."""
    blocks = list(together(lengths, [1] * len(lengths), worth))
    return len(blocks), sum(max(lengths[b]) * len(lengths[b]) - sum(lengths[b]) for b in blocks)


@given(LENGTHS, WORTHS)
def test_blocks_hold_every_row_once_and_no_more_padding_than_a_call_is_worth(lengths: list[int], worth: int) -> None:
    blocks = list(together(lengths, [1] * len(lengths), worth))
    assert [i for b in blocks for i in range(b.start, b.stop)] == list(range(len(lengths)))
    for b in blocks:
        assert max(lengths[b]) * len(lengths[b]) - sum(lengths[b]) <= worth


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 3)), max_size=20), WORTHS)
def test_rows_of_one_block_have_as_many_new_columns(rows: list[tuple[int, int]], worth: int) -> None:
    columns = [n for _, n in rows]
    for block in together([begin for begin, _ in rows], columns, worth):
        assert len(set(columns[block])) == 1


@given(LENGTHS, WORTHS)
def test_arranged_rows_are_the_same_rows_in_as_few_and_narrow_blocks_as_sorted_ones(
    lengths: list[int], worth: int
) -> None:
    order = arranged(lengths, worth)
    assert sorted(order) == list(range(len(lengths)))
    falling = sorted(lengths, reverse=True)
    for block in together(falling, [1] * len(lengths), worth):
        assert sorted((lengths[i] for i in order[block]), reverse=True) == falling[block]
    assert arranged([lengths[i] for i in order], worth) == list(range(len(lengths))), "what is arranged stays"


@given(st.permutations(range(12)))
def test_circles_of_places_make_the_order(order: list[int]) -> None:
    held, circles = list(range(12)), list(cycles(order))
    for circle in circles:
        first = held[circle[0]]
        for target, source in pairwise(circle):
            held[target] = held[source]
        held[circle[-1]] = first
    assert held == order
    assert sum(map(len, circles)) == sum(a != b for a, b in enumerate(order)), "who stays is not touched"


class Module:
    """What an attention asks of the module it serves."""

    num_key_value_groups, is_causal, training = 2, True, False


PASSES = {
    "one column each, of all lengths": [(3, 1), (9, 1), (0, 1), (0, 1), (7, 1)],
    "one column each, of one length": [(6, 1), (6, 1), (6, 1)],
    "prompts from their beginning": [(0, 4), (0, 4), (0, 7), (0, 1)],
    "prompts behind what is held": [(5, 3), (5, 3), (2, 3), (0, 3), (8, 1)],
}


@pytest.mark.parametrize("name", PASSES)
@pytest.mark.parametrize("own", ["sdpa", "eager"])
@pytest.mark.parametrize("worth", [0, 10, 1000])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_each_column_sees_what_is_before_it_in_its_slot_and_nothing_else(
    name: str, own: str, worth: int, dtype: Any
) -> None:
    """Four heads of queries on two of keys, against the definition; the buffers are full of other numbers."""
    torch.manual_seed(0)
    pieces = [Piece(slot, begin, [0] * n) for slot, (begin, n) in enumerate(PASSES[name], 1)]
    total = sum(len(piece.ids) for piece in pieces)
    shape = (total, 1) if total == len(pieces) else (1, total)
    query, new_keys, new_values = (torch.randn(*shape, heads, 8, dtype=dtype).transpose(1, 2) for heads in (4, 2, 2))
    layer = Layer()
    layer.shape, layer.keys, layer.values = (8, 12), *(torch.randn(8, 2, 12, 8, dtype=dtype) for _ in range(2))
    slots = torch.tensor([piece.slot for piece in pieces for _ in piece.ids])
    places = torch.tensor([piece.begin + k for piece in pieces for k in range(len(piece.ids))])
    layer.here = Pass(slots, places, blocks_of(pieces, places, worth, dtype, always=own == "eager"))
    key, value = layer.update(new_keys, new_values)
    functions = transformers.AttentionInterface()
    module = Module() if own == "sdpa" else eager_module()
    found, _ = attend(functions["sdpa"] if own == "sdpa" else None, module, query, key, value, None, scaling=0.3)
    assert found.shape == (*shape, 4, 8)
    queries, keys, values = query.transpose(1, 2).reshape(total, 4, 8).float(), key.keys.float(), value.values.float()
    for i, (slot, place) in enumerate(zip(slots.tolist(), places.tolist(), strict=True)):
        for head in range(4):
            seen = keys[slot, head // 2, : place + 1] @ queries[i, head] * 0.3
            expected = seen.softmax(0) @ values[slot, head // 2, : place + 1]
            close = 1e-5 if dtype is torch.float32 else 0.03
            assert torch.allclose(found.reshape(total, 4, 8)[i, head].float(), expected, atol=close)


def eager_module() -> Any:
    """A layer beside whose class an eager attention stands."""
    config = transformers.LlamaConfig(
        vocab_size=9, hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=4,
        num_key_value_heads=2, bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    return transformers.LlamaForCausalLM(config).eval().model.layers[0].self_attn


@pytest.mark.parametrize("fails", [False, True])
def test_the_model_s_own_attention_is_back_after_a_pass(fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who reads otherwise from the model, as the scores of given texts are read, meets nothing of ours."""
    config = transformers.LlamaConfig(
        vocab_size=20, hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=4,
        bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    model = transformers.LlamaForCausalLM(config).eval()
    own, during = model.config._attn_implementation, list[str]()

    def forward(self: Passes, *_: Any) -> None:
        during.append(self.config._attn_implementation)
        if fails:
            raise RuntimeError

    monkeypatch.setattr(Passes, "forward", forward)
    slots = Slots(Passes(model, 20), 2)
    try:
        slots.read([(0, [1, 2])])
    except RuntimeError:
        assert fails
    assert (during, model.config._attn_implementation) == ([PREFIX + own], own)
    register()  # a second time does no harm
    assert PREFIX + own in transformers.AttentionInterface()
