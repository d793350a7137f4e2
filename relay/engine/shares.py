"""How much of a GPU's memory each of several models is given.

vLLM takes `gpu_memory_utilization` as a share of the whole GPU, for what this engine uses: weights, what passes need,
and the rest for keys and values. It starts only if so much is free at that moment, whoever holds the remainder. So the
shares of all models may come to no more than the whole, and one is started after the other, the smallest first.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from relay.errors import Mistake, UserError

WHOLE = 0.9  # of the memory is shared out; the rest is for what vLLM does not count
PASSES = 2 << 30  # bytes beside weights, keys and values: activations, graphs, the libraries' own
LEAST = 2048  # tokens whose keys and values each model must be able to keep
FLOATS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
WIDTHS = {"float32": 4, "float16": 2, "bfloat16": 2, "auto": 2}


class Size(NamedTuple):
    """What a model needs of each GPU that it lies on, in bytes."""

    weights: int
    each_token: int  # keys and values of one token


def shares(
    models: Mapping[str, Size], total: int, given: Mapping[str, float] | None = None, whole: float = WHOLE
) -> dict[str, float]:
    """The share of the GPU's memory, of `total` bytes, for each of these models, the smallest first.

    Each is given its weights, what passes need, and of what is left a part that holds as many tokens as any other's:
    they all read the same texts. `given` are shares that the user gave to others. Raises UserError where it is too
    little.
    """
    left = whole * total - sum((given or {}).values()) * total
    need = {name: size.weights + PASSES for name, size in models.items()}
    each = sum(size.each_token for size in models.values())
    rest = left - sum(need.values())
    if rest < LEAST * each:
        wanted = (sum(need.values()) + LEAST * each) / (1 << 30)
        what = f"need {wanted:.1f} GiB of the GPU's memory together, and {max(left, 0) / (1 << 30):.1f} GiB are theirs"
        names = ", ".join(repr(name) for name in models)
        raise UserError(Mistake(f"models {names}", what, "a smaller model or `dtype:`, or `placement: take_turns`"))
    order = sorted(models, key=lambda name: (models[name].weights, name))
    tokens = rest / each if each else 0.0
    return {name: _down((need[name] + tokens * models[name].each_token) / total) for name in order}


def _down(share: float) -> float:
    """Rounded so that the sum does not grow."""
    return math.floor(share * 1e4) / 1e4


def size_of(folder: Path, dtype: str = "auto", gpus: int = 1) -> Size:
    """What the model in this folder needs, by the headers of its safetensors files and by its config.json.

    Raises OSError or ValueError where these do not say.
    """
    files = _files(folder)
    if not files:
        raise ValueError(f"{folder} holds no safetensors")
    width = WIDTHS[dtype]
    weights = sum(_bytes(file, width) for file in files)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return Size(weights // gpus, keys_and_values(config, width) // gpus)


def _files(folder: Path) -> list[Path]:
    """Those that hold its weights, each once: some folders hold all of them a second time, in another form."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        return sorted(folder / str(name) for name in names)
    whole = folder / "model.safetensors"
    return [whole] if whole.is_file() else sorted(folder.glob("*.safetensors"))


def keys_and_values(config: Mapping[str, object], width: int) -> int:
    """Bytes that one token takes in the memory of all layers."""
    text = config.get("text_config")
    said = {**config, **(text if isinstance(text, dict) else {})}

    def number(*names: str) -> int:
        found = next((said[name] for name in names if isinstance(said.get(name), int)), None)
        if not isinstance(found, int):
            raise ValueError(f"config.json does not say {names[0]}")
        return found

    heads = number("num_attention_heads", "n_head")
    of_keys = number("num_key_value_heads", "num_attention_heads", "n_head")
    wide = said["head_dim"] if isinstance(said.get("head_dim"), int) else number("hidden_size", "n_embd") // heads
    assert isinstance(wide, int)
    return 2 * number("num_hidden_layers", "n_layer") * of_keys * wide * width


def _bytes(file: Path, width: int) -> int:
    """Of all tensors in a file: plain numbers at the width that vLLM gives them, packed ones as they are."""
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if length > 1 << 27:
            raise ValueError(f"{file} is no safetensors file")
        header = json.loads(opened.read(length))
    total = 0
    for name, tensor in header.items():
        if name != "__metadata__":
            begin, end = tensor["data_offsets"]
            own = FLOATS.get(tensor["dtype"])
            total += (end - begin) * width // own if own else end - begin
    return total
