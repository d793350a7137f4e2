"""What people do with a pen at its commits: each act is a hop, and while somebody holds the pen it waits."""

from collections.abc import AsyncGenerator

from relay.errors import TimeUpError
from relay.events import HopCommitted, Tokens
from relay.folding import advance
from relay.node import Desk, Stage
from relay.node.by_hand import RefusedError, hop_of
from relay.node.people import People
from relay.walk import BY_HAND, ROOT, VETO, VETOED, Hop, Pen


def stopped_by_hand(pen: Pen, hop: Hop, stage: Stage) -> tuple[Hop, Hop] | None:
    """Of a visit that a veto stopped: its hop, of which the pen takes no edge, and the veto's; None where none did.

    `pen` is as it was before, `hop` as the visit would have been committed.
    """
    people = stage.people
    if people is None or hop.segment is None or hop.segment.stop != VETOED:
        return None
    if (asked := people.vetoed(stage.rollout, pen)) is None:
        return None
    extra = hop.extra and hop.extra._replace(drops="")
    hop = hop._replace(to=pen.node, rest=None, why="", turn_ended=False, extra=extra)
    return hop, hop_of(asked._replace(data={}), advance(pen, hop), "", stage)


async def by_people(desk: Desk, pen: Pen, came: str, people: People) -> AsyncGenerator[Tokens | HopCommitted, None]:
    """All that is to be done here. `came`: the node whose edge the pen took last.

    A pen that waits is told of by an open segment of the node `(human)`. A branch's pen that has come to
    rest is past all that.
    """
    stage, held, pauses = desk.stage, False, people.pauses(desk.stage.rollout)
    while pen.rest is None or pen.path == ROOT:
        if (asked := people.due(pen, stage.rollout)) is not None:
            try:
                hop = hop_of(asked, pen, came, stage)
            except RefusedError as error:
                people.refuse(asked, str(error))
                continue
            pen, held = advance(pen, hop), False
            came = "" if asked.act == VETO else came
            yield HopCommitted(hop, pen)
        elif not people.holds(stage.rollout) or people.pauses(stage.rollout) > pauses:
            break
        elif not held:
            held = True
            yield Tokens(pen.path, BY_HAND, 0, 0, "")
        else:
            desk.deadline.hold()
            try:
                with desk.waiting():
                    await people.news()
            except TimeUpError:
                break  # others of its branch were first
            finally:
                desk.deadline.go_on()
    if held and pen.rest is None:
        yield Tokens(pen.path, pen.node, pen.visits.get(pen.node, 0) + 1, 0, "")
