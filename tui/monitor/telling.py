"""One rollout as it was at one moment, read from the file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from relay.problems import Problem
from relay.store.asking import Asked, requests_of
from relay.store.opening import opened
from relay.store.reader import Listed, Opinion
from relay.tui.monitor import surprise
from relay.tui.monitor.rollouts import Row
from relay.tui.monitor.story import Live
from relay.tui.monitor.surprise import Surprises
from relay.walk import BY_HAND, Hop


class Telling(NamedTuple):
    """A rollout: its hops, its open segments, its verdicts."""

    listed: Listed
    problem: Problem
    hops: Sequence[Hop]
    live: Mapping[str, Live]
    opinions: Sequence[Opinion]
    acts: Sequence[Asked]  # what people asked of it
    surprise: Surprises  # where the run recorded it
    scenario: Mapping[str, Any]
    last: tuple[object, ...]  # the last step, the open segments, the requests: what tells this from a later one


def tell(path: Path, number: int, before: "Telling | None" = None) -> "Telling | None":
    """Read it; None when nothing has come since `before`. Raises UserError when there is none."""
    with opened(path) as run:
        run.query("BEGIN")
        rows = run.query("SELECT pen, node, visit, tokens, tail FROM live WHERE rollout = ?", number)
        live = {row[0]: Live(*row) for row in rows}
        step = run.query("SELECT coalesce(max(id), 0) FROM step WHERE rollout = ?", number)[0][0]
        acts = requests_of(run, number)
        last = (step, sum(now.tokens for now in live.values()), [(act.id, act.taken) for act in acts])
        if before is not None and before.last == last and before.listed.state != "open":
            return None
        listed = run.rollout(number)
        if before is not None and before.last[0] == step:  # no new hop: the old ones need no reading
            hops, problem, scenario, nats = before.hops, before.problem, before.scenario, before.surprise
        else:
            hops, problem, scenario = run.hops(number), run.problem_of(number), run.meta["scenario"]
            nats = surprise.read(run, number)
        merged = {pen: _grown(before.live.get(pen) if before else None, now) for pen, now in live.items()}
        return Telling(listed, problem, hops, merged, run.opinions(number), acts, nats, scenario, last)


def _grown(before: Live | None, now: Live) -> Live:
    """The open segment with what was seen of its beginning: the file keeps the last 2,000 characters only."""
    if before is None or (before.node, before.visit) != (now.node, now.visit) or len(now.tail) < 2000:
        return now
    at = before.tail.rfind(now.tail[:80])
    return now._replace(tail=before.tail[:at] + now.tail if at >= 0 else f"{before.tail} … {now.tail}")


def rows_of(path: Path, numbers: Sequence[int], asks: frozenset[str] = frozenset()) -> dict[int, Row]:
    """Lines of the list. `asks`: nodes at which a person is asked."""
    holes = ", ".join("?" * len(numbers))
    with opened(path) as run:
        live: dict[int, int] = {}
        waits: dict[int, str] = {}
        for number, node, tokens in run.query(
            f"SELECT rollout, node, tokens FROM live WHERE rollout IN ({holes})", *numbers
        ):
            live[number] = live.get(number, 0) + tokens
            if node == BY_HAND or node in asks:
                waits[number] = "paused" if node == BY_HAND else "asks"
        rows = run.rollouts(f"r.id IN ({holes})", *numbers)
        return {row.id: Row(row, live.get(row.id, 0), waits.get(row.id, "")) for row in rows}
