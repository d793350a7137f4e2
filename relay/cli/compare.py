"""relay compare: two finished runs on the same problems, cell by cell."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from relay.twin.two_runs import Compared

First = Annotated[Path, typer.Argument(metavar="RUN", help="A finished run.")]
Second = Annotated[Path, typer.Argument(metavar="RUN", help="Another one, on the same problems.")]
FEW = 20  # values that differ, as they are listed


def compare(
    first: First,
    second: Second,
    json: Annotated[bool, typer.Option("--json", help="One JSON object for each cell.")] = False,
) -> None:
    """How two runs differ, cell by cell, paired by problem."""
    from relay.tui.compared import CAPTION, compared_table
    from relay.tui.console import Plain
    from relay.tui.safe import visible
    from relay.twin.two_runs import compare as compared

    found = compared(first, second)
    if json:
        from json import dumps

        for row in _rows(found):
            print(dumps(row))
        return
    console = Plain()
    print(visible("\n".join(_told(found))))
    console.print(compared_table(found))
    console.print(CAPTION, style="dim")


def _told(found: "Compared") -> Iterator[str]:
    yield f"first: {found.first}"
    yield f"second: {found.second}"
    yield from (f"  {each}" for each in found.models)
    yield from (f"  {knob}" for knob in found.knobs[:FEW])
    if len(found.knobs) > FEW:
        yield f"  and {len(found.knobs) - FEW} more values differ"
    if not found.knobs and not found.models:
        yield "  no value of the scenario differs, and no model"
    yield f"  {found.problems:,} problems are in both, graded by {found.verifier}"
    if any(found.only):
        first, second = found.only
        yield f"  left out: {first:,} problems that only the first has, {second:,} that only the second has"
    if found.left_out:
        yield f"  cells without a fellow: {', '.join(found.left_out[:8])}{' ...' if len(found.left_out) > 8 else ''}"


def _rows(found: "Compared") -> Iterator[dict[str, Any]]:
    from relay.tui.compared import answer

    for pair in found.pairs:
        yield {
            "first": found.first, "second": found.second, "verifier": found.verifier, "cell": pair.cell,
            "problems": pair.problems, "scores": [pair.first, pair.second],
            "difference": pair.difference._asdict(), "test": pair.test._asdict(), "adjusted": pair.adjusted,
            "equal": {"verdict": pair.equal.verdict, "margin": pair.equal.margin}, "least_seen": pair.least,
            "answer": answer(pair.equal.verdict, pair.adjusted),
        }  # fmt: skip
