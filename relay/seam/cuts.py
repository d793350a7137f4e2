"""Where an open segment ends, and what of it is kept: right to the token.

The earliest place wins. At one place a text that was asked for comes before the end of a sentence, and the end of the
turn before the token limit. A cut decides id by id, so that it settles the same in whatever pieces it is fed.
"""

import codecs
import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from relay.seam.pieces import keep
from relay.seam.tokens import Tokenizer, unfinished
from relay.sentences import MARKS, Scanner
from relay.trajectory import Trajectory

CLOSING = re.compile(rb"<\s{0,8}/\s{0,8}think\s{0,8}>", re.IGNORECASE)  # what closes the thinking, spelled as text
_REACH = 31  # bytes: the longest such spelling, less one
_SENTENCE_MARKS = bytes(sorted({c.encode()[-1] for c in MARKS}))
LOOK_BACK = 4000  # characters before a segment in which a formula or a block of code may have begun


def closes(text: str) -> bool:
    """Whether it closes the thinking somewhere, however that is spelled."""
    return CLOSING.search(text.encode(errors="replace")) is not None


class Settled(NamedTuple):
    """What an ended segment comes to. It was fed len(ids) - recoded + thrown ids, and the one that ended the turn."""

    ids: tuple[int, ...]  # they spell `text` exactly
    text: str
    stop: str  # "tokens", "sentences", "paragraphs", "text", "turn", "closed_by_force", "garbled", or what was told
    matched: str = ""  # the text that stopped it, when a text did
    thrown: int = 0  # ids that were fed and not kept
    recoded: int = 0  # of `ids`, those that were not fed: the kept part of an id that was cut through, encoded anew
    closed: int = -1  # characters of `text` up to and with the closing of the thinking; -1: not closed here
    turn_ended: bool = False  # the author ended its turn


class _Find(NamedTuple):
    """A place to end; the least one wins."""

    at: int  # bytes of the segment up to it
    rank: int
    longest: int
    stop: str
    matched: str = ""


class Cut:
    """Decides where one open segment ends: one a call, fed every id in order.

    Its stop is "text", "sentences", "paragraphs", "turn" (an id that ends a turn, which is not kept), `why_tokens` at
    the limit, "closed_by_force" before what the author may not write, "garbled" before bytes that are no text, what
    `expire` was told, or "engine" when the engine ended by itself.
    """

    __slots__ = (
        "_after", "_alert", "_closes", "_count", "_data", "_decoder", "_due", "_end", "_looked", "_matched", "_read",
        "_recalled", "_scanner", "_stop", "_text", "_texts", "_tokenizer", "_wanted", "_why", "ids", "tokens",
    )  # fmt: skip

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        tokens: int,
        why_tokens: str = "tokens",
        sentences: int | None = None,
        paragraphs: int | None = None,
        texts: Sequence[str] = (),
        closes: bool = True,
        after: Trajectory | None = None,
    ) -> None:
        """`tokens` is a hard limit, at least 1. With `closes=False` the author may not close the thinking: what looks
        like it is cut off before its first character. `after` is what stands before the segment, in which half a tag,
        a formula or a line may have begun.
        """
        if tokens < 1:
            raise ValueError(f"a segment of {tokens} tokens")
        self.tokens = tokens
        self.ids: list[int] = []  # all that were fed
        self._tokenizer = tokenizer
        self._why = why_tokens
        self._closes = closes
        self._after = after
        self._stop = self._matched = ""
        self._recalled: Settled | None = None
        self._due = tokens  # look at the ids when there are so many, or one of them is in _alert
        self._looked = 0  # so many were looked at
        self._read = 0  # so many are in _data
        self._data = b""
        self._end = -1  # bytes to keep; -1: the first _count ids
        self._scanner: Scanner | None = None
        self._texts: tuple[tuple[bytes, str], ...] = ()
        marks = b"" if closes else b">"
        if texts:
            self._texts = tuple((t.encode(), t) for t in texts)
            marks += bytes([t[-1] for t, _ in self._texts])
        if sentences or paragraphs:
            marks += _SENTENCE_MARKS
            self._wanted = sentences, paragraphs
            self._scanner = Scanner(tail(after, LOOK_BACK))
            self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
            self._text = ""
            if self._scanner.waiting:
                self._due = 0
        self._alert = tokenizer.holding(marks)  # without one of these no text is complete and no turn ends

    def feed(self, ids: Sequence[int]) -> bool:
        """More ids, in order. True: stop now, the segment has ended."""
        mine = self.ids
        mine.extend(ids)
        if len(mine) < self._due and self._alert.isdisjoint(ids):
            return False
        return self._look()

    def silent(self, ids: Sequence[int]) -> bool:
        """True when these ids may be fed at once: none but the last can end the segment before the limit."""
        return self._scanner is None and self._alert.isdisjoint(ids[:-1])

    @property
    def ends(self) -> frozenset[int]:
        """Ids that end the turn, and so the segment."""
        return self._tokenizer.eos

    @property
    def looks(self) -> Literal["at the end", "at times", "always"]:
        """When its ids must be seen to end it in time: at the end where only the limit or a turn's end can, at times
        where the author will hardly try to close the thinking, always where texts, sentences or paragraphs end it.
        """
        if self._texts or self._scanner is not None:
            return "always"
        return "at the end" if self._closes else "at times"

    def expire(self, stop: str) -> None:
        """End the segment from outside, all ids so far kept; "turn" where an engine does not show the id that did it.
        Does nothing when the segment has ended.
        """
        if not self._stop:
            self._decide(stop, len(self.ids))

    @property
    def ended(self) -> bool:
        """Whether the segment has ended."""
        return bool(self._stop)

    @property
    def stopped(self) -> str:
        """What ended it; empty while it is open."""
        return self._stop

    def recall(self, settled: Settled) -> None:
        """End the segment as it ended before, where what was thrown away then is not known any more."""
        self._recalled = settled
        self.expire(settled.stop)

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts that end the segment."""
        return tuple(text for _, text in self._texts)

    @property
    def text(self) -> str:
        """The text so far, for those who watch; nothing is settled."""
        data = self._tokenizer.bytes_of(i for i in self.ids if i not in self._tokenizer.eos)
        return codecs.utf_8_decode(data, "replace", False)[0]

    def settle(self) -> Settled:
        """What is kept."""
        self.expire("engine")
        if self._recalled is not None:
            return self._recalled
        tokenizer, stop, matched = self._tokenizer, self._stop, self._matched
        own, end = self._count, self._end
        ids = tuple(self.ids[:own])
        data = tokenizer.bytes_of(ids) if end < 0 else self._data[:end]
        try:
            text = data.decode()
        except UnicodeDecodeError as e:
            if not unfinished(e):
                stop, matched = "garbled", ""
            end = e.start
        if end >= 0:
            ids, dropped = keep(tokenizer, self.ids, data[:end])
            own = len(self.ids) - dropped
            text = tokenizer.text_of(ids)
        think = tokenizer.think
        closed = -1
        if think is not None and think.close in ids:
            closed = len(tokenizer.text_of(ids[: ids.index(think.close) + 1]))
        turn_ended = stop == "turn"
        ending = turn_ended and self._count < len(self.ids)  # an id did it, which is neither kept nor thrown away
        thrown = len(self.ids) - own - ending
        return Settled(ids, text, stop, matched, thrown, len(ids) - own, closed, turn_ended)

    def _decide(self, stop: str, count: int, end: int = -1, matched: str = "") -> None:
        self._stop, self._count, self._end, self._matched, self._due = stop, count, end, matched, 0

    def _look(self) -> bool:
        """Look at the ids that may matter, one by one, up to the one that ends the segment."""
        if self._stop:
            return True
        ids, alert, scanner = self.ids, self._alert, self._scanner
        end = min(len(ids), self.tokens)
        if scanner is None:
            for i in [i for i in range(self._looked, end) if ids[i] in alert]:
                if self._ends_at(i):
                    return True
        else:
            for i in range(self._looked, end):
                if (scanner.waiting or ids[i] in alert) and self._ends_at(i):
                    return True
            self._due = 0 if scanner.waiting else self.tokens
        self._looked = end
        if end == self.tokens:
            self._decide(self._why, end)
        return bool(self._stop)

    def _ends_at(self, i: int) -> bool:
        """Whether the id at i ends the segment, in the light of those before it."""
        if self.ids[i] in self._tokenizer.eos:
            self._decide("turn", i)
            return True
        known = len(self._data)
        fresh = self._tokenizer.bytes_of(self.ids[self._read : i + 1])
        self._data += fresh
        self._read = i + 1
        found = [*self._found_texts(known)]
        if not self._closes and b">" in fresh:
            found += self._found_closing(known)
        if self._scanner is not None:
            found += self._found_ends(self._scanner, fresh)
        if found:
            best = min(found)
            self._decide(best.stop, i + 1, best.at, best.matched)
        return bool(found)

    def _found_texts(self, known: int) -> Iterable[_Find]:
        for raw, text in self._texts:
            at = self._data.find(raw, max(0, known - len(raw) + 1))
            if at >= 0:
                yield _Find(at + len(raw), 0, -len(raw), "text", text)

    def _found_closing(self, known: int) -> Iterable[_Find]:
        start = max(0, known - _REACH)
        before = tail(self._after, _REACH).encode() if known < _REACH else b""
        for match in CLOSING.finditer(before + self._data[start:]):
            if match.end() > len(before):
                yield _Find(max(0, match.start() - len(before)) + start, 1, 0, "closed_by_force")

    def _found_ends(self, scanner: Scanner, fresh: bytes) -> Iterable[_Find]:
        text = self._decoder.decode(fresh)
        self._text += text
        scanner.feed(text)
        sentences, paragraphs = self._wanted
        if sentences and len(scanner.sentences) >= sentences:
            yield _Find(self._bytes(scanner.sentences[sentences - 1]), 2, 0, "sentences")
        if paragraphs and len(scanner.paragraphs) >= paragraphs:
            yield _Find(self._bytes(scanner.paragraphs[paragraphs - 1]), 3, 0, "paragraphs")

    def _bytes(self, characters: int) -> int:
        return len(self._text[:characters].encode())


def tail(trajectory: Trajectory | None, length: int) -> str:
    """The last characters of what was written so far."""
    parts: list[str] = []
    for segment in trajectory.newest_first() if trajectory is not None else ():
        parts.append(segment.text[-length:])
        length -= len(parts[-1])
        if length <= 0:
            break
    return "".join(reversed(parts))
