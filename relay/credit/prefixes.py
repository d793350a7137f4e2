"""From where continuations are drawn: before each segment of a rollout's final thought."""

from collections.abc import Iterator
from typing import NamedTuple

from relay.folding import begun_by, fold
from relay.store.reader import Run
from relay.trajectory import Trajectory
from relay.walk import ROOT, Walk

ROLLOUTS = """
SELECT r.id, r.problem, r.sample, r.cell FROM rollout r
JOIN verdict v ON v.rollout = r.id AND v.verifier = (SELECT id FROM name WHERE text = ?)
JOIN cell c ON c.id = r.cell
WHERE json_extract(c.settings, '$.baseline') IS NULL AND (c.name = ? OR ? = '') ORDER BY r.id
"""
DRAWN = """
SELECT rollout, place, drawn, tried FROM chance WHERE model = (SELECT id FROM name WHERE text = ?)
"""


class Wanted(NamedTuple):
    """What is asked for."""

    by: str = ""  # the model that goes on; empty: that of the first `solo MODEL` in `compare:`
    samples: int = 4  # continuations from each prefix
    cell: str = ""  # only rollouts of this cell
    limit: int | None = None  # at most so many rollouts of each cell


class Moved(NamedTuple):
    """A segment of a rollout's final thought."""

    step: int
    before: Trajectory
    spent: int  # tokens of the pen before it


class Prefix(NamedTuple):
    """From where continuations are to be drawn."""

    rollout: int
    problem: int
    cell: int
    place: int
    moved: Moved
    last: bool
    first: int  # the number of the first continuation: those before it are there
    times: int


def prefixes(run: Run, wanted: Wanted) -> Iterator[Prefix]:
    """Those that lack continuations, rollout by rollout."""
    drawn = run.query(DRAWN, wanted.by) if run.has("chance") else ()
    known = {(rollout, place): (tries, graded) for rollout, place, tries, graded in drawn}
    taken: dict[int, int] = {}
    for rollout, problem, _, cell in run.query(ROLLOUTS, run.verifier, wanted.cell, wanted.cell):
        taken[cell] = taken.get(cell, 0) + 1
        if wanted.limit is not None and taken[cell] > wanted.limit:
            continue
        final = segments(run, rollout)
        for place, moved in enumerate(final):
            tries, graded = known.get((rollout, place), (0, 0))
            if graded < wanted.samples:
                last = place == len(final) - 1
                yield Prefix(rollout, problem, cell, place, moved, last, tries, wanted.samples - graded)


def segments(run: Run, rollout: int) -> list[Moved]:
    """The segments of the rollout's final thought, each with what lay before it."""
    steps = [step for (step,) in run.query("SELECT id FROM step WHERE rollout = ? ORDER BY id", rollout)]
    found: dict[int, Moved] = {}
    walk: Walk | None = None
    kept: list[Trajectory] = []  # alive, so that no two have one id
    for step, hop in zip(steps, run.hops(rollout), strict=True):
        walk = walk or begun_by(hop)
        before = walk.pens[hop.pen]
        walk = fold(walk, hop)
        after = walk.pens[hop.pen].trajectory
        if hop.segment is not None and after.segment is hop.segment:
            kept.append(after)
            found[id(after)] = Moved(step, before.trajectory, before.tokens)
    here: Trajectory | None = walk.pens[ROOT].trajectory if walk is not None else None
    line = []
    while here is not None and here.segment is not None:
        line.append(found[id(here)])
        here = here.parent
    return line[::-1]
