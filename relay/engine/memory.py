"""The buffers of keys and values, a layer each: slots by positions, in place of the layers of transformers' Cache."""

from collections.abc import Sequence
from typing import Any

from relay.engine.attention import Block

COLUMNS = 64  # positions of the buffers, at first
RESTING = 1 << 30  # bytes that the buffers may take on a CPU before slots that rest are given up; half of a GPU's own


class Pass:
    """Where the keys and values of one pass go, and what it looks at."""

    def __init__(self, slots: Any, places: Any, blocks: Sequence[Block]) -> None:
        """Slots and positions of the new columns, [columns], and the calls of the attention."""
        self.blocks = blocks
        self._slots, self._places = slots, places
        self._lines: dict[tuple[int, int], Any] = {}

    def lines(self, heads: int, positions: int) -> Any:
        """Where they go in buffers seen as lines of one head at one position, [columns, heads]."""
        import torch

        shape = heads, positions
        if shape not in self._lines:  # all layers have one shape, as a rule
            head = torch.arange(heads, device=self._slots.device)
            self._lines[shape] = (self._slots[:, None] * heads + head) * positions + self._places[:, None]
        return self._lines[shape]


class Layer:
    """Keys and values of one layer, [slots, heads, positions, size]; stands for a layer of transformers' Cache."""

    is_sliding = is_compileable = False
    is_initialized = True

    def __init__(self) -> None:
        self.keys: Any = None
        self.values: Any = None
        self.here: Pass
        self.shape = (0, 0)  # slots and positions

    def update(self, keys: Any, values: Any, *_: Any, **__: Any) -> "tuple[Layer, Layer]":
        """Put these down, [rows, heads, columns, size]; for the attention, the layer is its keys and its values."""
        if self.keys is None or self.keys.shape[0] != self.shape[0] or self.keys.shape[2] != self.shape[1]:
            self.keys, self.values = self._resized(self.keys, keys), self._resized(self.values, values)
        lines = self.here.lines(keys.shape[1], self.shape[1])
        for held, new in ((self.keys, keys), (self.values, values)):
            held.view(-1, new.shape[3])[lines] = new.transpose(1, 2).reshape(-1, *new.shape[1::2])
        return self, self

    def _resized(self, held: Any, like: Any) -> Any:
        slots, positions = self.shape
        new = like.new_zeros(slots, like.shape[1], positions, like.shape[3])
        if held is not None:
            s, p = min(slots, held.shape[0]), min(positions, held.shape[2])
            new[:s, :, :p] = held[:s, :, :p]
        return new

    def copy(self, source: int, target: int, length: int) -> None:
        """What a slot holds up to a position, into another one too."""
        if self.keys is not None and length:
            for held in (self.keys, self.values):
                held[target, :, :length] = held[source, :, :length]

    def turn(self, slots: Sequence[int], lengths: Sequence[int]) -> None:
        """What each of these slots holds, of its length, into the one before it, and of the first into the last."""
        if self.keys is None:
            return
        for held in (self.keys, self.values):
            first = held[slots[0], :, : lengths[0]].clone()
            for target, source, length in zip(slots, slots[1:], lengths[1:], strict=False):
                held[target, :, :length] = held[source, :, :length]
            held[slots[-1], :, : lengths[0]] = first

    def get_seq_length(self) -> int:
        """Nothing hangs on it: positions and masks are given."""
        return 0

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Nothing hangs on it either."""
        return query_length, 0


def bytes_a_position(model: Any) -> int:
    """What one position of one slot takes."""
    config = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    each: int = next(model.parameters()).element_size()
    return int(2 * config.num_hidden_layers * heads * size * each)


def room(model: Any) -> int:
    """The bytes that the buffers may take before slots that rest are given up."""
    import torch

    on_gpu = model.device.type == "cuda"
    return torch.cuda.mem_get_info(model.device)[1] // 2 if on_gpu else RESTING


def columns_for(positions: int) -> int:
    """How wide to make the buffers: the closer behind the longest row the faster, and no power of two."""
    return (max(COLUMNS, positions + positions // 8) + 15) // 16 * 16 + 8
