"""One scenario of four hops, greedy, on 100 problems: every engine that runs the same model writes the same.

Each hop ends in another way: at a token limit, at a sentence's end, at a text, at the end of the turn.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from relay.store import opening

PROBLEMS = 100
SCENARIO = """\
relay: 1
title: Four hops
models:
  a: {first}
  b: {second}
problems: {{from: chains, where: {{difficulty: [3, 4, 5]}}, limit: {problems}}}
graph:
  start: one
  answer: four
  nodes:
    one: {{write: a, until: {{tokens: 17}}}}
    two: {{write: b, until: {{sentences: 1}}}}
    three: {{write: a, until: [{{text: "="}}, {{tokens: 40}}]}}
    four: {{write: b}}
  edges: {{one: two, two: three, three: four, four: end}}
sampling: {{temperature: 0}}
budget: {{tokens: 600}}
verify: none
"""


class Hop(NamedTuple):
    """What one hop wrote."""

    node: str
    text: str
    ids: bytes
    stop: str


def scenario(first: str, second: str, problems: int = PROBLEMS) -> str:
    """The scenario with these two models, each a map in one line."""
    return SCENARIO.format(first=first, second=second, problems=problems)


def hops(run: Path) -> list[list[Hop]]:
    """What each rollout of this run wrote, by its number."""
    asked = (
        "SELECT h.rollout, node.text, h.text, h.ids, stop.text FROM hop h JOIN name node ON node.id = h.node "
        "LEFT JOIN name stop ON stop.id = h.stop ORDER BY h.rollout, h.n"
    )
    with opening.opened(run) as opened:
        found: dict[int, list[Hop]] = {}
        for rollout, *rest in opened.query(asked):
            found.setdefault(rollout, []).append(Hop(*rest))
    return [found[rollout] for rollout in sorted(found)]


def differences(one: Sequence[Sequence[Hop]], other: Sequence[Sequence[Hop]]) -> list[str]:
    """Where two runs differ: the first hop of each rollout that is not the same, and what each of them wrote."""
    assert len(one) == len(other)
    found = []
    for number, (a, b) in enumerate(zip(one, other, strict=True)):
        if list(a) != list(b):
            at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
            told = [repr(hops[at][1:2] + hops[at][3:]) if at < len(hops) else "nothing" for hops in (a, b)]
            found.append(f"rollout {number}, hop {at}: {told[0]} / {told[1]}")
    return found
