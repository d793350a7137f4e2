"""What a call is answered with: the recorded call, or the hop that it led to; and what differs where there is none."""

import zlib
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from relay.engine import Purpose, Request
from relay.errors import EngineError, TimeUpError
from relay.prepare.solos import NODE as POOL
from relay.replay.prompts import Prompts
from relay.replay.source import Source, Visited
from relay.seam.cuts import Settled
from relay.seam.tokens import CLOSE, Tokenizer
from relay.seam.watched import TRIPPED
from relay.store.calls import COLUMNS, DamagedError, Kept, hash_of, kept_aside
from relay.store.rows import unpack
from relay.trajectory import Usage
from relay.verifiers.judge import NODE as JUDGE
from relay.walk import VETOED, Hop, StopReason

OUTSIDE = ("budget seconds", "engine", "turn", "garbled", TRIPPED, VETOED)  # stops that no id need show


class Played(NamedTuple):
    """What to say."""

    ids: tuple[int, ...]
    deltas: tuple[int, ...]
    logprobs: tuple[float, ...]
    usage: Usage
    failed: str | None = None
    stop: str = ""  # how the segment ended; empty where only the ids say so
    settled: Settled | None = None  # how it ended, where the ids that were thrown away are not known
    entropy: float | None = None  # how unsure it was of the first id, where the run asked
    stopped: bool = False  # it was stopped, and never came to its end


class Finder:
    """Finds what one model of a recorded run said."""

    def __init__(self, source: Source, model: str, tokenizer: Tokenizer, prompts: Prompts) -> None:
        self._source = source
        self._model = model
        self._tokenizer = tokenizer
        self._prompts = prompts

    def find(self, request: Request) -> Played:
        """What was said to this prompt for this purpose. Raises EngineError, which says what differs first."""
        try:
            if request.purpose.node in (POOL, JUDGE):
                return self._aside(request)
            return self._visit(request)
        except DamagedError as error:
            raise EngineError(f"{self._told(request)} is damaged in {self._source.path}: {error}") from error

    def _visit(self, request: Request) -> Played:
        source, (problem, sample, node, visit, pen) = self._source, request.purpose
        number = source.rollout(problem.id, sample, request.cell)
        visits = source.visits(number)
        visited = visits.get((pen, node, visit))
        if visited is None:
            last = next((f"; pen {p} ends there at {n} (visit {v})" for p, n, v in reversed(visits) if p == pen), "")
            raise EngineError(f"{self._told(request)} is not in {source.path}, rollout {number}{last}")
        calls, hop = source.calls(visited), visited.hop
        author = calls[0].model if calls else hop.segment.model if hop.segment else self._model
        if author != self._model:
            raise EngineError(
                f"{self._told(request)} was a call of {author!r} in {source.path}, not of {self._model!r}"
            )
        if not calls:
            return self._from_hop(request, number, visited)
        wanted = hash_of(request.prompt)
        for call in calls:
            if call.prompt == wanted:
                stop = hop.segment.stop if hop.segment is not None else "turn"
                failed, sure = call.failed or None, hop.extra and hop.extra.entropy
                late = hop.rest == StopReason.LATE
                return Played(call.ids, call.deltas, call.logprobs, call.usage, failed, stop, None, sure, late)
        was = self._prompts.of(number, self._model, visited)
        raise EngineError(self._differs(request, was if was and hash_of(was) == calls[0].prompt else None))

    def scores(self, purpose: Purpose, cell: str, prompt: Sequence[int], texts: Sequence[Sequence[int]]) -> Kept:
        """The call that asked how probable these texts were behind this prompt. Raises EngineError."""
        source, (problem, sample, node, visit, pen) = self._source, purpose
        number = source.rollout(problem.id, sample, cell)
        told, visited = self._where(purpose, cell), source.visits(number).get((pen, node, visit))
        if visited is None:
            raise EngineError(f"{told} is not in {source.path}, rollout {number}")
        try:
            calls = source.calls(visited)
        except DamagedError as error:
            raise EngineError(f"{told} is damaged in {source.path}: {error}") from error
        asked = self._model, hash_of(prompt), tuple(chain(*texts)), tuple(map(len, texts))
        found = next((call for call in calls if call[:4] == asked), None)
        if found is None:
            raise EngineError(f"{told} has another prompt, other labels or another judge than in {source.path}")
        if found.failed:
            raise EngineError(found.failed)
        if found.failed is not None and visited.hop.rest != StopReason.LATE:
            raise TimeUpError(f"{told} came too late")
        return found

    def _from_hop(self, request: Request, number: int, visited: Visited) -> Played:
        hop = visited.hop
        was = self._prompts.of(number, self._model, visited)
        if was is not None and was != request.prompt:
            raise EngineError(self._differs(request, was))
        if hop.rest == StopReason.FAILED:
            raise EngineError(hop.why)
        if hop.rest == StopReason.SECONDS and hop.segment is None:
            raise TimeUpError(f"{self._told(request)} came too late")
        settled = _settled(hop)
        sure = hop.extra and hop.extra.entropy
        ids, late = settled.ids, hop.rest == StopReason.LATE
        if visited.back:  # what a watcher took back comes again, and is taken back again
            ids = (*ids[: hop.usage.decoded], *visited.back)
        return Played(ids, (len(ids),), (), hop.usage, None, settled.stop, settled, sure, late)

    def _aside(self, request: Request) -> Played:
        """A pool sample or a judge's reply; the last one, where it was made again."""
        source, (problem, sample, node, visit, pen) = self._source, request.purpose
        wanted, other, found = hash_of(request.prompt), list[bytes](), None
        source.look_again()
        names = source.names
        if source.recorded and problem.id in names and self._model in names:
            sql = f"SELECT visit, pen, cell, asked, {COLUMNS} FROM aside WHERE problem = ? AND sample = ? AND node = ?"
            rows = source.query(f"{sql} ORDER BY id DESC", names[problem.id], sample, names[node])
            for row in rows:
                elsewhere = request.cell and names.text(row[2]) != request.cell
                if row[4] != names[self._model] or (row[0], names.text(row[1])) != (visit, pen) or elsewhere:
                    continue
                if row[5] == wanted:
                    found = kept_aside(row[4:], names)
                    break
                other.append(row[3])
        if found is not None:
            return _heard(found)
        if other:
            raise EngineError(self._differs(request, unpack(zlib.decompress(other[0]))))
        return self._solo(request) if node == POOL else self._judgement(request)

    def _solo(self, request: Request) -> Played:
        """A pool sample that the run used and did not draw itself."""
        problem, sample, *_ = request.purpose
        rows = self._source.query(
            "SELECT text, ids, thought FROM solo WHERE problem = ? AND sample = ? AND model = "
            "(SELECT id FROM name WHERE text = ?)",
            problem.id, sample, self._model,
        )  # fmt: skip
        if not rows:
            raise EngineError(f"{self._told(request)} is not in {self._source.path}")
        text, packed, thought = rows[0]
        ids = unpack(packed)
        closed = thought + len(CLOSE) if text.startswith(CLOSE, thought) else -1
        settled = Settled(ids, text, "turn", closed=closed, turn_ended=True)
        return Played(ids, (len(ids),), (), Usage(len(request.prompt), 0, len(ids)), None, "turn", settled)

    def _judgement(self, request: Request) -> Played:
        """A judge's reply by its text, which is all that a run keeps without a recording."""
        problem, sample, *_ = request.purpose
        rows = self._source.query(
            "SELECT text, computed, cached, decoded, thrown FROM judgement WHERE rollout = ? AND model = "
            "(SELECT id FROM name WHERE text = ?)",
            self._source.rollout(problem.id, sample, request.cell), self._model,
        )  # fmt: skip
        if len(rows) != 1:
            why = "it judged more than once, and only a recording tells which" if rows else "it is not there"
            raise EngineError(f"{self._told(request)} is not known from {self._source.path}: {why}")
        text, computed, cached, decoded, thrown = rows[0]
        ids = tuple(self._tokenizer.encode(text))
        closed = text.find(CLOSE)
        closed = -1 if closed < 0 or self._tokenizer.think is None else closed + len(CLOSE)
        recoded = len(ids) - (decoded or 0)
        settled = Settled(ids, text, "turn", "", thrown or 0, recoded, closed, True)
        return Played((), (), (), Usage(computed or 0, cached or 0, decoded or 0), None, "turn", settled)

    def _differs(self, request: Request, was: Sequence[int] | None) -> str:
        """In words, where this prompt leaves the recorded one."""
        now, told = request.prompt, f"{self._told(request)} has another prompt than in {self._source.path}"
        if was is None:
            return told
        at = next((i for i, (a, b) in enumerate(zip(now, was, strict=False)) if a != b), min(len(now), len(was)))
        here, there = (self._id(ids, at) for ids in (now, was))
        return f"{told}: from id {at} on, which is {here} here and {there} there"

    def _id(self, ids: Sequence[int], at: int) -> str:
        if at >= len(ids):
            return "its end"
        size = self._tokenizer.size
        text = self._tokenizer.bytes_of(ids[at : at + 1]).decode(errors="replace") if ids[at] < size else ""
        return f"{ids[at]} ({text!r})"

    def _told(self, request: Request) -> str:
        return self._where(request.purpose, request.cell)

    def _where(self, purpose: Purpose, cell: str) -> str:
        problem, sample, node, visit, pen = purpose
        where = f", cell {cell}" if len(self._source.cells) > 1 else ""
        return f"{node} (visit {visit} of pen {pen}, problem {problem.id!r}, sample {sample}{where})"


def _settled(hop: Hop) -> Settled:
    """How the cut of this hop settled, from what the hop keeps."""
    segment, usage = hop.segment, hop.usage
    if segment is None:
        return Settled((), "", "turn", "", usage.thrown, 0, -1, True)
    recoded = len(segment.ids) - usage.decoded
    ended = segment.stop == "turn"
    return Settled(
        segment.ids, segment.text, segment.stop, segment.matched, usage.thrown, recoded, segment.closed, ended
    )


def _heard(call: Kept) -> Played:
    """A call that no hop tells of."""
    if call.failed == "":
        raise TimeoutError("its caller had waited long enough")
    return Played(call.ids, call.deltas, call.logprobs, call.usage, call.failed)
