"""What recovery looks like, against labels that a person gave to steered thoughts of real traces."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from relay.measure.recovery import Steered, recovery
from tests.twin.composites import TRACES, composite, traces

BY_HAND = json.loads((Path(__file__).parent / "looks_by_hand.json").read_text())
needs_traces = pytest.mark.skipif(not TRACES.is_dir(), reason="real traces (../shared/traces) are not here")


def label(sentence: int | None, way: str | None) -> str:
    return "never" if sentence is None or way is None else "ignored" if sentence == 0 else way


def read(recipe: dict[str, Any], *, whole: bool) -> tuple[str, int]:
    """Label and place; `whole`: the thoughts that opening and steer are cut from are known, as in a run file."""
    texts = Steered(*composite(recipe))
    found = recovery(texts if whole else texts._replace(original="", distraction=""))
    return found.kind, found.sentence


@needs_traces
@pytest.mark.parametrize("whole", [True, False])
def test_labels_are_those_given_by_hand(whole: bool) -> None:
    """Nine of ten, and the place within a sentence; whether or not the texts stand word for word in what is known."""
    labels = places = 0
    for each in BY_HAND["composites"]:
        kind, sentence = read(each, whole=whole)
        labels += kind == label(each["sentence"], each["way"])
        places += abs(sentence - (-1 if each["sentence"] is None else each["sentence"])) <= 1
    assert len(BY_HAND["composites"]) == 42
    assert labels >= 38
    assert places >= 38


def drawn(seed: int, count: int) -> Iterator[dict[str, Any]]:
    """Recipes that nobody has read; what they are is known from how they are made."""
    draw = Random(seed)
    good = [i for i, (a, b) in enumerate(zip(traces("1.5b"), traces("7b"), strict=True)) if whole(a) and whole(b)]
    for _ in range(count):
        own, other = draw.sample(good, 2)
        then = draw.choice(["resume", "restart", "other start", "nothing"])
        m = draw.choice([0.2, 0.4, 0.6, 0.8] if then == "resume" else [0, 0.2, 0.4, 0.6, 0.8])
        stay = draw.choice([6, 12, 24] if then == "nothing" else [0, 1, 2, 4, 8, 16])
        models = draw.choice(["1.5b", "7b"]), draw.choice(["1.5b", "7b"])
        after = draw.choice([6, 8, 12, 20])
        yield {
            "own": [models[0], own], "m": m, "other": [models[1], other], "stay": stay, "then": then, "after": after
        }  # fmt: skip


def whole(trace: dict[str, Any]) -> bool:
    return bool(trace["finished_thinking"]) and 1500 < len(trace["reasoning"]) < 9000


@needs_traces
def test_others_made_like_these_are_read_as_they_were_made() -> None:
    recipes = list(drawn(7, 200))
    right = {known: 0 for known in (True, False)}
    for each in recipes:
        way = {"nothing": None, "resume": "resume"}.get(each["then"], "restart")
        made = label(None if way is None else each["stay"], way)
        for known in right:
            right[known] += read(each, whole=known)[0] == made
    assert right[True] >= 190, right  # 194 when it was written
    assert right[False] >= 172, right  # 177


def test_the_docs_say_what_was_measured() -> None:
    """docs/twin.md, from docs/evidence/looks.json; and that is what was asked for."""
    docs = Path(__file__).parents[2] / "docs"
    found = json.loads((docs / "evidence" / "looks.json").read_text())
    tiny = [sum(each[key] for each in found["tiny"].values()) for key in ("label", "label, sentence and way", "traces")]
    rows = [row for row in (docs / "twin.md").read_text().splitlines() if row.startswith("|")]
    by_hand, made, small = found["composites"]["read by hand"], found["composites"]["as made"], found["smollm2"]
    for told in (
        f"{tiny[0]:,} of {tiny[2]:,}", f"{tiny[1]:,} of {tiny[2]:,}",
        f"{by_hand['not known']} of {by_hand['of']}", f"{made['word for word in what is known']}",
        f"{made['not known']}", f"{small['label']} of {small['of']}",
    ):  # fmt: skip
        assert sum(row.endswith(f"| {told} |") for row in rows) == 1, told
    assert tiny[2] >= 1000
    assert tiny[1] >= 0.95 * tiny[2]
    assert small["as they were read"] == small["of"] == len(BY_HAND["smollm2"])
