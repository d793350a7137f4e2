"""How a GPU's memory is shared out: the arithmetic, and the sizes that it starts from."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from relay.engine.shares import LEAST, PASSES, WHOLE, Size, keys_and_values, shares, size_of
from relay.errors import UserError
from relay.zoo import shipped

GIB = 1 << 30
sizes = st.builds(Size, st.integers(GIB // 8, 40 * GIB), st.integers(1 << 10, 1 << 19))


def test_qwen3_8b_beside_1_7b_on_80_gib() -> None:
    large, small = Size(15 * GIB, 144 * 1024), Size(3 * GIB, 112 * 1024)
    found = shares({"large": large, "small": small}, 80 * GIB)
    assert list(found) == ["small", "large"]  # the small one is started first
    rest = WHOLE * 80 - 15 - 3 - 2 * PASSES / GIB  # GiB for keys and values
    assert found["small"] * 80 == pytest.approx(3 + PASSES / GIB + rest * 112 / 256, abs=0.01)
    assert found["large"] * 80 == pytest.approx(15 + PASSES / GIB + rest * 144 / 256, abs=0.01)


@given(st.dictionaries(st.sampled_from("abcd"), sizes, min_size=1), st.integers(16, 192), st.floats(0, 0.5))
def test_the_shares_fit_and_hold_as_many_tokens_of_each(models: dict[str, Size], gib: int, user: float) -> None:
    total = gib * GIB
    needed = sum(s.weights + PASSES + LEAST * s.each_token for s in models.values())
    if needed > (WHOLE - user) * total:
        with pytest.raises(UserError, match="take_turns"):
            shares(models, total, {"other": user})
        return
    found = shares(models, total, {"other": user})
    assert sum(found.values()) + user <= WHOLE + 1e-9
    assert list(found) == sorted(models, key=lambda n: (models[n].weights, n))
    tokens = {n: (found[n] * total - models[n].weights - PASSES) / models[n].each_token for n in models}
    slack = {n: total / 1e4 / models[n].each_token for n in models}  # shares are rounded down
    assert all(tokens[n] >= LEAST - slack[n] - 1 for n in models)
    most = max(tokens.values())
    assert all(tokens[n] + slack[n] >= most - 1 for n in models)


def test_a_vllm_that_takes_each_share_finds_it_free() -> None:
    """As vLLM 0.32 starts: it asks for so much of the whole, and looks whether it is free."""
    models = {"a": Size(15 * GIB, 1 << 17), "b": Size(3 * GIB, 1 << 17), "c": Size(GIB, 1 << 16)}
    total = 80 * GIB
    free = total - GIB  # the screen, a notebook
    for share in shares(models, total).values():
        assert free >= share * total
        free -= int(share * total)


def test_weights_are_counted_at_the_width_they_are_loaded_at(tmp_path: Path) -> None:
    config = {"num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_size": 64}
    (tmp_path / "config.json").write_text(json.dumps(config))
    save_file({"a": np.zeros((10, 10), np.float32), "b": np.zeros(7, np.float16)}, tmp_path / "1.safetensors")
    save_file({"c": np.zeros(50, np.uint8)}, tmp_path / "2.safetensors")
    assert size_of(tmp_path) == Size(107 * 2 + 50, 2 * 3 * 2 * 16 * 2)
    assert size_of(tmp_path, "float32") == Size(107 * 4 + 50, 2 * 3 * 2 * 16 * 4)
    assert size_of(tmp_path, "bfloat16", gpus=2).weights == (107 * 2 + 50) // 2


def test_weights_that_lie_there_twice_count_once(tmp_path: Path) -> None:
    """As Mistral's do: consolidated.safetensors beside what the index names."""
    (tmp_path / "config.json").write_text(
        json.dumps({"num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 64})
    )
    save_file({"a": np.zeros(100, np.float16)}, tmp_path / "consolidated.safetensors")
    save_file({"a": np.zeros(100, np.float16)}, tmp_path / "model.safetensors")
    assert size_of(tmp_path).weights == 200
    (tmp_path / "model.safetensors").rename(tmp_path / "model-00001-of-00001.safetensors")
    index = {"weight_map": {"a": "model-00001-of-00001.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    assert size_of(tmp_path).weights == 200


def test_the_models_that_ship_have_sizes() -> None:
    for folder in shipped().values():
        size = size_of(folder)
        assert 0 < size.weights < 1 << 28
        assert size.each_token > 0


def test_what_config_json_does_not_say_is_an_error() -> None:
    with pytest.raises(ValueError, match="num_attention_heads"):
        keys_and_values({"num_hidden_layers": 3}, 2)
    nested = {"text_config": {"num_hidden_layers": 2, "num_attention_heads": 2, "head_dim": 8}, "hidden_size": 99}
    assert keys_and_values(nested, 2) == 2 * 2 * 2 * 8 * 2
