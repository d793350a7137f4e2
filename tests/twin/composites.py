"""Steered thoughts put together from real traces: an opening, a distraction from another problem, and what follows.

A recipe says which traces, where they are cut and how it goes on; no text of the traces is kept here.
"""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from relay.sentences import ends

TRACES = Path(__file__).parents[3] / "shared" / "traces"
FILES = {"1.5b": "r1-distill-qwen-1.5b.math200.jsonl.gz", "7b": "r1-distill-qwen-7b.math200.jsonl.gz"}
STITCH = "\nWait. Let me think\n"


class Composite(NamedTuple):
    """A steered thought: two problems, and the texts of both writers."""

    question: str
    opening: str
    steer: str
    continuation: str
    original: str  # the whole thought that the opening is cut from
    distraction: str  # the whole thought that the steer is cut from
    about: str  # the question of the distraction


@cache
def traces(model: str) -> tuple[dict[str, Any], ...]:
    with gzip.open(TRACES / FILES[model], "rt") as lines:
        return tuple(json.loads(line) for line in lines)


def cut(text: str, share: float) -> int:
    """The sentence end nearest to this share of the text."""
    return min([0, *ends(text)], key=lambda end: abs(end - share * len(text)))


def sentences(text: str, start: int, count: int) -> str:
    """So many sentences from this place on."""
    found = [end for end in ends(text, final=True) if end > start]
    return text[start : found[min(count, len(found)) - 1]] if found and count else ""


def composite(recipe: dict[str, Any]) -> Composite:
    model, place = recipe["own"]
    own, other = traces(model)[place], traces(recipe["other"][0])[recipe["other"][1]]
    original, distraction = own["reasoning"], other["reasoning"]
    stop, begun = cut(original, recipe["m"]), cut(distraction, 0.2)
    stay = sentences(distraction, begun, recipe["stay"])
    if recipe["then"] == "resume":
        back = sentences(original, stop, recipe["after"])
    elif recipe["then"] == "restart":
        back = sentences(original, 0, recipe["after"])
    elif recipe["then"] in ("other start", "other middle"):  # what the other model wrote about the same problem
        twin = traces("7b" if model == "1.5b" else "1.5b")[place]["reasoning"]
        back = sentences(twin, cut(twin, 0.5 if recipe["then"] == "other middle" else 0), recipe["after"])
    else:
        back = ""
    continuation = stay if not back else stay + " " * (not back[0].isspace() and bool(stay)) + back
    steer = STITCH + distraction[:begun]
    return Composite(own["question"], original[:stop], steer, continuation, original, distraction, other["question"])
