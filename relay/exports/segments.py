"""Every segment of a run as a row, with what became of it; and the thought that a rollout came to."""

from collections.abc import Iterator
from typing import Any

from relay.became import KEPT, became
from relay.store.reader import Run
from relay.walk import ROOT, Hop

COLUMNS = (
    "rollout", "problem", "cell", "sample", "fork", "pen", "n", "node", "visit", "model", "text", "stop", "matched",
    "tokens", "decoded", "thrown", "computed", "cached", "seconds", "source", "apart", "kept", "became",
)  # fmt: skip
_OWN = "SELECT count(*) FROM step WHERE rollout = ?"


def rows(run: Run) -> Iterator[tuple[Any, ...]]:
    """A row a segment, rollout by rollout; those that a fork shares with another rollout have cost it nothing."""
    for row in run.rollouts():
        hops = run.hops(row.id)
        shared = 0 if row.fork is None else len(hops) - run.query(_OWN, row.id)[0][0]
        for at, (hop, fate) in enumerate(zip(hops, became(hops), strict=True)):
            if hop.segment is not None:
                where = (row.id, row.problem, row.cell, row.sample, row.fork, hop.pen, hop.n, hop.node, hop.visit)
                yield (*where, *_facts(hop, shared=at < shared), fate.word == KEPT, fate.word)


def _facts(hop: Hop, *, shared: bool) -> tuple[Any, ...]:
    segment, usage = hop.segment, hop.usage
    assert segment is not None  # who asks looked
    costs = (0, 0, 0, 0, 0.0) if shared else (usage.decoded, usage.thrown, usage.computed, usage.cached, usage.seconds)
    apart = hop.extra.apart if hop.extra is not None else ""
    return segment.model, segment.text, segment.stop, segment.matched, segment.tokens, *costs, hop.source, apart


def rollouts(run: Run) -> Iterator[dict[str, Any]]:
    """A row a rollout, with the thought it came to."""
    for row in run.rollouts():
        yield {**row._asdict(), "text": run.walk(row.id).pens[ROOT].trajectory.text}
