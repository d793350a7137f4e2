"""What recovery looks like, as a section of a card's page."""

from collections.abc import Callable
from typing import Any

from relay.measure.recovery import KINDS

ABOUT = (
    "How the steered thoughts go on, in percent: the steer is *ignored*, or its own problem is begun anew (*restart*) "
    "or gone on with (*resume*), or *never* returned to. *back after*: tokens before the return, the median; *doubts*: "
    "words of doubt for 100 tokens; *length*: its own tokens against fresh solos."
)


def looks_section(found: list[dict[str, Any]], text: Callable[[str], str]) -> list[str]:
    """Its lines, the names made harmless by `text`; none where no reasoning about another problem was put in."""
    if not found:
        return []
    head = ["cell", *KINDS, "back after", "doubts", "length", "95 % interval"]
    lines = ["", ABOUT, "", f"| {' | '.join(head)} |", f"| --- |{' ---: |' * (len(head) - 1)}"]
    for each in found:
        row = [text(each["cell"]), *(f"{100 * each['shares'][kind]:.1f}" for kind in KINDS)]
        row += ["–" if each["back"] is None else f"{each['back']:,.0f}"]
        row += ["–" if each["doubts"] is None else f"{each['doubts']:.2f}", *_length(each["overhead"])]
        lines.append(f"| {' | '.join(row)} |")
    return lines


def _length(found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return ["–", "–"]
    spread = "–" if found["low"] is None else f"{found['low']:.2f} to {found['high']:.2f}"
    return [f"{found['mean']:.2f}", spread]
