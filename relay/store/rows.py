"""How a hop becomes a row and comes back: names as integers, ids as packed int32."""

import sqlite3
import sys
from array import array
from collections.abc import Iterable, Iterator

from relay.trajectory import Segment, Usage
from relay.walk import Hop, StopReason

HOP_COLUMNS = (
    "rollout, pen, n, node, visit, goes, model, text, ids, tokenizer, stop, matched, closed, turn_ended, "
    "computed, cached, decoded, thrown, ms, recoded, rest, why, branches, starts, source"
)
INSERT_STEP = f"INSERT INTO step (id, {HOP_COLUMNS}) VALUES ({', '.join('?' * (HOP_COLUMNS.count(',') + 2))})"
INSERT_PART = "INSERT INTO part VALUES (?, ?, ?)"
SELECT_HOPS = f"SELECT {HOP_COLUMNS} FROM hop WHERE rollout = ? ORDER BY id"
LONG_IDS, LONG_TEXT = 128, 640  # ids and characters of a segment beyond which it lies in parts
MOST_PARTS = 256
Row = tuple[int | str | bytes | float | None, ...]


def pack(ids: Iterable[int]) -> bytes:
    """Ids as little-endian int32."""
    packed = array("i", ids)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def unpack(blob: bytes) -> tuple[int, ...]:
    """The ids of a blob."""
    packed = array("i")
    packed.frombytes(blob)
    if sys.byteorder == "big":
        packed.byteswap()
    return tuple(packed)


class Names:
    """The run's strings as integers. New ones wait in `fresh` until the next flush."""

    def __init__(self, known: Iterable[tuple[int, str]] = ()) -> None:
        self._texts = dict(known)
        self._ids = {text: i for i, text in self._texts.items()}
        self.fresh: list[tuple[int, str]] = []

    @classmethod
    def of(cls, db: sqlite3.Connection) -> "Names":
        """The names of this file."""
        return cls(db.execute("SELECT id, text FROM name"))

    def id(self, text: str) -> int:
        """The integer of this text."""
        found = self._ids.get(text)
        if found is None:
            found = self._ids[text] = len(self._ids) + 1
            self._texts[found] = text
            self.fresh.append((found, text))
        return found

    def text(self, number: int | None) -> str:
        """The text of this integer; empty for None."""
        return "" if number is None else self._texts[number]


def is_long(segment: Segment) -> bool:
    """Whether a segment lies in parts: large rows leave large holes at the ends of pages, up to half of the file."""
    return len(segment.ids) > LONG_IDS or len(segment.text) > LONG_TEXT


def parts_of(number: int, segment: Segment) -> Iterator[Row]:
    """The parts of the long segment of this step: slices of much the same size, of the text and of the ids alike."""
    ids, text = segment.ids, segment.text
    count = min(MOST_PARTS, max(-(-len(ids) // LONG_IDS), -(-len(text) // LONG_TEXT)))
    for k in range(count):
        here = slice(len(text) * k // count, len(text) * (k + 1) // count)
        mine = slice(len(ids) * k // count, len(ids) * (k + 1) // count)
        yield MOST_PARTS * number + k, text[here], pack(ids[mine])


def row_of(number: int, rollout: int, hop: Hop, names: Names) -> Row:
    """The step's row of a hop. Zeros and absences are null: they cost a byte."""
    id_ = names.id
    pen, n, node, visit, to, segment, usage, rest, why, branches, starts, source, recoded, turn_ended = hop
    wrote: Row = (None,) * 7
    if segment is not None:
        whole = not is_long(segment)
        wrote = (
            id_(segment.model),
            segment.text if whole else None,
            pack(segment.ids) if whole else None,
            id_(segment.tokenizer) if segment.tokenizer else None,
            id_(segment.stop),
            segment.matched or None,
            segment.closed if segment.closed >= 0 else None,
        )
    return (
        number, rollout, id_(pen), n, id_(node), visit, id_(to), *wrote, turn_ended or None,
        usage.computed or None, usage.cached or None, usage.decoded or None, usage.thrown or None,
        round(usage.seconds * 1000) or None, recoded if recoded >= 0 else None, id_(rest) if rest else None,
        why or None, branches or None, id_(starts) if starts else None, id_(source) if source else None,
    )  # fmt: skip


def hop_of(row: Row, names: Names) -> tuple[int, Hop]:
    """The rollout's number and the hop that this row holds."""
    (rollout, pen, n, node, visit, goes, model, text, ids, tokenizer, stop, matched, closed, turn_ended,
     computed, cached, decoded, thrown, ms, recoded, rest, why, branches, starts, source) = row  # fmt: skip
    name = names.text
    segment = None
    if model is not None:
        author = name(_int(node))
        segment = Segment(
            author,
            name(_int(model)),
            str(text),
            unpack(ids if isinstance(ids, bytes) else b""),
            name(None if tokenizer is None else _int(tokenizer)),
            name(_int(stop)),
            str(matched or ""),
            -1 if closed is None else _int(closed),
        )
    usage = Usage(_int(computed), _int(cached), _int(decoded), _int(thrown), _int(ms) / 1000)
    return _int(rollout), Hop(
        name(_int(pen)), _int(n), name(_int(node)), _int(visit), name(_int(goes)), segment, usage,
        None if rest is None else StopReason(name(_int(rest))), str(why or ""), _int(branches),
        name(None if starts is None else _int(starts)), name(None if source is None else _int(source)),
        -1 if recoded is None else _int(recoded), bool(turn_ended),
    )  # fmt: skip


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
