"""Forks: rollouts that share the beginning of another one, which the file holds once."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from relay.store.rows import HOP_COLUMNS, WAY, Names, hop_of
from relay.walk import Hop

CELL = "c.name || coalesce(' · fork of ' || f.of, '')"  # of a rollout, with its cell c and its row f of `fork`
FORKED = -1  # the cell of a fork in the table `rollout`: it is in no figure
INSERT_FORK = "INSERT INTO fork VALUES (?, ?, ?, ?, ?)"
_UPTO = (
    f"{WAY} SELECT {HOP_COLUMNS} FROM way CROSS JOIN hop ON rollout = number AND id <= upto WHERE id <= ? ORDER BY id"
)
_STEP = f"""{WAY}
SELECT id FROM way CROSS JOIN step ON rollout = number AND id <= upto
WHERE pen = (SELECT id FROM name WHERE text = ?) AND n = ?
"""
_ROOT = f"{WAY} SELECT min(number) FROM way"
Query = Callable[..., list[Any]]


class Shared(NamedTuple):
    """The beginning that a fork shares."""

    root: int  # the number of the rollout of the plan that it goes back to
    upto: int  # step.id: the last shared one; 0: none
    hops: list[Hop]


def shared(query: Query, names: Names, rollout: int, pen: str, n: int) -> Shared | None:
    """What a fork after hop `n` of this pen (-1: before the first) begins with; None where there is none."""
    if not query("SELECT 1 FROM rollout WHERE id = ?", rollout):
        return None
    upto = 0
    if n >= 0:
        found = query(_STEP, rollout, pen, n)
        if not found:
            return None
        upto = found[0][0]
    return Shared(root(query, rollout), upto, [hop_of(row, names)[1] for row in query(_UPTO, rollout, upto)])


def root(query: Query, rollout: int) -> int:
    """The rollout of the plan that this one goes back to: itself, unless it is a fork."""
    return int(query(_ROOT, rollout)[0][0])


def path_of(hops: Sequence[Hop], pen: str) -> list[Hop]:
    """The hops along a pen's path: its parents' before it began, its own, and those that a pick went on from."""
    parent, _, place = pen.rpartition(".")
    return (_until(path_of(hops, parent), parent, int(place)) if parent else []) + _since(hops, pen)


def _since(hops: Sequence[Hop], pen: str) -> list[Hop]:
    """The hops along a pen's path since it began; a pen that it went on from may have picked itself."""
    found: list[Hop] = []
    for hop in hops:
        if hop.pen == pen:
            if hop.extra is not None and hop.extra.chosen.startswith(f"{pen}."):
                found += _since(hops, hop.extra.chosen)
            found.append(hop)
    return found


def _until(hops: list[Hop], parent: str, place: int) -> list[Hop]:
    """The parent's hops up to the branch at which its child number `place` began."""
    children = 0
    for at, hop in enumerate(hops):
        children += hop.branches if hop.pen == parent else 0
        if children > place:
            return hops[: at + 1]
    return hops


def written(path: Sequence[Hop]) -> list[Hop]:
    """Of a pen's path those hops that wrote a segment which others read, dropped ones too: they are counted from 1."""
    return [h for h in path if h.segment is not None and not (h.extra and h.extra.apart)]
