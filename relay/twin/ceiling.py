"""The fully-solved control: guidance on problems that a model always solves must leave it near the ceiling."""

from collections.abc import Mapping
from typing import Any

from relay.measure.paired import Equality, equality
from relay.measure.spoiled import tallies
from relay.store.reader import Run
from relay.twin.control import MARGIN
from relay.twin.effect import fresh_cell, joined, steered_cells
from relay.twin.shared import rules


def is_ceiling(scenario: Mapping[str, Any]) -> bool:
    """Whether a run guides where nothing is to be gained: a right solution, and problems solved so often as can be."""
    picks = [node.get("insert") for node in scenario["graph"]["nodes"].values()]
    guides = any(isinstance(pick, dict) and pick.get("of") == "this problem" for pick in picks)
    least = [str(rule.get("at_least", "")).split("/") for rule in rules(scenario) if rule.get("solved") == "main"]
    return guides and any(len(ratio) == 2 and ratio[0] == ratio[1] for ratio in least)


def harm(run: Run) -> Equality | None:
    """All steered cells together against fresh solos; None for a run that is not this control."""
    alone = fresh_cell(run)
    if not is_ceiling(run.meta["scenario"]) or alone is None:
        return None
    found = tallies(run)
    steered, baseline = joined(found.get(i, {}) for i, _ in steered_cells(run)), found.get(alone, {})
    return equality([(t.counts, baseline[p].counts) for p, t in steered.items() if p in baseline], MARGIN)


def verdict(found: Equality) -> str:
    """What the control says; better than alone is no harm."""
    points = f"{100 * MARGIN:g} points"
    if found.difference is None:
        return "guidance where none is needed cannot be judged: nothing was graded"
    if found.difference.low > -MARGIN:
        return f"guidance where none is needed does no harm: at most {points} below fresh solos (one-sided test at 5 %)"
    if found.verdict == "different" and found.difference.mean < 0:
        return "guidance where none is needed harms: fewer answers are right than in fresh solos"
    return f"guidance where none is needed cannot be judged within {points} by so few problems"
