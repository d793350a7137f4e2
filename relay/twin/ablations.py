"""Ablations of recoverability: the same test with one thing changed, each a run of its own on the same problems.

The problems, the originals and the distracting problems are those of the plain test: they hang on the seed alone.
"""

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

OPENING, LONGER, BY = "keep-opening", "longer", "distracted-by-"
TITLES = {OPENING: "keeping the opening", LONGER: "longer distractions"}
LONG, TOO_LONG = 0.4, 0.8  # n, and the m that leaves no room for it


class Ablation(NamedTuple):
    """What is changed, as it is called, and the values that change it."""

    name: str
    sets: dict[str, str]

    @property
    def title(self) -> str:
        """In words."""
        return TITLES.get(self.name) or self.name.replace(BY, "distracted by ", 1)


def ablations(
    opening: bool, longer: bool, distractors: Sequence[str], engine_of: "dict[str, str]"
) -> Iterator[Ablation]:
    """Those that are wished for; `engine_of` is how a scenario says each distractor."""
    if opening:  # the paragraph that states the problem stays, even at m = 0; the fresh solos have none
        kept = {"graph.nodes.main.opens_with.keep_paragraphs": '"{opening}"', "sweep.over.opening": "[1]"}
        yield Ablation(OPENING, {**kept, "sweep.also.0.opening": "0"})
    if longer:
        out = [{"m": TOO_LONG, "n": LONG}]
        yield Ablation(LONGER, {"sweep.over.n": f"[{LONG}]", "sweep.except": json.dumps(out)})
    for model in distractors:
        sets = {"models.distractor": engine_of[model], "graph.nodes.steer.insert.pool": "distractor"}
        yield Ablation(f"{BY}{model}", sets)
