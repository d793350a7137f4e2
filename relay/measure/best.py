"""The best of many cells, chosen on one half of the problems and measured on the other: no gain by lucky choice."""

from typing import NamedTuple

from relay.draws import generator
from relay.measure.gains import Gain, adjusted, compared, pairs
from relay.measure.graded import graded
from relay.measure.joint import common, only
from relay.measure.significance import shares
from relay.store.reader import Run


class Best(NamedTuple):
    """A choice."""

    among: tuple[str, ...]  # cells
    cell: str
    chosen_at: float  # its score on the problems it was chosen on
    chosen_on: int  # problems, graded in all of them
    gains: list[Gain]  # on the others, beside each of its baselines


def halves(problems: int, seed: int) -> tuple[list[int], list[int]]:
    """The problems in two halves, drawn."""
    order = list(range(problems))
    generator(seed, "", 0, "halves").shuffle(order)
    return sorted(order[: problems // 2]), sorted(order[problems // 2 :])


def best(run: Run, verifier: str = "") -> Best | None:
    """Of the cells that are compared with the same baselines, the one with the highest score on the first half.

    The first of those that are equally good. None where there is no choice, or nothing is graded in a half.
    """
    wanted = pairs(run)
    by_cell = {name: [base for cell, base in wanted if cell == name] for name, _ in wanted}
    cells = {run.cells[i]: found for i, found in graded(run, verifier).items()}
    shared = next((bases for bases in by_cell.values() if bases), [])
    names = [name for name, bases in by_cell.items() if bases == shared and name in cells]
    if len(names) < 2:
        return None
    first, second = halves(len(run.problems), run.meta["scenario"].get("seed", 0))
    chosen_on = common([only(cells[name], first) for name in names])  # what all were tried on
    if not len(chosen_on[0].problem):
        return None
    scores = {name: float(shares(of).mean()) for name, of in zip(names, chosen_on, strict=True)}
    name = max(scores, key=lambda each: scores[each])
    found = [
        compared(name, base, only(cells[name], second), only(cells[base], second)) for base in shared if base in cells
    ]
    gained = [each for each in found if each is not None]
    return Best(tuple(names), name, scores[name], len(set(chosen_on[0].problem)), adjusted(gained)) if gained else None
