"""What recovery looks like in a run: every steered rollout read, and what that comes to, cell by cell."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, median
from typing import Any, NamedTuple

from relay.folding import walked
from relay.measure.ratios import Ratio, ratio
from relay.measure.recovery import KINDS, Kind, Steered, recovery
from relay.store.reader import Run
from relay.trajectory import Segment
from relay.walk import ROOT

_CLOSING = re.compile(r"<[^<>\n]{1,40}>\s*\Z")  # the tag at a thought's end
DISTRACTIONS = """
SELECT DISTINCT n.text FROM step h JOIN name n ON n.id = h.node JOIN name s ON s.id = h.stop
JOIN name w ON w.id = h.source JOIN rollout r ON r.id = h.rollout JOIN problem p ON p.id = r.problem
WHERE r.cell >= 0 AND s.text = 'steer' AND substr(w.text, 1, length(p.key) + 1) != p.key || '/'
"""
LENGTHS = """
SELECT r.id, r.problem, r.cell,
       coalesce(sum(h.decoded), 0) + coalesce(sum(CASE WHEN s.text = 'replayed' THEN length(h.ids) / 4 END), 0)
FROM rollout r JOIN hop h ON h.rollout = r.id LEFT JOIN name s ON s.id = h.stop
GROUP BY r.id
"""


class Seen(NamedTuple):
    """A steered rollout, read."""

    rollout: int
    cell: str
    problem: str
    outcome: str  # correct, wrong, undecided, or empty
    kind: Kind
    way: str | None  # restart, resume; None: it never returns
    back: int | None  # tokens of the thought behind the steer before it turns back
    sentence: int | None  # and sentences
    tokens: int  # of the thought behind the steer
    doubts: int  # words of doubt in it
    first_doubt: int | None  # tokens before the first of them
    length: int  # tokens of its own: the opening and all that it wrote
    alone: float | None  # tokens of fresh solos of the same problem, on the mean


class Looks(NamedTuple):
    """What the steered rollouts of a cell look like."""

    cell: str
    rollouts: int
    kinds: dict[Kind, int]
    correct: dict[Kind, int]  # of those of each kind, how many are right
    graded: dict[Kind, int]
    anew: int  # of all that return, those ignoring the steer too, how many begin their own problem anew
    back: float | None  # the median, in tokens, of those that return
    doubts: float | None  # words of doubt for 100 tokens of the thought behind the steer
    overhead: Ratio | None  # its own tokens against those of fresh solos of the same problem


def seen(run: Run) -> Iterator[Seen]:
    """Every rollout into which reasoning about another problem was put, in their order; none of other runs."""
    steers = distractions(run)
    if not steers:
        return
    questions = {problem.id: problem.question for problem in run.problems}
    solos = {
        f"{key}/{sample}": text[:thought]
        for key, sample, text, thought in run.query("SELECT problem, sample, text, thought FROM solo")
    }
    lengths = {rollout: rest for rollout, *rest in run.query(LENGTHS)}
    alone = _alone(run, lengths, steers)
    for row in run.rollouts("r.cell >= 0 AND r.stop IS NOT NULL AND stop.text NOT IN ('failed', 'missing')"):
        told = _told(run, row.id)
        place = next((i for i, (segment, _) in enumerate(told) if segment.author in steers), None)
        if place is None or not told[place + 1 :]:
            continue
        behind = _thought([segment for segment, _ in told[place + 1 :]])
        found = recovery(_steered(questions, solos, row.problem, told, place, "".join(text for text, _ in behind)))
        problem, _, length = lengths[row.id]
        yield Seen(
            row.id, row.cell, row.problem, row.outcome, found.kind, found.way, _tokens(behind, found.back),
            found.sentence if found.sentence >= 0 else None, sum(tokens for _, tokens in behind),
            found.doubts.times, _tokens(behind, found.doubts.first), length, alone.get(problem),
        )  # fmt: skip


def looks(rows: Sequence[Seen], cells: Sequence[str]) -> list[Looks]:
    """What they come to, for each cell that has any, in this order."""
    by_cell: dict[str, list[Seen]] = defaultdict(list)
    for row in rows:
        by_cell[row.cell].append(row)
    return [_looks(cell, by_cell[cell]) for cell in cells if cell in by_cell]


def looks_data(found: Looks) -> dict[str, Any]:
    """As plain data: counts, and shares in 0..1."""
    shares = {kind: count / found.rollouts for kind, count in found.kinds.items()}
    return {**found._asdict(), "shares": shares, "overhead": found.overhead and found.overhead._asdict()}


def _looks(cell: str, rows: Sequence[Seen]) -> Looks:
    tokens = sum(row.tokens for row in rows)
    pairs: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        if row.alone and row.length:
            pairs[row.problem].append((row.length, row.alone))
    returned = [row.back for row in rows if row.back is not None]
    return Looks(
        cell,
        len(rows),
        {kind: sum(row.kind == kind for row in rows) for kind in KINDS},
        {kind: sum(row.kind == kind and row.outcome == "correct" for row in rows) for kind in KINDS},
        {kind: sum(row.kind == kind and row.outcome != "" for row in rows) for kind in KINDS},
        sum(row.way == "restart" for row in rows),
        median(returned) if returned else None,
        100 * sum(row.doubts for row in rows) / tokens if tokens else None,
        ratio(pairs.values()),
    )


def distractions(run: Run) -> set[str]:
    """The nodes that put in reasoning about another problem than the rollout's own."""
    return {node for (node,) in run.query(DISTRACTIONS)}


def _alone(run: Run, lengths: Mapping[int, Sequence[int]], steers: set[str]) -> dict[int, float]:
    """The mean length of fresh solos, by problem: of the cell without the steer."""
    settings = [(i, json.loads(text)) for i, text in run.query("SELECT id, settings FROM cell")]
    fresh = {i for i, values in settings if steers & set(values.get("without", ()))}
    found: dict[int, list[int]] = defaultdict(list)
    for problem, cell, length in lengths.values():
        if cell in fresh:
            found[problem].append(length)
    return {problem: fmean(each) for problem, each in found.items()}


def _told(run: Run, number: int) -> list[tuple[Segment, str]]:
    """The segments of a rollout's thought, each with where it came from; what was dropped is not among them."""
    hops = run.hops(number)
    if not hops:
        return []
    sources = {id(hop.segment): hop.source for hop in hops}
    return [(segment, sources.get(id(segment), "")) for segment in walked(hops).pens[ROOT].trajectory.segments]


def _steered(
    questions: Mapping[str, str],
    solos: Mapping[str, str],
    problem: str,
    told: Sequence[tuple[Segment, str]],
    place: int,
    behind: str,
) -> Steered:
    steer, source = told[place]
    return Steered(
        questions[problem],
        "".join(segment.text for segment, _ in told[:place]),
        steer.text,
        behind,
        solos.get(next((origin for _, origin in told[:place] if origin), ""), ""),
        solos.get(source, ""),
        questions.get(source.rpartition("/")[0], ""),
    )


def _thought(segments: Sequence[Segment]) -> list[tuple[str, int]]:
    """The texts up to the closing of the thought, each with its tokens."""
    found = []
    for each in segments:
        text = each.text if each.closed < 0 else _CLOSING.sub("", each.text[: each.closed])
        found.append((text, round(each.tokens * len(text) / max(1, len(each.text)))))
        if each.closed >= 0:
            break
    return found


def _tokens(texts: Sequence[tuple[str, int]], at: int) -> int | None:
    """Tokens before this character, by its share of the text that it stands in; None for none."""
    if at < 0:
        return None
    before = 0
    for text, tokens in texts:
        if at <= len(text):
            return before + round(tokens * at / max(1, len(text)))
        at, before = at - len(text), before + tokens
    return before
