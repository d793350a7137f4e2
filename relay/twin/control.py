"""The control of the twin tests: a thought handed back to its own model must go on as if nobody had touched it."""

import json
from collections import defaultdict
from typing import NamedTuple

from relay.measure.paired import Counts, Equality, equality
from relay.measure.scores import COUNTS
from relay.store.reader import Run

MARGIN = 0.03  # of the share that is correct


class Control(NamedTuple):
    """One cell of the control, against the cell in which nothing is handed over."""

    cell: str
    equality: Equality


def control(run: Run) -> list[Control]:
    """The cells of a run that hands solos back unselected and puts nothing in; empty for any other run."""
    scenario = run.meta["scenario"]
    nodes = scenario["graph"]["nodes"].values()
    openings = [node["opens_with"] for node in nodes if node.get("opens_with")]
    if not openings or any("insert" in node for node in nodes) or scenario.get("select"):
        return []
    if any(opening.get("where", "any") != "any" for opening in openings):
        return []
    settings = [json.loads(text) for (text,) in run.query("SELECT settings FROM cell ORDER BY id")]
    fresh = next((i for i, values in enumerate(settings) if values.get("m") == 0), None)
    if fresh is None:
        return []
    by_cell = counts(run)
    alone = by_cell[fresh]
    others = [(i, name) for i, name in enumerate(run.cells) if i != fresh]
    pairs = {i: [(mine, alone[problem]) for problem, mine in by_cell[i].items() if problem in alone] for i, _ in others}
    return [Control(name, equality(pairs[i], MARGIN, among=len(others))) for i, name in others]


def verdict(found: list[Control]) -> str:
    """What the control says as a whole."""
    said = {each.equality.verdict for each in found}
    points = f"{100 * MARGIN:g} points"
    if "different" in said:
        return "the plumbing is suspect: a thought handed back to its own model scores otherwise than one left alone"
    if said == {"equal"}:
        return f"the plumbing holds: at every m as good as left alone, within {points} (two one-sided tests at 5 %)"
    return f"the plumbing cannot be judged within {points} by so few problems: take more problems or samples"


def counts(run: Run) -> dict[int, dict[int, Counts]]:
    """(Correct, graded) by cell and problem."""
    found: dict[int, dict[int, Counts]] = defaultdict(dict)
    for cell, problem, correct, wrong, undecided, *_ in run.query(COUNTS, verifier=run.verifier):
        found[cell][problem] = (correct, correct + wrong + undecided)
    return found
