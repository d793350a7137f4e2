"""Rows in fixed slots: each at its own position in the buffers of keys and values, none padded to another's length.

The rows under way lie in the first slots, without a gap; the slots behind them rest: they still hold what rows that
have ended had read. A new row begins where the longest beginning of its prompt is held, by a row or by a resting
slot, and reads only what follows; of rows with one prompt, one reads it. When rows have joined, all are arranged by
their lengths, so that the attention reads little that is not theirs.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from relay.engine.attention import PREFIX, Piece, arranged, blocks_of, cycles, register, worth
from relay.engine.batching import Passes, Row, drawn
from relay.engine.memory import Layer, Pass, bytes_a_position, columns_for, room
from relay.engine.padded import is_plain


class _Held(NamedTuple):
    """What a slot holds."""

    ids: list[int]  # those whose keys and values are there, from position 0 on
    since: int  # when it came to rest


class Slots:
    """The rows under way, each in the slot of its place among them."""

    open = True  # rows may come in at any time

    def __init__(self, passes: Passes, size: int, *, reuse: bool = True) -> None:
        """At most `size` rows. Without `reuse` every prompt is read whole, by each row."""
        self._passes = passes
        self._size = size
        self._reuse = reuse
        self._dtype = next(passes.model.parameters()).dtype
        self._eager = passes.config._attn_implementation == "eager"
        self.worth = worth(passes.model, bytes_a_position(passes.model))  # padding that is as dear as a call more
        register()
        self.clear()

    def clear(self) -> None:
        """Forget all rows and all that is held."""
        from transformers import Cache

        self.rows: list[Row] = []
        self._arranged = True
        self._held: list[_Held] = []  # of each slot
        self._clock = 0
        self._layers = [Layer() for _ in range(self._passes.config.get_text_config().num_hidden_layers)]
        self._memory = Cache(layers=list(self._layers))  # type: ignore[arg-type]  # they do what is asked of them
        self._resize(0)

    def admit(self, rows: Sequence[Row]) -> list[int]:
        """Read the prompts of new rows but for their last ids, with which they join the next step: no ids come now.

        An error leaves the others alone.
        """
        prompts = [row.request.prompt for row in rows]
        most = self._passes.config.get_text_config().vocab_size
        if (highest := max(map(max, prompts))) >= most:
            raise IndexError(f"id {highest} in a prompt, of {most}")
        self._resize(max(map(len, prompts)))
        first = len(self.rows)
        readers = _firsts(prompts) if self._reuse else list(range(len(rows)))
        leaders = sorted(set(readers), key=lambda i: len(prompts[i]))  # who read; the others have one of their prompts
        for place, i in enumerate(leaders, first):
            self._prepare(place, prompts[i])
            rows[i].cached = len(self._held[place].ids)
        self.read([(place, prompts[i][rows[i].cached : -1]) for place, i in enumerate(leaders, first)])
        others = [i for i in range(len(rows)) if readers[i] != i]
        for place, i in enumerate(others, first + len(leaders)):
            rows[i].cached = len(prompts[i]) - 1
            self._give_way(place)
            self._copy(first + leaders.index(readers[i]), place, rows[i].cached)
        for row in rows:
            row.last = row.request.prompt[-1]
        self.rows += [rows[i] for i in (*leaders, *others)]
        self._arranged = False
        return []

    def step(self) -> list[int]:
        """One more id for each row."""
        return drawn(self.read([(place, [row.last]) for place, row in enumerate(self.rows)]), self.rows)

    def drop(self) -> None:
        """Let go of the rows that are over: the last row moves into the slot of each, which comes to rest."""
        for i in reversed(range(len(self.rows))):
            if self.rows[i].over:
                last = self.rows.pop()
                if i < len(self.rows):
                    self.rows[i] = last
                    self._swap(i, len(self.rows))
                self._clock += 1
                place = len(self.rows)
                self._held[place] = _Held(self._held[place].ids if self._reuse else [], self._clock)
        if not self._arranged:
            self._arrange()

    # -- prompts

    def _prepare(self, place: int, prompt: list[int]) -> None:
        """Make this slot, behind those in use, hold as much of the beginning of this prompt as any slot does."""
        source, length = self._nearest(prompt, place) if self._reuse else (place, 0)
        if length and source >= place:
            self._swap(source, place)
            self._held[place] = _Held(prompt[:length], 0)
            return
        self._give_way(place)
        self._copy(source, place, length)

    def _nearest(self, prompt: list[int], place: int) -> tuple[int, int]:
        """The slot that holds the longest beginning of this prompt, but for its last id, and its length."""
        best, length = place, 0
        for slot, (ids, _) in enumerate(self._held):
            if ids[: length + 1] == prompt[: length + 1] and (common := _common(ids, prompt)) > length:
                best, length = slot, common
        return best, min(length, len(prompt) - 1)

    def _give_way(self, place: int) -> None:
        """The slot that has rested longest goes, so that this one is free."""
        oldest = min(range(place, len(self._held)), key=lambda slot: self._held[slot].since)
        if oldest != place:
            self._copy(place, oldest, len(self._held[place].ids))
            self._held[oldest] = self._held[place]
        self._held[place] = _Held([], 0)

    # -- the buffers

    def read(self, new: Sequence[tuple[int, list[int]]]) -> Any:
        """Read new ids of slots that follow each other; the logits after each row's, where all have one."""
        import torch

        pieces = [Piece(slot, len(self._held[slot].ids), ids) for slot, ids in new if ids]
        if not pieces:
            return None
        self._resize(max(begin + len(ids) for _, begin, ids in pieces))
        ids, slots, places = self._passes.tensor(
            [
                [i for piece in pieces for i in piece.ids],
                [piece.slot for piece in pieces for _ in piece.ids],
                [piece.begin + k for piece in pieces for k in range(len(piece.ids))],
            ]
        )
        here = Pass(slots, places, blocks_of(pieces, places, self.worth, self._dtype, always=self._eager))
        for layer in self._layers:
            layer.here = here
        shape = (-1, 1) if len(ids) == len(pieces) else (1, -1)
        mask = torch.zeros(1, 1, 1, 1, dtype=self._dtype, device=ids.device)  # the blocks have their own
        with self._attending():
            logits = self._passes.forward(ids.view(shape), mask, places.view(shape), self._memory)
        for slot, _, read in pieces:
            self._held[slot].ids.extend(read)
        return logits

    @contextmanager
    def _attending(self) -> Iterator[None]:
        """The attention by blocks, in place of the model's own."""
        config = self._passes.config
        own = config._attn_implementation
        config._attn_implementation = PREFIX + own
        try:
            yield
        finally:
            config._attn_implementation = own

    def _arrange(self) -> None:
        """Rows of like lengths next to each other, the longest first: the shortest fill the gaps of those that end."""
        order = arranged([len(self._held[place].ids) for place in range(len(self.rows))], self.worth)
        for slots in cycles(order):
            self._turn(slots)
        self.rows = [self.rows[place] for place in order]
        self._arranged = True

    def _turn(self, slots: Sequence[int]) -> None:
        """Into each of these slots what the next one holds, and into the last what the first held."""
        held = [self._held[slot] for slot in slots]
        for layer in self._layers:
            layer.turn(slots, [len(its.ids) for its in held])
        for slot, its in zip(slots, [*held[1:], held[0]], strict=True):
            self._held[slot] = its

    def _copy(self, source: int, target: int, length: int) -> None:
        for layer in self._layers:
            layer.copy(source, target, length)
        self._held[target] = _Held(self._held[source].ids[:length], self._held[target].since)

    def _swap(self, a: int, b: int) -> None:
        if a != b:
            self._turn((a, b))

    def _resize(self, positions: int) -> None:
        """Make room for so many positions a slot. Where that takes too much, fewer slots rest."""
        now = self._layers[0].shape[1]
        if now and positions <= now:
            return
        columns = columns_for(positions)
        there = room(self._passes.model) // (bytes_a_position(self._passes.model) * columns)
        slots = min(max(self._size, there), 2 * self._size) if self._reuse else self._size
        for layer in self._layers:
            layer.shape = (slots, columns)
        self._held = self._held[:slots] + [_Held([], 0) for _ in range(len(self._held), slots)]


def fits(model: Any) -> bool:
    """Whether this model's memory is plain keys and values, and it reads from slots what it reads otherwise.

    Passes through the model four times.
    """
    import torch
    from transformers import DynamicCache

    if model.config._attn_implementation not in ("sdpa", "eager") or not is_plain(DynamicCache(config=model.config)):
        return False
    size = min(model.config.get_text_config().vocab_size, 1000)
    prompts = [[(7 * i + 3) % size for i in range(9)], [(5 * i + 1) % size for i in range(4)]]
    slots, passes = Slots(Passes(model, size), 2, reuse=False), Passes(model, size)
    try:
        with torch.inference_mode():
            slots.worth = 0  # a block for each
            slots.read([(slot, prompt[:-1]) for slot, prompt in enumerate(prompts)])
            together = slots.read([(slot, prompt[-1:]) for slot, prompt in enumerate(prompts)])
            alone = [passes.forward(passes.tensor([prompt]), None, None, DynamicCache()) for prompt in prompts]
            return bool(torch.allclose(together, torch.cat(alone), atol=0.02, rtol=0.02))
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError):  # a model that takes masks otherwise
        return False


def _firsts(prompts: Sequence[list[int]]) -> list[int]:
    """For each prompt the first one that is the same."""
    found: dict[tuple[int, ...], int] = {}
    return [found.setdefault(tuple(prompt), i) for i, prompt in enumerate(prompts)]


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    """How many ids they begin with alike."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
