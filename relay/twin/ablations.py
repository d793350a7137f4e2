"""Ablations of recoverability: the same test with one thing changed, each a run of its own on the same problems.

The problems, the originals and the distracting problems are those of the plain test: they hang on the seed alone.
"""

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

OPENING, LONGER, BY = "keep-opening", "longer", "distracted-by-"
TITLES = {OPENING: "keeping the opening", LONGER: "longer distractions"}
LONG, LONG_OF_FEW = 0.4, 0.8  # n: the paper's, and for the short thoughts of the models that ship
TOO_LONG = 0.8  # the m that leaves no room for it


class Ablation(NamedTuple):
    """What is changed, as it is called, and the values that change it."""

    name: str
    sets: dict[str, str]

    @property
    def title(self) -> str:
        """In words."""
        return TITLES.get(self.name) or self.name.replace(BY, "distracted by ", 1)


def ablations(
    opening: bool, longer: float, distractors: Sequence[str], engine_of: "dict[str, str]"
) -> Iterator[Ablation]:
    """Those that are wished for; `longer` is an n, or 0; `engine_of` is how a scenario says each distractor."""
    if opening:  # the paragraph that states the problem stays, even at m = 0; the fresh solos have none
        kept = {"graph.nodes.main.opens_with.keep_paragraphs": '"{opening}"', "sweep.over.opening": "[1]"}
        yield Ablation(OPENING, {**kept, "sweep.also.0.opening": "0"})
    if longer:
        out = [{"m": TOO_LONG, "n": longer}]
        yield Ablation(LONGER, {"sweep.over.n": f"[{longer}]", "sweep.except": json.dumps(out)})
    for model in distractors:
        sets = {"models.distractor": engine_of[model], "graph.nodes.steer.insert.pool": "distractor"}
        yield Ablation(f"{BY}{model}", sets)
