"""The collaborator card of a model: what both twin tests came to, read from the run files alone."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from relay.store.opening import opened
from relay.store.reader import Run
from relay.twin import ceiling
from relay.twin.ceiling import harm
from relay.twin.control import MARGIN, control, verdict
from relay.twin.effect import as_data, beside, effect
from relay.twin.guides import data, guides_of
from relay.twin.looks import looks, looks_data, seen
from relay.twin.plan import GUIDABILITY, PLUMBING, Part
from relay.twin.strata import strata, stratum_data

VERSION = 1


def card(model: str, parts: Sequence[Part], folder: Path, empty: Sequence[tuple[Part, str]] = ()) -> dict[str, Any]:
    """The card of this model, as plain data: shares in 0..1, intervals at 95 %; `empty` are tests not run, and why."""
    mine = [part for part in parts if part.model == model]
    with opened(folder / mine[0].file) as run:
        facts = run.meta["models"]["main"]
    tests = [_test(part, folder / part.file) for part in mine if part.test != PLUMBING]
    controls = [_control(folder / part.file) for part in mine if part.test == PLUMBING]
    with ExitStack() as stack:
        files = [folder / part.file for part in mine if part.test == GUIDABILITY]
        found = guides_of([stack.enter_context(opened(file)) for file in files])
        by_guide = data(found[0]) if found else None
    control_ = next(iter(controls), None)
    not_run = [
        {"test": part.test, "guide": part.guide or None, "variant": part.variant or None, "why": why}
        for part, why in empty
        if part.model == model
    ]
    return {
        "card": VERSION, "model": model, "facts": facts, "control": control_, "tests": tests, "by_guide": by_guide,
        "not_run": not_run,
    }  # fmt: skip


def _control(path: Path) -> dict[str, Any]:
    with opened(path) as run:
        found = control(run)
        cells = [
            {"cell": cell, "verdict": e.verdict, "minus_alone": e.difference and e.difference._asdict()}
            for cell, e in found
        ]
        return {"run": path.name, "verdict": verdict(found), "margin": MARGIN, "confidence": 0.9, "cells": cells}


def _test(part: Part, path: Path) -> dict[str, Any]:
    with opened(path) as run:
        meta = run.meta
        found = effect(run)
        return {
            "test": part.test,
            "guide": part.guide or None,
            "variant": part.variant or None,
            "shared": part.shares,
            "verdict": _ceiling(run),
            "run": path.name,
            "verifier": run.verifier,
            "problem_set": meta.get("problem_set", {}),
            "problems": run.query("SELECT count(*) FROM problem")[0][0],
            "sampled": _solved(run),
            "spoilers_looked_for": found.looked._asdict(),
            "alone": as_data(found.alone) if found.alone else None,
            "steered": beside(found.steered),
            "cells": [{"cell": line.cell, **beside(line)} for line in found.cells],
            "strata": [stratum_data(each) for each in strata(run)],
            "looks": [looks_data(each) for each in looks(list(seen(run)), run.cells)],
            "notes": meta.get("notes", []),
        }


def _ceiling(run: Run) -> str | None:
    """What the fully-solved control says, where this is one."""
    found = harm(run)
    return None if found is None else ceiling.verdict(found)


def _solved(run: Run) -> dict[str, dict[str, int]]:
    """How often each model solved a problem on its own, over all that were sampled: problems by solved samples."""
    rows = run.query(
        "SELECT n.text, s.solved || '/' || s.sampled, count(*) FROM solved s JOIN name n ON n.id = s.model "
        "GROUP BY 1, 2 ORDER BY 1, s.sampled, s.solved"
    )
    found: dict[str, dict[str, int]] = {}
    for model, rate, count in rows:
        found.setdefault(model, {})[rate] = count
    return found
