"""How a recorded call becomes a row and comes back: right behind the hop that it led to, and little more than that.

A call's ids are mostly those of its hop's segment, its costs those of the hop: only what differs is kept.
"""

import hashlib
import sys
import zlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from relay.engine.record import Call
from relay.errors import RelayError
from relay.store.rows import Names, Row, pack, unpack
from relay.trajectory import Usage
from relay.walk import Hop

MOST_CALLS = 256  # calls of one step
COLUMNS = "model, prompt, ids, deltas, logprobs, computed, cached, decoded, ms, failed, checksum"
INSERT_CALL = f"INSERT INTO call (id, same, {COLUMNS}) VALUES (?, ?, {', '.join('?' * 11)})"
INSERT_ASIDE = (
    f"INSERT INTO aside (problem, sample, cell, node, visit, pen, asked, {COLUMNS}) VALUES ({', '.join('?' * 18)})"
)
SELECT_CALLS = f"SELECT same, {COLUMNS} FROM call WHERE id BETWEEN ? AND ? ORDER BY id"


class Kept(NamedTuple):
    """A call as the file keeps it."""

    model: str
    prompt: int  # `hash_of` its ids
    ids: tuple[int, ...]
    deltas: tuple[int, ...]
    logprobs: tuple[float, ...]
    usage: Usage
    failed: str | None


class DamagedError(RelayError):
    """A row of a recording is not as it was written."""


def hash_of(prompt: Sequence[int]) -> int:
    """63 bits that tell a prompt from another."""
    return int.from_bytes(hashlib.blake2b(pack(prompt), digest_size=8).digest(), "little") >> 1


def row_of_call(step: int, place: int, call: Call, hop: Hop, names: Names) -> Row:
    """The row of a call that led to this hop, for INSERT_CALL."""
    own = () if hop.segment is None else hop.segment.ids
    same = _common(call.ids, own)
    row = _row(call, names, same, hop.usage)
    return MOST_CALLS * step + place, None if same == len(own) else same, *row


def row_of_aside(call: Call, names: Names) -> Row:
    """The row of a call that no hop tells of, for INSERT_ASIDE."""
    problem, sample, node, visit, pen = call.purpose
    asked = zlib.compress(bytes(pack(call.prompt)))
    where = (names[problem.id], sample, names[call.cell], names[node], visit, names[pen])
    return *where, asked, *_row(call, names, 0, Usage())


def kept_call(row: Sequence[Any], hop: Hop, names: Names) -> Kept:
    """The call in this row of SELECT_CALLS, which led to this hop. Raises DamagedError."""
    same, *row = row
    own = () if hop.segment is None else hop.segment.ids
    return _kept(row, own[:same], hop.usage, names)


def kept_aside(row: Sequence[Any], names: Names) -> Kept:
    """The call whose COLUMNS these are. Raises DamagedError."""
    return _kept(row, (), Usage(), names)


def _row(call: Call, names: Names, same: int, usage: Usage) -> Row:
    computed, cached, decoded, _, seconds = call.usage
    kept = Kept(call.model, hash_of(call.prompt), *call[4:7], call.usage._replace(thrown=0), call.failed)
    whole = call.deltas == (len(call.ids),)
    return (
        names[call.model],
        kept.prompt,
        pack(call.ids[same:]) if call.ids[same:] else None,
        None if whole else _squeezed(call.deltas),
        _floats(call.logprobs) if call.logprobs else None,
        _other(computed, usage.computed),
        _other(cached, usage.cached),
        _other(decoded, len(call.ids)),
        None if seconds <= usage.seconds else round(seconds * 1000),  # its hop held nothing else: as long as that
        call.failed,
        _checksum(kept),
    )


def _kept(row: Sequence[Any], first: tuple[int, ...], usage: Usage, names: Names) -> Kept:
    model, prompt, ids, deltas, logprobs, computed, cached, decoded, ms, failed, checksum = row
    try:
        fed = first + unpack(ids or b"")
        spent = Usage(
            usage.computed if computed is None else computed,
            usage.cached if cached is None else cached,
            len(fed) if decoded is None else decoded,
            0,
            usage.seconds if ms is None else ms / 1000,
        )
        lengths = (len(fed),) if deltas is None else tuple(_spread(deltas))
        kept = Kept(names.text(model), prompt, fed, lengths, _numbers(logprobs or b""), spent, failed)
        if _checksum(kept) == checksum:
            return kept
    except (ValueError, KeyError, TypeError, IndexError):
        pass
    raise DamagedError("its rows are not as they were written")


def _checksum(kept: Kept) -> int:
    """Over all but the seconds, which a hop rounds in its own way."""
    words = repr((kept.model, kept.prompt, kept.deltas, kept.usage[:4], kept.failed))
    return zlib.crc32(_floats(kept.logprobs), zlib.crc32(pack(kept.ids), zlib.crc32(words.encode())))


def _other(value: int, usual: int) -> int | None:
    return None if value == usual else value


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    """How many ids they begin with alike."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _squeezed(lengths: Sequence[int]) -> bytes:
    """Runs of equal lengths, each as the length and how often it comes, in groups of 7 bits (LEB128)."""
    packed = bytearray()
    for length, run in groupby(lengths):
        for number in (length, len(list(run))):
            rest = number
            while rest > 127:
                packed.append(rest & 127 | 128)
                rest >>= 7
            packed.append(rest)
    return bytes(packed)


def _spread(packed: bytes) -> Iterator[int]:
    numbers, number, shift = list[int](), 0, 0
    for byte in packed:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(number)
            number = shift = 0
    for length, times in zip(numbers[::2], numbers[1::2], strict=True):
        if times > 1 << 24:
            raise ValueError(times)
        yield from (length,) * times


def _floats(numbers: Sequence[float]) -> bytes:
    packed = array("d", numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def _numbers(packed: bytes) -> tuple[float, ...]:
    numbers = array("d")
    numbers.frombytes(packed)
    if sys.byteorder == "big":
        numbers.byteswap()
    return tuple(numbers)


_SURPRISES = """
SELECT pen.text, h.n, c.logprobs, coalesce(c.same, length(h.ids) / 4)
FROM hop h JOIN call c ON c.id = 256 * h.id JOIN name pen ON pen.id = h.pen
WHERE h.rollout = ? AND h.model IS NOT NULL AND c.logprobs IS NOT NULL AND c.decoded IS NOT 0
"""


def surprises(query: Callable[..., list[Any]], rollout: int) -> dict[tuple[str, int], tuple[float, ...]]:
    """Minus the log-probability, in nats, of each id of each segment that a model wrote, by pen and number of the hop.

    Of the ids that were thrown away behind a segment there is none. A run holds them where it was recorded so.
    """
    found = {}
    for pen, n, packed, same in query(_SURPRISES, rollout):
        found[pen, n] = tuple(max(0.0, -each) for each in _numbers(packed)[:same])
    return {key: nats for key, nats in found.items() if nats}
