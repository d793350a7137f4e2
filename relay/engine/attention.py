"""Attention of rows in slots, block by block: neighbours that read as many new columns and hold about as many old ones.

It stands in for a model's own attention during one pass, and calls that for each block: no row is padded to the length
of a row in another block.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

CALL = 1 << 18  # bytes of keys and values that a CPU reads in the time that a call more takes
CALL_ON_GPU = 1 << 25
PREFIX = "relay_"


class Piece(NamedTuple):
    """What one row reads in one pass."""

    slot: int
    begin: int  # positions that its slot holds already
    ids: list[int]  # the new ones behind them


class Block(NamedTuple):
    """Neighbouring rows of one call: [rows, columns] new columns that look at `width` positions of their slots."""

    slots: slice
    new: slice  # of all new columns of the pass
    columns: int
    width: int
    mask: Any  # added to the scores, [rows, 1, columns, width]; None: each column looks at all up to its own


def together(begins: Sequence[int], columns: Sequence[int], worth: int) -> Iterator[slice]:
    """Runs of rows that are one block: as many new columns, and padding of at most `worth` positions."""
    first = longest = whole = 0
    for i, begin in enumerate(begins):
        top, held = max(longest, begin), whole + begin
        if i > first and (columns[i] != columns[first] or (top * (i - first + 1) - held) * columns[i] > worth):
            yield slice(first, i)
            first, top, held = i, begin, begin
        longest, whole = top, held
    if begins:
        yield slice(first, len(begins))


def arranged(lengths: Sequence[int], worth: int) -> list[int]:
    """Which row to put into each place, so that rows of like lengths are neighbours; most stay where they are."""
    order = list(range(len(lengths)))
    longest_first = sorted(order, key=lambda row: -lengths[row])
    for block in together([lengths[row] for row in longest_first], [1] * len(lengths), worth):
        mine = longest_first[block]
        stay = {row for row in mine if block.start <= row < block.stop}
        come = iter([row for row in mine if row not in stay])
        for place in range(block.start, block.stop):
            if place not in stay:
                order[place] = next(come)
    return order


def cycles(order: Sequence[int]) -> Iterator[list[int]]:
    """The places that change, in circles: into each comes what is in the next."""
    left = {place for place, source in enumerate(order) if place != source}
    while left:
        circle, place = list[int](), min(left)
        while place in left:
            left.remove(place)
            circle.append(place)
            place = order[place]
        yield circle


def blocks_of(pieces: Sequence[Piece], positions: Any, worth: int, dtype: Any, *, always: bool) -> list[Block]:
    """The calls of one pass; `positions` are those of all new columns. With `always` each block has a mask."""
    import torch

    begins, columns = [piece.begin for piece in pieces], [len(piece.ids) for piece in pieces]
    seen = torch.arange(max(map(sum, zip(begins, columns, strict=True))), device=positions.device)
    one = len(positions) == len(pieces)
    masks = _mask(seen, positions, dtype) if one else None  # of all rows; else each block is made its own
    blocks, at = list[Block](), 0
    for rows in together(begins, columns, worth):
        mine, n = begins[rows], columns[rows.start]
        width, new, mask = max(mine) + n, slice(at, at + n * len(mine)), None
        if always or min(mine) < max(mine) or (n > 1 and mine[0]):
            mask = _mask(seen[:width], positions[new], dtype) if masks is None else masks[new]
            mask = mask[:, :width].view(len(mine), n, width)[:, None]
        first = pieces[rows.start].slot
        blocks.append(Block(slice(first, first + len(mine)), new, n, width, mask))
        at = new.stop
    return blocks


def _mask(seen: Any, positions: Any, dtype: Any) -> Any:
    """What is added to scores so that columns at these positions see nothing behind them, [columns, seen]."""
    import torch

    unseen = seen > positions[:, None]
    return torch.zeros(unseen.shape, dtype=dtype, device=seen.device).masked_fill_(unseen, torch.finfo(dtype).min)


def worth(model: Any, bytes_a_position: int) -> int:
    """The positions of one layer that can be read in the time that one call more takes."""
    cost: int = CALL_ON_GPU if model.device.type == "cuda" else CALL
    return cost * int(model.config.get_text_config().num_hidden_layers) // bytes_a_position


def attend(own: Callable[..., Any] | None, module: Any, query: Any, key: Any, value: Any, _: Any, **more: Any) -> Any:
    """What the columns of a pass see, [rows, columns, heads, size]; key and value are a layer of slots."""
    import torch

    if own is None:  # the eager attention of a model stands beside its layers
        own = sys.modules[type(module).__module__].eager_attention_forward
    elif query.shape[2] == 1:
        return _newest(query, key, value, more.get("scaling")), None
    rows, heads, columns, size = query.shape
    all_new = query.transpose(1, 2).reshape(-1, heads, size)
    seen = []
    for slots, new, n, width, mask in key.here.blocks:
        mine = all_new[new].view(-1, n, heads, size).transpose(1, 2)
        out, _ = own(module, mine, key.keys[slots, :, :width], value.values[slots, :, :width], mask, **more)
        seen.append(out.reshape(-1, *out.shape[2:]))
    return torch.cat(seen).view(rows, columns, *seen[0].shape[1:]), None


def _newest(query: Any, key: Any, value: Any, scale: float | None) -> Any:
    """The same where each row has one column, without the detours: most passes are such, and they have many blocks.

    Queries that share a head of keys are the columns of that head.
    """
    import torch

    look = torch.nn.functional.scaled_dot_product_attention
    rows, heads, _, size = query.shape
    keys, values = key.keys, value.values
    query = query.reshape(rows, keys.shape[1], -1, size)
    seen = [
        look(query[new], keys[slots, :, :width], values[slots, :, :width], mask, scale=scale)
        for slots, new, _, width, mask in key.here.blocks
    ]
    return torch.cat(seen).view(rows, 1, heads, -1)


def register() -> None:
    """Make it known to transformers, beside each attention that it stands in for."""
    from transformers import AttentionInterface
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    for name, own in (("sdpa", ALL_ATTENTION_FUNCTIONS["sdpa"]), ("eager", None)):
        AttentionInterface.register(PREFIX + name, partial(attend, own))
