"""How a hop becomes a row and comes back: names as integers, ids as packed int32."""

import sqlite3
import sys
from array import array
from collections.abc import Iterable, Iterator
from typing import Any

from relay.trajectory import Segment, Usage
from relay.walk import Extra, Hop, StopReason

STEP_COLUMNS = (
    "rollout, pen, n, node, visit, goes, model, text, ids, tokenizer, stop, matched, closed, turn_ended, "
    "computed, cached, decoded, thrown, ms, recoded, rest, why, branches, starts, source"
)
HOP_COLUMNS = f"{STEP_COLUMNS}, label, score, apart, drops, chosen, over, beside, entropy"
NULL = -1  # null, in a row to write: sqlite3 binds None, and bytes, several times slower than ints and bytearrays
_PLAIN = 1 + STEP_COLUMNS[: STEP_COLUMNS.index("model")].count(",")  # the id, and the columns that are never null
_VALUES = ["?"] * _PLAIN + [f"nullif(?, {NULL})"] * (2 + STEP_COLUMNS.count(",") - _PLAIN)
INSERT_STEP = f"INSERT INTO step (id, {STEP_COLUMNS}) VALUES ({', '.join(_VALUES)})"
INSERT_EXTRA = "INSERT INTO extra VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
INSERT_PART = "INSERT INTO part VALUES (?, ?, ?)"
WAY = """
WITH RECURSIVE way(number, upto) AS (
    SELECT ?, 9223372036854775807 UNION ALL
    SELECT f.of, min(f.upto, way.upto) FROM way JOIN fork f ON f.rollout = way.number
)
"""  # a rollout and, where it is a fork, those whose beginning it shares, each up to a step
SELECT_HOPS = f"{WAY} SELECT {HOP_COLUMNS} FROM way CROSS JOIN hop ON rollout = number AND id <= upto ORDER BY id"
LONG_IDS, LONG_TEXT = 128, 640  # ids and characters of a segment beyond which it lies in parts
MOST_PARTS = 256
Row = tuple[int | str | bytes | bytearray | float | None, ...]
_NOTHING: Row = (NULL,) * 7  # the columns of a segment


def pack(ids: Iterable[int]) -> bytearray:
    """Ids as little-endian int32."""
    packed = array("i", ids)
    if sys.byteorder == "big":
        packed.byteswap()
    return bytearray(packed)


def unpack(blob: bytes) -> tuple[int, ...]:
    """The ids of a blob."""
    packed = array("i")
    packed.frombytes(blob)
    if sys.byteorder == "big":
        packed.byteswap()
    return tuple(packed)


class Names(dict[str, int]):
    """The run's strings as integers, `names[text]`. New ones wait in `fresh` until the next flush."""

    def __init__(self, known: Iterable[tuple[int, str]] = ()) -> None:
        self._texts = dict(known)
        self.fresh: list[tuple[int, str]] = []
        super().__init__((text, number) for number, text in self._texts.items())

    @classmethod
    def of(cls, db: sqlite3.Connection) -> "Names":
        """The names of this file."""
        return cls(db.execute("SELECT id, text FROM name"))

    def __missing__(self, text: str) -> int:
        """Give this text the next number."""
        number = self[text] = len(self) + 1
        self._texts[number] = text
        self.fresh.append((number, text))
        return number

    def text(self, number: int | None) -> str:
        """The text of this integer; empty for None."""
        return "" if number is None else self._texts[number]


def is_long(segment: Segment) -> bool:
    """Whether a segment lies in parts: large rows leave large holes at the ends of pages, up to half of the file."""
    return len(segment.ids) > LONG_IDS or len(segment.text) > LONG_TEXT


def rows_beside(number: int, hop: Hop, names: Names) -> Iterator[tuple[str, Row]]:
    """The rows of other tables that belong to this step, each with the statement that writes it."""
    if hop.segment is not None and is_long(hop.segment):
        for part in parts_of(number, hop.segment):
            yield INSERT_PART, part
    if hop.extra is not None:
        yield INSERT_EXTRA, row_of_extra(number, hop.extra, names)


def parts_of(number: int, segment: Segment) -> Iterator[Row]:
    """The parts of the long segment of this step: slices of much the same size, of the text and of the ids alike."""
    ids, text = segment.ids, segment.text
    count = min(MOST_PARTS, max(-(-len(ids) // LONG_IDS), -(-len(text) // LONG_TEXT)))
    for k in range(count):
        here = slice(len(text) * k // count, len(text) * (k + 1) // count)
        mine = slice(len(ids) * k // count, len(ids) * (k + 1) // count)
        yield MOST_PARTS * number + k, text[here], pack(ids[mine])


def row_of(number: int, rollout: int, hop: Hop, names: Names) -> Row:
    """The step's row of a hop, for INSERT_STEP. Zeros and absences are null: they cost a byte."""
    pen, n, node, visit, to, segment, usage, rest, why, branches, starts, source, recoded, turn_ended, _ = hop
    computed, cached, decoded, thrown, seconds = usage
    wrote = _NOTHING
    if segment is not None:
        _, model, text, ids, tokenizer, stop, matched, closed = segment
        whole = not is_long(segment)
        wrote = (
            names[model],
            text if whole else NULL,
            pack(ids) if whole else NULL,
            names[tokenizer] if tokenizer else NULL,
            names[stop],
            matched or NULL,
            closed,  # -1: not here
        )
    return (
        number, rollout, names[pen], n, names[node], visit, names[to], *wrote, turn_ended or NULL,
        computed or NULL, cached or NULL, decoded or NULL, thrown or NULL, round(seconds * 1000) or NULL,
        recoded, names[rest] if rest else NULL, why or NULL, branches or NULL,
        names[starts] if starts else NULL, names[source] if source else NULL,
    )  # fmt: skip


def row_of_extra(number: int, extra: Extra, names: Names) -> Row:
    """The row of what the step's hop has besides, for INSERT_EXTRA."""
    label, score, apart, drops, chosen, over, beside, entropy = extra
    return (
        number, names[label] if label else None, score, *(names[t] if t else None for t in (apart, drops, chosen)),
        names[" ".join(over)] if over else None, round(beside * 1000) or None, entropy,
    )  # fmt: skip


def hop_of(row: Row, names: Names) -> tuple[int, Hop]:
    """The rollout's number and the hop that this row holds."""
    (rollout, pen, n, node, visit, goes, model, text, ids, tokenizer, stop, matched, closed, turn_ended,
     computed, cached, decoded, thrown, ms, recoded, rest, why, branches, starts, source, *besides) = row  # fmt: skip
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
        -1 if recoded is None else _int(recoded), bool(turn_ended), _extra_of(besides, names),
    )  # fmt: skip


def _extra_of(row: list[Any], names: Names) -> Extra | None:
    if all(value is None for value in row):
        return None
    label, score, *rest, beside, entropy = row
    apart, drops, chosen, over = (names.text(number) for number in rest)
    return Extra(names.text(label), score, apart, drops, chosen, tuple(over.split()), _int(beside) / 1000, entropy)


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
