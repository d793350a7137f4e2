"""Every canned scenario walks as written by hand, in scenarios/expected/NAME.yaml, over every edge of its graph.

A case says what scripted models say, which values are set, and the hops that follow: a node and what it wrote (a
judge its label, a pick the pen that it chose, nothing ""), and where the pen went. One pen's hops are in their order.
"""

import asyncio
import json
from collections import Counter
from functools import cache
from typing import Any

import pytest

from relay.language.reading import read
from relay.language.yaml_places import parse, plain
from relay.scenarios import FOLDER, canned
from relay.store.reader import Run
from relay.walk import IN_VAIN, PRIVATE, READING, TRIP, Extra, Hop

EXPECTED = FOLDER / "expected"
USUAL = {"problems": "{from: sums, limit: 1}", "compare": "[]"}  # 7 and 8 make 15; the second is 14


@cache
def cases(name: str) -> list[dict[str, Any]]:
    path = EXPECTED / f"{name}.yaml"
    found: Any = plain(parse(path.read_text(), path.name))
    return list(found)


def named() -> list[tuple[str, str]]:
    return [(path.stem, case["case"]) for path in sorted(EXPECTED.glob("*.yaml")) for case in cases(path.stem)]


def settings(case: dict[str, Any]) -> dict[str, str]:
    """The values set, scripted models first."""
    models = {f"models.{m}": json.dumps({"engine": "scripted", "says": says}) for m, says in case["says"].items()}
    others = case.get("set", {}).items()
    return {**USUAL, **models, **{path: v if isinstance(v, str) else json.dumps(v) for path, v in others}}


def told(hop: Hop) -> tuple[str, str, str]:
    """A hop as the files tell it: node, what it said, where to."""
    extra = hop.extra or Extra()
    wrote = hop.segment.text if hop.segment is not None else ""
    if extra.apart in IN_VAIN:
        return hop.node, wrote, extra.apart
    return (
        hop.node,
        extra.label if extra.apart in (PRIVATE, READING) or hop.source == TRIP else extra.chosen or wrote,
        hop.to,
    )


def by_pen(hops: list[tuple[str, tuple[str, str, str]]]) -> dict[str, list[tuple[str, str, str]]]:
    found: dict[str, list[tuple[str, str, str]]] = {}
    for pen, hop in hops:
        found.setdefault(pen, []).append(hop)
    return found


def expected(case: dict[str, Any]) -> list[tuple[str, tuple[str, str, str]]]:
    found = []
    for hop in case["hops"]:
        ((node, said),) = ((key, value) for key, value in hop.items() if key not in ("pen", "to"))
        found.append((str(hop.get("pen", "0")), (node, str(said), hop["to"])))
    return found


@pytest.mark.parametrize(("name", "title"), named())
def test_it_walks_as_written_by_hand(name: str, title: str, bench: Any) -> None:
    case = next(c for c in cases(name) if c["case"] == title)
    outcome = asyncio.run(bench.start_canned(name, settings(case)))
    number = case.get("rollout", 0)
    with Run(outcome.path) as run:
        assert by_pen([(h.pen, told(h)) for h in run.hops(number)]) == by_pen(expected(case))
        assert (run.rollout(number).state, run.rollout(number).outcome) == (
            case.get("state", "end"), case["verdict"],
        )  # fmt: skip


def edges(name: str) -> list[tuple[str, str]]:
    spec = read(name).cells[0].scenario.graph
    return [(node, edge.to) for node, exits in spec.edges.items() for edge in exits]


@pytest.mark.parametrize("name", canned())
def test_over_its_cases_every_edge_is_taken(name: str) -> None:
    """A hop tells its edge by where it leads to, so that no node has two edges to one other."""
    assert not any(path.startswith("graph.edges") for case in cases(name) for path in case.get("set", {}))
    there = edges(name)
    assert [edge for edge, n in Counter(there).items() if n > 1] == []
    taken = {(node, to) for case in cases(name) for _, (node, _, to) in expected(case)}
    assert set(there) <= taken


def test_every_canned_scenario_has_its_traces_and_no_other_has() -> None:
    assert {path.stem for path in EXPECTED.glob("*.yaml")} == set(canned())
