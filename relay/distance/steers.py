"""The steers of a finished run, each with the ids that its reader was given: before it, and of it."""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import NamedTuple

from relay.language.reading import Reading
from relay.node.write import Write
from relay.replay.source import Source
from relay.seam.handoff import Reader
from relay.seam.policies import Policy
from relay.seam.templates import Head
from relay.seam.tokens import Tokenizer
from relay.store.rows import unpack
from relay.trajectory import STEER, Trajectory
from relay.walk import Hop

REPLAYED = "replayed"  # how what a node opened with has stopped

_STEERS = "SELECT s.rollout, s.id FROM step s JOIN name n ON n.id = s.stop WHERE n.text = ? ORDER BY s.rollout, s.id"
_KNOWN = "SELECT hop FROM distance WHERE logprob IS NOT NULL"
_HEAD = "SELECT h.ids, h.text, thinking FROM head h JOIN name n ON n.id = h.model WHERE n.text = ? AND problem = ?"


class Steer(NamedTuple):
    """A steer, and who went on from it."""

    step: int
    rollout: int
    reader: str  # the model's name
    before: Trajectory
    after: Trajectory  # the steer is its last segment


def steers(source: Source, reading: Reading) -> Iterator[Steer]:
    """Those whose distance is not known yet, one by one; what nobody went on from is nobody's steer."""
    there = source.query("SELECT 1 FROM sqlite_master WHERE name = 'distance'")
    known = {hop for (hop,) in source.query(_KNOWN)} if there else set()
    for rollout, step in source.query(_STEERS, STEER):
        if step in known:
            continue
        visits = source.visits(rollout).values()
        nodes = reading.cells[rollout % len(reading.cells)].scenario.graph.nodes
        for visited in visits:
            if visited.step == step and visited.hop.segment is not None:
                line = [visited, *(v for v in visits if v.step > step and _same_line(v.hop.pen, visited.hop.pen))]
                if reader := _reader([v.hop for v in line], nodes):
                    yield Steer(step, rollout, reader, visited.before, visited.before.add(visited.hop.segment))


def _same_line(pen: str, first: str) -> bool:
    """Whether a pen is the first, or comes from it; where it branched only the first branch counts."""
    return pen == first or pen.startswith(f"{first}.0")


def _reader(hops: list[Hop], nodes: Mapping[str, object]) -> str:
    """The model that wrote, or would have, at the first node that writes after the steer; empty where none does."""
    for hop, then in zip_longest(hops, hops[1:]):
        node = nodes.get(hop.starts or hop.to)
        if isinstance(node, Write):
            written = then.segment if then is not None else None
            if written is not None and written.stop != REPLAYED:
                return written.model
            return node.write if isinstance(node.write, str) else node.write[0]
    return ""


class Ids(NamedTuple):
    """A steer as its reader was given it."""

    before: list[int]  # the whole prompt up to it
    steer: list[int]


def ids_of(steer: Steer, source: Source, tokenizer: Tokenizer, policies: Mapping[str, Policy]) -> Ids:
    """The reader's ids, by the same rules as when it wrote. Raises SeamError."""
    problem = steer.rollout // len(source.cells) % len(source.problems)
    ((ids, text, thinking),) = source.query(_HEAD, steer.reader, problem)
    reader = Reader(tokenizer, Head(unpack(ids), text, thinking), policies)
    before = reader.prompt(steer.before).ids
    return Ids(before, reader.prompt(steer.after).ids[len(before) :])
