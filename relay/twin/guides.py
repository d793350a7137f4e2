"""Guidability by several guides in one table: by guide, by n, and the mean of each.

The means differ where the guides solve unequally many of the model's problems.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from relay.language.reading import from_tree
from relay.prepare.run import rules_of
from relay.store.reader import Run
from relay.twin.effect import Effect, as_data, beside, effect

GUIDE = "guide"  # its name in every canned test
SOLVED = "SELECT n.text, s.problem, s.solved FROM solved s JOIN name n ON n.id = s.model"


class Guided(NamedTuple):
    """What one guide's help came to."""

    guide: str
    problems: int  # of the run
    unguided: int  # problems that would have been the model's, but the guide never solved them as often as wanted
    effect: Effect


class Guides(NamedTuple):
    """One model's guides."""

    model: str
    guides: list[Guided]

    @property
    def cells(self) -> list[str]:
        """The cells, by n, of all of them."""
        return list(dict.fromkeys(line.cell for each in self.guides for line in each.effect.cells))

    def by_cell(self) -> dict[str, tuple[int, int]]:
        """(Correct, graded) of each cell, over the rollouts of all guides."""
        sums = dict.fromkeys(self.cells, (0, 0))
        for each in self.guides:
            for line in each.effect.cells:
                correct, graded = sums[line.cell]
                sums[line.cell] = correct + line.correct, graded + line.graded
        return sums

    def corrected_by_cell(self) -> dict[str, tuple[int, int]] | None:
        """The same without spoilers; None unless they were looked for in all runs."""
        sums = dict.fromkeys(self.cells, (0, 0))
        for each in self.guides:
            for line in each.effect.cells:
                if line.spoiled is None:
                    return None
                sums[line.cell] = _plus(sums[line.cell], line.spoiled.corrected)
        return sums

    @property
    def over_guides(self) -> float | None:
        """The mean of the guides' scores: each guide weighs the same."""
        return mean([each.effect.steered.score for each in self.guides])

    @property
    def over_n(self) -> float | None:
        """The mean of the cells' scores: each rollout weighs the same within a cell."""
        return mean([share(counts) for counts in self.by_cell().values()])

    @property
    def told(self) -> str:
        """How the two means go together."""
        numbers = [each.problems for each in self.guides]
        if len(set(numbers)) == 1:
            return f"All guides have {numbers[0]:,} problems."
        said = ", ".join(f"{each.problems:,} by {each.guide}" for each in self.guides)
        return f"Guides have unequal numbers of problems ({said}): means over guides and over n weigh them differently."


def guides_of(runs: Sequence[Run]) -> list[Guides]:
    """The guidability runs among these, by model; only models with several guides."""
    from relay.twin.ceiling import is_ceiling

    found: dict[str, list[Guided]] = {}
    for run in runs:
        models = run.meta.get("models", {})
        if GUIDE in models and "main" in models and not is_ceiling(run.meta["scenario"]):
            found.setdefault(_name(models["main"]), []).append(guided(run, _name(models[GUIDE])))
    return [Guides(model, each) for model, each in found.items() if len({g.guide for g in each}) > 1]


def guided(run: Run, guide: str) -> Guided:
    """One run of guidability."""
    return Guided(guide, run.query("SELECT count(*) FROM problem")[0][0], _unguided(run), effect(run))


def _unguided(run: Run) -> int:
    """Problems for which all rules of the selection hold but the guide's."""
    rules = rules_of(from_tree(run.meta["scenario"], run.meta["source"]).cells[0].scenario)
    solved: dict[str, dict[str, int]] = {}
    for model, problem, times in run.query(SOLVED):
        solved.setdefault(model, {})[problem] = times
    of_guide = [rule for rule in rules if rule.model == GUIDE]
    others = [rule for rule in rules if rule.model != GUIDE]
    wanted = [p for p in solved.get("main", {}) if all(r.holds(solved[r.model][p]) for r in others)]
    return sum(not all(r.holds(solved[r.model][p]) for r in of_guide) for p in wanted)


def data(of: Guides) -> dict[str, Any]:
    """As JSON has it."""
    corrected = of.corrected_by_cell()
    return {
        "guides": [
            {
                "guide": each.guide,
                "problems": each.problems,
                "unguided": each.unguided,
                "alone": each.effect.alone and as_data(each.effect.alone),
                "steered": beside(each.effect.steered),
                "cells": [{"cell": line.cell, **beside(line)} for line in each.effect.cells],
            }
            for each in of.guides
        ],
        "by_n": [
            {"cell": cell, **counted(counts), "corrected": corrected and counted(corrected[cell])}
            for cell, counts in of.by_cell().items()
        ],
        "mean_over_guides": of.over_guides,
        "mean_over_n": of.over_n,
        "note": of.told,
    }


def counted(counts: tuple[int, int]) -> dict[str, Any]:
    """Counts with their share."""
    return {"correct": counts[0], "graded": counts[1], "score": share(counts)}


def share(counts: tuple[int, int]) -> float | None:
    """Correct of graded; None of nothing."""
    return counts[0] / counts[1] if counts[1] else None


def mean(shares: Sequence[float | None]) -> float | None:
    """The plain mean of those that there are."""
    there = [each for each in shares if each is not None]
    return sum(there) / len(there) if there else None


def _plus(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return a[0] + b[0], a[1] + b[1]


def _name(facts: Mapping[str, str]) -> str:
    return facts.get("model") or facts.get("script") or facts["engine"]
