"""Two finished runs on the same problems, cell by cell of the same name: how far the second lies from the first."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from relay.errors import Mistake, UserError
from relay.measure.graded import graded, strata
from relay.measure.joint import common
from relay.measure.outcomes import Outcomes
from relay.measure.paired import Difference, Equality, between, equal
from relay.measure.power import least_seen
from relay.measure.significance import Tested, differ, holm, shares
from relay.store.opening import opened
from relay.store.reader import Run
from relay.twin.knobs import Knob, knobs

SOLOS = "SELECT id, address, problem, sample FROM solo"

Name = tuple[str, ...]  # what makes a problem or a distractor the same one in both runs


class Pair(NamedTuple):
    """One cell of both runs, on the problems that are graded in it in both."""

    cell: str
    problems: int
    first: float
    second: float
    difference: Difference  # second minus first
    equal: Equality
    test: Tested
    adjusted: float  # its p-value among all cells, after Holm
    least: float | None  # the true difference that such a comparison finds in 80 of 100; None: none is seen


class Compared(NamedTuple):
    """Two runs beside one another."""

    first: str
    second: str
    verifier: str
    knobs: tuple[Knob, ...]
    models: tuple[str, ...]  # models that differ, in words
    problems: int  # that both runs have
    only: tuple[int, int]  # problems that only the first has, and only the second
    pairs: tuple[Pair, ...]
    left_out: tuple[str, ...]  # cells that only one of them has, or that no problem is graded in in both


class _Read(NamedTuple):
    path: Path
    tree: Mapping[str, object]
    phase: str
    models: Mapping[str, Mapping[str, str]]
    verifiers: list[str]
    hashes: dict[int, str]
    solos: dict[int, Name]
    cells: dict[str, Outcomes]
    rates: dict[int, int]


def compare(first: Path, second: Path) -> Compared:
    """Raises UserError where a run is not finished, or they share no problem, no cell or no verifier."""
    reads = tuple(_read(path) for path in (first, second))
    one, other = reads
    mistakes = [
        Mistake(str(each.path), f"is not finished ({each.phase})", f"relay run --resume {each.path}")
        for each in reads
        if each.phase != "done"
    ]
    where, hashes = f"{first} and {second}", [set(each.hashes.values()) for each in reads]
    verifier = next((name for name in one.verifiers if name in other.verifiers), "")
    if not hashes[0] & hashes[1]:
        mistakes.append(Mistake(where, "have no problem in common", "take two runs on the same problems"))
    if not verifier:
        mistakes.append(Mistake(where, "were graded by no verifier in common", "`relay report RUN --regrade VERIFIER`"))
    if not one.cells.keys() & other.cells.keys() and not mistakes:
        mistakes.append(Mistake(where, "have no graded cell of the same name", "`relay report` lists the cells"))
    if mistakes:
        raise UserError.of(mistakes)
    if verifier != one.verifiers[0] or verifier != other.verifiers[0]:
        reads = tuple(_read(path, verifier) for path in (first, second))
    pairs = _pairs(*reads)
    names = dict.fromkeys([*one.cells, *other.cells])
    found = {pair.cell for pair in pairs}
    return Compared(
        str(first), str(second), verifier, tuple(knobs(one.tree, other.tree)), tuple(_models(one, other)),
        len(hashes[0] & hashes[1]), (len(hashes[0] - hashes[1]), len(hashes[1] - hashes[0])), pairs,
        tuple(name for name in names if name not in found),
    )  # fmt: skip


def _read(path: Path, verifier: str = "") -> _Read:
    with opened(path) as run:
        meta = run.meta
        cells = {run.cells[i]: cell for i, cell in graded(run, verifier).items()}
        return _Read(
            path, meta["scenario"], meta["phase"], meta.get("models", {}), run.verifiers,
            dict(run.query("SELECT id, hash FROM problem")), _solos(run), cells, strata(run),
        )  # fmt: skip


def _solos(run: Run) -> dict[int, Name]:
    return {solo: (address, problem, str(sample)) for solo, address, problem, sample in run.query(SOLOS)}


def aligned(first: Path, second: Path) -> tuple[dict[str, Outcomes], dict[str, Outcomes]]:
    """Both runs' cells by name, by their own verifiers: problems and distractors have the same numbers in both."""
    numbers: dict[Name, int] = {}
    one, other = _read(first), _read(second)
    alike = _by_hash(one) == _by_hash(other)
    return _renumbered(one, numbers, strata=alike), _renumbered(other, numbers, strata=alike)


def _pairs(one: _Read, other: _Read) -> tuple[Pair, ...]:
    numbers: dict[Name, int] = {}
    alike = _by_hash(one) == _by_hash(other)
    cells = [_renumbered(read, numbers, strata=alike) for read in (one, other)]
    found = []
    for name, first in cells[0].items():
        if name in cells[1] and (pair := _pair(name, first, cells[1][name])):
            found.append(pair)
    adjusted = holm([pair.test.p for pair in found])
    return tuple(pair._replace(adjusted=p) for pair, p in zip(found, adjusted, strict=True))


def _pair(name: str, first: Outcomes, second: Outcomes) -> Pair | None:
    moved, test = between(second, first), differ(second, first)
    if moved is None or test is None:
        return None
    a, b = (float(shares(cell).mean()) for cell in common([first, second]))
    return Pair(name, moved.problems, a, b, moved, equal(second, first), test, test.p, least_seen(first, second))


def _renumbered(read: _Read, numbers: dict[Name, int], *, strata: bool) -> dict[str, Outcomes]:
    """The cells with problems and distractors by numbers that mean the same in both runs."""
    import numpy as np

    def number(name: Name) -> int:
        return numbers.setdefault(name, len(numbers))

    found = {}
    for name, cell in read.cells.items():
        problem = np.array([number((read.hashes[p],)) for p in cell.problem.tolist()], dtype=np.int64)
        steer = [d if d < 0 else number(read.solos[d]) for d in cell.distractor.tolist()]
        distractor = np.array(steer, dtype=np.int64)
        found[name] = Outcomes(problem, distractor, cell.correct, cell.stratum if strata else None)
    return found


def _by_hash(read: _Read) -> dict[str, int]:
    return {read.hashes[problem]: rate for problem, rate in read.rates.items()}


def _models(one: _Read, other: _Read) -> list[str]:
    found = []
    for name in dict.fromkeys([*one.models, *other.models]):
        said = [_said(read.models.get(name)) for read in (one, other)]
        if said[0] != said[1]:
            found.append(f"{name}: {said[0]} -> {said[1]}")
    return found


def _said(facts: Mapping[str, str] | None) -> str:
    if facts is None:
        return "none"
    return " ".join(filter(None, (facts.get("model") or facts.get("script") or facts["engine"], facts.get("revision"))))
