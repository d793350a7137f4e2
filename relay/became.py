"""What became of each segment of a rollout: a part of a pen's thought, or why it is none."""

from collections.abc import Sequence
from typing import NamedTuple

from relay.folding import begun_by, fold
from relay.walk import BY_HAND, EDIT, PRIVATE, READING, ROOT, TAKEN_BACK, VETO, Hop

KEPT, DROPPED = "kept", "dropped"  # in the thought; cut out of it by an edge
REPLACED, VETOED = "replaced by hand", "vetoed by hand"
JUDGE, OTHER = "a judge's", "another pen's"  # the word of a judge; of a pen whose way this thought does not go


class Fate(NamedTuple):
    """What became of one hop's segment."""

    word: str = ""  # KEPT, DROPPED, REPLACED, VETOED, TAKEN_BACK, "discarded", JUDGE or OTHER; empty: it left none
    by: int = -1  # the place of the hop that took it out of the thought; -1: none did


def became(hops: Sequence[Hop], pen: str = ROOT) -> list[Fate]:
    """What became of each hop's segment, as this pen's thought stands after all of them."""
    if not hops:
        return []
    walk, taken = begun_by(hops[0]), dict[int, list[int]]()  # by segment: the hops that took it out of some thought
    for at, hop in enumerate(hops):
        before, walk = walk.pens[hop.pen].trajectory, fold(walk, hop)
        after = walk.pens[hop.pen].trajectory
        if (hop.extra is not None and hop.extra.drops) or hop.node == BY_HAND:
            still = {id(segment) for segment in after.newest_first()}
            for segment in before.newest_first():
                if id(segment) not in still:
                    taken.setdefault(id(segment), []).append(at)
            if hop.segment is not None and id(hop.segment) not in still:
                taken.setdefault(id(hop.segment), []).append(at)
    kept = {id(segment) for segment in walk.pens[pen].trajectory.newest_first()} if pen in walk.pens else set()
    return [_fate(hops, hop, kept, taken, pen) for hop in hops]


def _fate(hops: Sequence[Hop], hop: Hop, kept: set[int], taken: dict[int, list[int]], pen: str) -> Fate:
    if (segment := hop.segment) is None:
        return Fate()
    if hop.extra is not None and hop.extra.apart:
        return Fate(JUDGE if hop.extra.apart in (PRIVATE, READING) else hop.extra.apart)
    if id(segment) in kept:
        return Fate(KEPT)
    if (by := taken.get(id(segment))) is None:
        return Fate(OTHER)
    at = next((at for at in by if hops[at].pen == pen), by[-1])
    act = hops[at].source.partition(" ")[0] if hops[at].node == BY_HAND else ""
    return Fate({EDIT: REPLACED, VETO: VETOED}.get(act, DROPPED), at)


def as_written(path: Sequence[Hop]) -> list[int]:
    """Places of the hops as their texts were written: what was taken back of a visit behind what is kept of it."""
    order, back = list[int](), list[int]()
    for at, hop in enumerate(path):
        if hop.extra is not None and hop.extra.apart == TAKEN_BACK:
            back.append(at)
        elif back and (hop.node, hop.visit) == (path[back[-1]].node, path[back[-1]].visit):
            order += [at, *back]
            back.clear()
        else:
            order.append(at)
    return order + back
