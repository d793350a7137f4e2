"""Which rollouts a cell of a page leads to: a list of numbers with the command, and a few whole traces."""

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from relay.store.reader import Run
from relay.trajectory import Segment
from relay.tui.safe import one_line, visible
from relay.walk import ROOT, Hop

LISTED = 12  # numbers for each outcome of a cell
WHOLE = 40  # traces in a page, for each of its runs
LONGEST = 3_000  # characters of one segment, half from either end
OUTCOMES = """
SELECT r.id, r.cell, coalesce(outcome.text, stop.text, 'open') FROM rollout r
LEFT JOIN name stop ON stop.id = r.stop
LEFT JOIN verdict v ON v.rollout = r.id AND v.verifier = (SELECT id FROM name WHERE text = :verifier)
LEFT JOIN name outcome ON outcome.id = v.outcome WHERE r.cell >= 0 ORDER BY r.id
"""


class Kind(NamedTuple):
    """The rollouts of a cell with one outcome."""

    outcome: str
    number: int
    first: tuple[int, ...]


class Block(NamedTuple):
    """A segment as it is shown."""

    author: str
    facts: str
    text: str


class Trace(NamedTuple):
    """A rollout as it is shown."""

    number: int
    head: str
    question: str
    blocks: tuple[Block, ...]
    verdict: str


class Led(NamedTuple):
    """A cell, where its points lead."""

    cell: int
    name: str
    command: str  # lists its rollouts
    kinds: tuple[Kind, ...]
    traces: tuple[Trace, ...]


def led(run: Run) -> list[Led]:
    """Every cell in the run's order; whole traces are dealt out so that each cell has one before any has two."""
    names = run.cells
    kinds = _kinds(run, len(names))
    chosen = _chosen(kinds)
    return [
        Led(i, visible(name), visible(_command(run, name)), kinds[i], tuple(_trace(run, n) for n in chosen[i]))
        for i, name in enumerate(names)
    ]


def _command(run: Run, cell: str) -> str:
    return shlex.join(["relay", "show", str(run.path), "--cell", cell])


def _kinds(run: Run, cells: int) -> list[tuple[Kind, ...]]:
    counts: list[dict[str, int]] = [{} for _ in range(cells)]
    first: list[dict[str, list[int]]] = [{} for _ in range(cells)]
    for rollout, cell, outcome in run.query(OUTCOMES, verifier=run.verifier):
        counts[cell][outcome] = counts[cell].get(outcome, 0) + 1
        if len(listed := first[cell].setdefault(outcome, [])) < LISTED:
            listed.append(rollout)
    return [
        tuple(Kind(outcome, counts[i][outcome], tuple(first[i][outcome])) for outcome in sorted(counts[i]))
        for i in range(cells)
    ]


def _chosen(kinds: Sequence[tuple[Kind, ...]]) -> list[list[int]]:
    """Of each cell a wrong one, then a right one, as long as there is room."""
    chosen: list[list[int]] = [[] for _ in kinds]
    left = WHOLE
    for outcome in ("wrong", "correct"):
        for i, of in enumerate(kinds):
            number = next((kind.first[0] for kind in of if kind.outcome == outcome), None)
            if number is not None and left:
                chosen[i].append(number)
                left -= 1
    return chosen


def _trace(run: Run, number: int) -> Trace:
    listed = run.rollout(number)
    blocks = tuple(_block(hop, hop.segment) for hop in run.hops(number) if hop.segment)
    found = one_line(listed.found or "(none)", 60)
    verdict = f"{listed.outcome or listed.state}: {found}; reference {one_line(listed.answer, 60)}"
    head = one_line(f"{listed.problem}, sample {listed.sample}", 100)
    return Trace(number, head, _short(run.problem_of(number).question), blocks, visible(verdict))


def _block(hop: Hop, segment: Segment) -> Block:
    apart = hop.extra.apart if hop.extra else ""
    besides = [f"of {hop.source}" if hop.source else "", "" if hop.pen == ROOT else f"pen {hop.pen}", apart]
    facts = [f"{segment.tokens:,} tokens", segment.stop, *filter(None, besides)]
    return Block(one_line(f"{hop.node} · {segment.model}", 80), one_line(" · ".join(facts), 160), _short(segment.text))


def _short(text: str) -> str:
    if len(text) <= LONGEST:
        return visible(text)
    half, left = LONGEST // 2, len(text) - LONGEST
    return visible(f"{text[:half]}\n[… {left:,} characters left out …]\n{text[-half:]}")
