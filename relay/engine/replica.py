"""A simulated server: how long calls take there, and what it still knows of earlier prompts. No sleeping, no clock."""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from heapq import heapify, heappop, heappush
from typing import NamedTuple

BLOCK = 16  # tokens: what is cached is cached in whole blocks of so many
MEMORY = 4096  # prompts that are remembered


class Speed(NamedTuple):
    """What a server does in a second."""

    decode: float = 50.0  # tokens of one call, a second
    prefill: float = 5000.0  # prompt tokens, a second
    latency: float = 0.05  # seconds before anything else

    def seconds(self, computed: int, decoded: int) -> float:
        """How long a call takes that computes and decodes so many tokens."""
        return self.latency + computed / self.prefill + decoded / self.decode

    def decoded_in(self, seconds: float, computed: int) -> int:
        """How many tokens are decoded by then."""
        return max(0, int((seconds - self.latency - computed / self.prefill) * self.decode + 1e-9))


class Replicas:
    """So many calls at once; further ones wait for the first that ends."""

    def __init__(self, slots: int, speed: Speed) -> None:
        self.speed = speed
        self._free = [0.0] * slots  # when each slot is free
        heapify(self._free)

    def wait(self, now: float) -> float:
        """Seconds until a call that comes now begins."""
        return max(0.0, self._free[0] - now)

    def take(self, until: float) -> None:
        """The slot that is free first is taken until then."""
        heappop(self._free)
        heappush(self._free, until)


class Cache:
    """The last prompts, by problem and by pen: how much of a new one need not be computed."""

    def __init__(self, block: int = BLOCK) -> None:
        self._block = block
        self._known: OrderedDict[Hashable, list[int]] = OrderedDict()

    def cached(self, prompt: Sequence[int], *keys: Hashable) -> int:
        """Tokens of this prompt that the last ones under these keys begin with, in whole blocks; the last is never."""
        mine = list(prompt)
        most = max((_common(mine, self._known.get(key, [])) for key in keys), default=0)
        return min(most, len(prompt) - 1) // self._block * self._block

    def keep(self, ids: Sequence[int], *keys: Hashable) -> None:
        """Remember this prompt and what followed it."""
        kept = list(ids)
        for key in keys:
            self._known[key] = kept
            self._known.move_to_end(key)
        while len(self._known) > MEMORY:
            self._known.popitem(last=False)


def _common(one: list[int], other: list[int]) -> int:
    """How many ids both begin with."""
    most = min(len(one), len(other))
    if one[:most] == other[:most]:
        return most
    low, high = 0, most  # equal up to low, not up to high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle)
    return low
