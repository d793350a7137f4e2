"""relay report --regrade and --spoilers: grading again, and looking for steers that state the answer."""

import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from relay.cli.driving import drive
from relay.cli.options import Walls
from relay.errors import Mistake, UserError


def regrade_all(runs: Sequence[Path], verifier: str, sets: list[str], sandbox: Walls, *, as_json: bool) -> None:
    """Grade them all; what is wrong with any of them is told before the first."""
    from relay.language.reading import parse_sets
    from relay.regrade import read_verifier, regrade

    readings, mistakes = [], list[Mistake]()
    for path in runs:
        try:
            readings.append(read_verifier(path, verifier, parse_sets(sets)))
        except UserError as error:
            mistakes += error.mistakes
    if mistakes:
        raise UserError.of(dict.fromkeys(mistakes))
    for path, reading in zip(runs, readings, strict=True):
        again = ["relay", "report", str(path), "--regrade", verifier, *(part for s in sets for part in ("--set", s))]
        again += ["--sandbox", sandbox.value] if sandbox is Walls.NONE else []
        work = partial(regrade, path, reading, sandbox=sandbox is not Walls.NONE)
        drive(work, path, shlex.join(again), as_json=as_json)


def find_all_spoilers(runs: Sequence[Path], sandbox: Walls, *, as_json: bool) -> None:
    """Look at the steers of all; what is wrong with any of the runs is told before the first."""
    from relay.spoilers import find_spoilers, finder

    mistakes = list[Mistake]()
    for path in runs:
        try:
            finder(path)
        except UserError as error:
            mistakes += error.mistakes
    if mistakes:
        raise UserError.of(dict.fromkeys(mistakes))
    for path in runs:
        again = ["relay", "report", str(path), "--spoilers"]
        again += ["--sandbox", sandbox.value] if sandbox is Walls.NONE else []
        work = partial(find_spoilers, path, sandbox=sandbox is not Walls.NONE)
        drive(work, path, shlex.join(again), as_json=as_json)
