"""An open segment that is read while it is written: places to read at, a stop where a rule says so, and what is kept.

A place lies at the end of every so many sentences, paragraphs or tokens, and the last at the segment's own end. Rules
are asked as the ids come, so that nothing is written past them; others read in their own time and say it later.
"""

import codecs
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from relay.seam.cuts import LOOK_BACK, Cut, tail
from relay.sentences import Scanner
from relay.trajectory import Trajectory

TRIPPED = "tripped"  # the stop of a segment that a watcher ended


class Grid(NamedTuple):
    """Where a watcher reads."""

    unit: str  # "sentences", "paragraphs" or "tokens"
    every: int


class Place(NamedTuple):
    """A place in an open segment."""

    at: int  # bytes before it
    ids: int  # whole ids before it

    def __bool__(self) -> bool:
        return self.at > 0


START = Place(0, 0)
Look = Callable[[int, str, Sequence[int]], str]  # which watcher, the text up to a place, its whole ids: what tripped it


class WatchedCut(Cut):
    """A cut with watchers. What it ends at is settled by `keep`, when all that has to be read was read."""

    __slots__ = (
        "_bytes_read", "_characters", "_ends", "_grids", "_look_at", "_over", "_seen", "_steps", "_told", "_utf8",
        "_watch", "follows", "places", "tripped",
    )  # fmt: skip

    def __init__(self, *args: Any, grids: Sequence[Grid], look: Look, **options: Any) -> None:
        """`grids`: one a watcher. `look` is asked at each place of each; it may be called from another thread."""
        super().__init__(*args, **options)
        after: Trajectory | None = options.get("after")
        self.places: list[list[Place]] = [[] for _ in grids]  # of each watcher, as they are found
        self.tripped: tuple[int, Place, str] | None = None  # the watcher whose rule ended it, where, and what it was
        self.follows = False  # the engine says by itself where the segment ended: nobody stops it from outside
        self._grids = grids
        self._look_at = look
        self._watch = Scanner(tail(after, LOOK_BACK))
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._told = ""  # the text that was scanned
        self._ends: list[int] = []  # bytes up to and with each id that was scanned
        self._bytes_read = b""
        self._steps = [0] * len(grids)  # of each that counts tokens: how often it has read
        self._seen = [0, 0]  # sentences and paragraphs whose places are known
        self._characters = (0, 0)  # a place as characters and bytes, from which the next is counted
        self._over = False  # the end of the segment is a place already

    def feed(self, ids: Sequence[int]) -> bool:
        """More ids, in order. True: stop now."""
        over = super().feed(ids)
        return self._scan() or over

    def silent(self, ids: Sequence[int]) -> bool:
        """Each may be the one that ends it."""
        return False

    @property
    def looks(self) -> Any:
        """A watcher reads along."""
        return "always"

    def finish(self) -> None:
        """The engine has ended: what stands behind the last place is read too."""
        self.expire("engine")
        self._scan()
        if self._over or self.tripped:
            return
        self._over = True
        end = len(self._bytes_read) - len(self._utf8.getstate()[0])  # less half a character
        end = end if self._end < 0 else min(self._end, end)
        place = Place(end, bisect_right(self._ends, end))
        for i, places in enumerate(self.places):
            if place and (not places or places[-1].at < place.at) and self._passes(i, place):
                return

    def prefix(self, place: Place) -> bytes:
        """The bytes before a place."""
        return self._bytes_read[: place.at]

    def back(self, place: Place, unit: str, amount: float) -> Place:
        """So much before this place, at the end of a sentence or paragraph, or the beginning."""
        if unit in ("tokens", "share"):
            ids = place.ids - (amount if unit == "tokens" else round(place.ids * amount))
            limit = 0 if ids <= 0 else self._ends[int(ids) - 1]
            return self._last([at for at in self._in_bytes(self._watch.sentences) if at <= limit])
        ends = self._in_bytes(self._watch.sentences if unit == "sentences" else self._watch.paragraphs)
        before = [at for at in ends if at < place.at]
        return self._last(before[: max(0, len(before) - int(amount) + 1)])

    def keep(self, place: Place, stop: str) -> None:
        """Settle it: what stands before this place is kept, the rest is taken back."""
        self._recalled = None
        self._data = self._bytes_read
        self._decide(stop, len(self.ids), place.at)

    def _last(self, ends: Sequence[int]) -> Place:
        return Place(ends[-1], bisect_right(self._ends, ends[-1])) if ends else START

    def _in_bytes(self, characters: Sequence[int]) -> list[int]:
        return [len(self._told[:n].encode()) for n in characters]

    def _scan(self) -> bool:
        """Read what is new, place by place. True when a rule trips."""
        if self.tripped:
            return True
        stop = min(len(self.ids), self.tokens)
        if self._stop:
            stop = self._count
        eos = self._tokenizer.eos
        for i in range(len(self._ends), stop):
            if self.ids[i] in eos:
                break
            fresh = self._tokenizer.bytes_of(self.ids[i : i + 1])
            self._bytes_read += fresh
            self._ends.append(len(self._bytes_read))
            text = self._utf8.decode(fresh)
            if text:
                self._told += text
                self._watch.feed(text)
            if self._new_places():
                return True
        return False

    def _new_places(self) -> bool:
        """The places that the last id brought, in the order of the text. True when a rule trips at one of them."""
        found: list[tuple[int, int]] = []
        for k, ends in enumerate((self._watch.sentences, self._watch.paragraphs)):
            unit = ("sentences", "paragraphs")[k]
            for n in range(self._seen[k], len(ends)):
                at = self._at(ends[n])
                found += [(at, i) for i, g in enumerate(self._grids) if g.unit == unit and not (n + 1) % g.every]
            self._seen[k] = len(ends)
        if not self._utf8.getstate()[0]:  # between two characters
            for i, grid in enumerate(self._grids):
                if grid.unit == "tokens" and len(self._ends) // grid.every > self._steps[i]:
                    self._steps[i] = len(self._ends) // grid.every
                    found.append((self._ends[-1], i))
        end = self._end if self._stop and self._end >= 0 else None
        for at, i in sorted(found):
            if end is not None and at > end:
                break
            if self._passes(i, Place(at, bisect_right(self._ends, at))):
                return True
        return False

    def _passes(self, watcher: int, place: Place) -> bool:
        """Note a place and ask the rules. True, and the segment is at its end, where one trips."""
        self.places[watcher].append(place)
        text = self._bytes_read[: place.at].decode(errors="replace")
        label = self._look_at(watcher, text, self.ids[: place.ids])
        if label:
            self.tripped = watcher, place, label
            if not self._over:  # else it had ended by itself
                self._decide(TRIPPED, len(self.ids))
        return bool(label)

    def _at(self, characters: int) -> int:
        """A place in characters as bytes."""
        known, at = self._characters
        if characters < known:
            return len(self._told[:characters].encode())
        at += len(self._told[known:characters].encode())
        self._characters = characters, at
        return at
