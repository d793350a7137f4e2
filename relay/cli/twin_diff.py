"""relay twin diff: in which knobs two runs differ, and how far the score moved."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relay.errors import Mistake, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from relay.measure.paired import Difference
    from relay.twin.diff import Moved, Side

Before = Annotated[Path, typer.Argument(metavar="RUN", help="A run of a twin test, or a folder that relay twin made.")]
After = Annotated[Path, typer.Argument(metavar="RUN", help="Another of the same test, model and problems.")]
CAPTION = (
    "Points of percent with 95 % intervals, paired by problem where problems are in both runs; they do not cover how "
    "these were selected."
)


def diff(
    before: Before,
    after: After,
    json: Annotated[bool, typer.Option("--json", help="One JSON object for each pair of runs.")] = False,
) -> None:
    """Which knobs differ between two runs of a twin test, and how far the score moved."""
    found = _all_moved(_pairs(before, after))
    if json:
        from json import dumps

        for each in found:
            print(dumps(as_plain(each)))
        return
    from relay.tui.safe import visible

    print(visible("\n\n".join("\n".join(_told(each)) for each in found)))
    print(CAPTION)


def _pairs(before: Path, after: Path) -> list[tuple[Path, Path]]:
    """The two runs, or those of the same name in two folders. Raises UserError."""
    if before.is_dir() is not after.is_dir():
        raise UserError(Mistake(f"{before} and {after}", "are a folder and a run", "take two runs or two folders"))
    if not before.is_dir():
        return [(before, after)]
    names = sorted({path.name for path in before.glob("*.relay")} & {path.name for path in after.glob("*.relay")})
    names = [name for name in names if not name.startswith("plumbing-")]
    if not names:
        what = "hold no two runs of the same name, so of the same test and model"
        raise UserError(Mistake(f"{before} and {after}", what, "take two folders that `relay twin` made"))
    return [(before / name, after / name) for name in names]


def _all_moved(pairs: "Sequence[tuple[Path, Path]]") -> "list[Moved]":
    from relay.twin.diff import moved

    found, mistakes = [], list[Mistake]()
    for pair in pairs:
        try:
            found.append(moved(*pair))
        except UserError as error:
            mistakes += error.mistakes
    if mistakes:
        raise UserError.of(dict.fromkeys(mistakes))
    return found


def as_plain(found: "Moved") -> "dict[str, Any]":
    """What moved, for machines: shares in 0..1 and -1..1."""
    plain = found._asdict()
    for name in ("before", "after"):
        side: Side = plain[name]
        plain[name] = {
            key: value._asdict() if hasattr(value, "_asdict") else value for key, value in side._asdict().items()
        }
    for name in ("score", "effect"):
        plain[name] = plain[name] and plain[name]._asdict()
    return {**plain, "knobs": [knob._asdict() for knob in found.knobs], "cells": list(found.cells)}


def _told(found: "Moved") -> "Iterator[str]":
    yield f"{found.test}: {found.before.run} -> {found.after.run}"
    for knob in found.knobs:
        yield f"  {knob}"
    if not found.knobs:
        yield "  no knob differs"
    for side in (found.before, found.after):
        fresh = "no fresh solos" if side.alone is None else f"fresh solos {100 * side.alone:.1f}"
        minus = "" if side.minus_alone is None else f", difference {points(side.minus_alone)}"
        score = "nothing graded" if side.score is None else f"steered {100 * side.score:.1f}"
        yield f"  {side.run}: {score}, {fresh}{minus}; {side.problems} problems"
    yield from _moved(found)


def _moved(found: "Moved") -> "Iterator[str]":
    whose = {0: "Chance alone", 1: "This knob"}.get(len(found.knobs), f"These {len(found.knobs)} knobs together")
    on = f"on the {found.shared} problems in both" if found.shared else "not paired, for no problem is in both"
    if found.score is None:
        yield "  The score cannot be compared: one of the runs graded nothing."
        return
    yield f"  {whose} moved the score by {points(found.score)}, {on}."
    if found.effect is not None:
        yield f"  The difference to fresh solos moved by {points(found.effect)}."
    if not found.cells:
        yield "  They share no cell: all that are steered are compared."
    if len(found.knobs) > 1:
        yield "  To see each by itself: relay twin MODEL --preset ONE --each OTHER, or runs that differ in one."


def points(found: "Difference") -> str:
    """A difference in points with its interval."""
    return f"{100 * found.mean:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"
