"""Two runs of one twin test: which knobs differ, and how far the score moved, paired by problem."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from relay.errors import Mistake, UserError
from relay.measure.intervals import Interval, interval
from relay.measure.joint import together
from relay.measure.outcomes import Outcomes
from relay.measure.paired import Counts, Difference, between, shift
from relay.measure.unpaired import unpaired
from relay.store.opening import opened
from relay.store.reader import Run
from relay.twin.control import counts
from relay.twin.effect import fresh_cell
from relay.twin.knobs import Knob, knobs
from relay.twin.two_runs import aligned

ByProblem = Mapping[str, Counts]  # problem's hash -> (correct, graded)


class Side(NamedTuple):
    """One of the two runs."""

    run: str
    problems: int
    correct: int  # of the cells that are compared
    graded: int
    score: float | None
    interval: Interval | None
    alone: float | None  # fresh solos of the selected problems; None: the run has none
    minus_alone: Difference | None


class Moved(NamedTuple):
    """What moved between two runs of one test of one model."""

    test: str  # the title of its scenario
    knobs: tuple[Knob, ...]
    before: Side
    after: Side
    cells: tuple[str, ...]  # those that are compared; empty: all that are steered, for the runs share none
    shared: int  # problems that are in both
    score: Difference | None  # after minus before: on the problems in both, or not paired where there are none
    effect: Difference | None  # of the differences to fresh solos; None: one of the runs has none


class _Read(NamedTuple):
    run: str
    tree: Mapping[str, Any]
    models: Mapping[str, Mapping[str, Any]]
    set: tuple[str, str]  # what the problems are from, and its hash where it has one
    problems: frozenset[str]  # hashes
    steered: Mapping[str, ByProblem]  # by cell
    alone: ByProblem
    baseline: str  # the cell of fresh solos; "": there is none


def moved(before: Path, after: Path) -> Moved:
    """Compare two run files. Raises UserError where they are no runs of one test, model and set of problems."""
    one, other = _read(before), _read(after)
    mistakes = [mistake for mistake in _strangers(one, other) if mistake is not None]
    if mistakes:
        raise UserError.of(mistakes)
    cells = tuple(cell for cell in one.steered if cell in other.steered)
    sides = [_joined(read, cells) for read in (one, other)]
    shared = [problem for problem in sides[0] if problem in sides[1]]
    drawn = [_drawn(read, all_, cells) for read, all_ in zip((one, other), aligned(before, after), strict=True)]
    (first, alone), (second, fresh) = drawn
    score, effect = None, None
    if first and second:
        score = (between(second, first) if shared else None) or unpaired(second, first)
        effect = shift((second, fresh), (first, alone)) if fresh and alone else None
    found = tuple(knobs(one.tree, other.tree))
    before_, after_ = (_side(read, n, *of) for read, n, of in zip((one, other), sides, drawn, strict=True))
    title = str(one.tree.get("title") or "a test")
    return Moved(title, found, before_, after_, cells, len(shared), score, effect)


def _read(path: Path) -> _Read:
    with opened(path) as run:
        meta = run.meta
        hashes = dict(run.query("SELECT id, hash FROM problem"))
        by_cell = {cell: {hashes[p]: n for p, n in found.items() if n[1]} for cell, found in counts(run).items()}
        settings = [(name, json.loads(text)) for name, text in run.query("SELECT name, settings FROM cell ORDER BY id")]
        steered = {name: by_cell.get(i, {}) for i, (name, values) in enumerate(settings) if not values["without"]}
        alone = fresh_cell(run)
        fresh = by_cell.get(alone, {}) if alone is not None else {}
        return _Read(
            str(path),
            meta["scenario"],
            meta.get("models", {}),
            _problem_set(run),
            frozenset(hashes.values()),
            steered,
            fresh,
            "" if alone is None else settings[alone][0],
        )


def _problem_set(run: Run) -> tuple[str, str]:
    problems = run.meta["scenario"]["problems"]
    source = problems["from"] if isinstance(problems, dict) else problems
    return str(source), str(run.meta.get("problem_set", {}).get("hash", ""))


def _strangers(one: _Read, other: _Read) -> list[Mistake | None]:
    where = f"{one.run} and {other.run}"
    tests = _test(one.tree), _test(other.tree)
    alike = one.set == other.set or one.problems & other.problems
    found: list[Mistake | None] = [
        None if tests[0] == tests[1] else Mistake(where, "are runs of different tests", "take two of the same one"),
        None if alike else Mistake(where, f"have other problems: {' '.join(one.set)} and {' '.join(other.set)}"),
    ]
    for name in sorted({*one.models, *other.models} & {"main", "guide"}):
        models = [{key: read.models.get(name, {}).get(key) for key in ("model", "revision")} for read in (one, other)]
        if models[0] != models[1]:
            said = " and ".join(" ".join(str(value) for value in m.values() if value) or "none" for m in models)
            found.append(Mistake(where, f"have different models as {name}: {said}", "take two of the same one"))
    return found


def _test(tree: Mapping[str, Any]) -> tuple[Any, ...]:
    """What makes a test this one: where it starts, and what its nodes do."""
    graph = tree["graph"]
    return graph["start"], {name: "insert" in node for name, node in graph["nodes"].items()}


def _joined(read: _Read, cells: Iterable[str]) -> dict[str, Counts]:
    """The counts of these steered cells together, or of all where there are none, by problem."""
    sums: dict[str, Counts] = {}
    for cell in tuple(cells) or tuple(read.steered):
        for problem, (correct, graded) in read.steered[cell].items():
            before = sums.get(problem, (0, 0))
            sums[problem] = before[0] + correct, before[1] + graded
    return sums


def _drawn(read: _Read, found: Mapping[str, Outcomes], cells: Iterable[str]) -> tuple[Outcomes | None, Outcomes | None]:
    """As `_joined` and alone, rollout by rollout: which of them share a problem or a distractor, in both runs."""
    kept = [found[cell] for cell in tuple(cells) or tuple(read.steered) if cell in found]
    return together(kept) if kept else None, found.get(read.baseline)


def _side(read: _Read, steered: ByProblem, drawn: Outcomes | None, solos: Outcomes | None) -> Side:
    correct, graded = (sum(n[k] for n in steered.values()) for k in (0, 1))
    right, fresh = (sum(n[k] for n in read.alone.values()) for k in (0, 1))
    return Side(
        read.run, len(steered), correct, graded, correct / graded if graded else None,
        interval(drawn) if drawn else None, right / fresh if fresh else None,
        between(drawn, solos) if drawn and solos else None,
    )  # fmt: skip
