"""The collaborator card of a model: what both twin tests came to, read from the run files alone."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from relay.measure.intervals import of_problems
from relay.measure.paired import Counts, difference
from relay.store.opening import opened
from relay.store.reader import Run
from relay.twin.control import MARGIN, control, counts, verdict
from relay.twin.plan import PLUMBING, Part

VERSION = 1


def card(model: str, parts: Sequence[Part], folder: Path) -> dict[str, Any]:
    """The card of this model, as plain data: shares in 0..1, intervals at 95 %."""
    mine = [part for part in parts if part.model == model]
    with opened(folder / mine[0].file) as run:
        facts = run.meta["models"]["main"]
    tests = [_test(part, folder / part.file) for part in mine if part.test != PLUMBING]
    controls = [_control(folder / part.file) for part in mine if part.test == PLUMBING]
    return {"card": VERSION, "model": model, "facts": facts, "control": next(iter(controls), None), "tests": tests}


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
        by_cell = counts(run)
        settings = [(name, json.loads(text)) for name, text in run.query("SELECT name, settings FROM cell ORDER BY id")]
        alone = next((i for i, (_, values) in enumerate(settings) if values["without"]), None)
        steered = [i for i in range(len(settings)) if i != alone]
        fresh = by_cell[alone] if alone is not None else {}
        together = _joined(by_cell[i] for i in steered)
        return {
            "test": part.test,
            "guide": part.guide or None,
            "run": path.name,
            "verifier": run.verifier,
            "problem_set": meta.get("problem_set", {}),
            "problems": run.query("SELECT count(*) FROM problem")[0][0],
            "sampled": _solved(run),
            "alone": _score(fresh),
            "steered": {**_score(together), "minus_alone": _minus(together, fresh)},
            "cells": [
                {"cell": settings[i][0], **_score(by_cell[i]), "minus_alone": _minus(by_cell[i], fresh)}
                for i in steered
            ],
            "notes": meta.get("notes", []),
        }


def _joined(cells: Iterable[dict[int, Counts]]) -> dict[int, Counts]:
    """The counts of several cells together, by problem."""
    sums: dict[int, Counts] = {}
    for cell in cells:
        for problem, (correct, graded) in cell.items():
            before = sums.get(problem, (0, 0))
            sums[problem] = before[0] + correct, before[1] + graded
    return sums


def _score(cell: dict[int, Counts]) -> dict[str, Any]:
    correct, graded = (sum(counts[k] for counts in cell.values()) for k in (0, 1))
    interval = of_problems(list(cell.values()))
    return {
        "correct": correct,
        "graded": graded,
        "score": correct / graded if graded else None,
        "interval": interval and interval._asdict(),
    }


def _minus(cell: dict[int, Counts], fresh: dict[int, Counts]) -> dict[str, Any] | None:
    """How much more is right than in fresh solos of the same problems."""
    found = difference([(counts, fresh[problem]) for problem, counts in cell.items() if problem in fresh])
    return found and found._asdict()


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
