"""The tests that a scenario declared before its run, and what came of them: Holm for named ones, BH for a grid."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from relay.measure.graded import graded
from relay.measure.paired import Difference, Equality, between, equal
from relay.measure.significance import Tested, benjamini_hochberg, differ, holm
from relay.store.reader import Run

NAMED, GRID = "Holm", "Benjamini-Hochberg"
LEVEL = 0.05


class Asked(NamedTuple):
    """Two cells that were to be compared, and how its p-value is adjusted."""

    cell: str
    against: str
    family: str  # NAMED or GRID: those of one family are adjusted together


class Answer(NamedTuple):
    """What came of it; all None where no problem was graded in both cells."""

    asked: Asked
    difference: Difference | None
    test: Tested | None  # by itself
    adjusted: float | None  # its p-value among its family
    equal: Equality | None


def asked(tests: Mapping[str, Any], cells: Sequence[str]) -> Iterator[Asked]:
    """The comparisons of a scenario's `tests:`, of a run with these cells."""
    named = tests.get("named") or []
    for each in [named] if isinstance(named, Mapping) else named:
        yield Asked(str(each["cell"]), str(each["against"]), NAMED)
    if against := tests.get("grid"):
        yield from (Asked(cell, str(against), GRID) for cell in cells if cell != against)


def answers(run: Run, verifier: str = "") -> list[Answer]:
    """Every declared comparison, in the order in which they were declared; by default by the run's own verifier."""
    wanted = list(asked(run.meta["scenario"].get("tests") or {}, run.cells))
    if not wanted:
        return []
    cells = {run.cells[i]: cell for i, cell in graded(run, verifier).items()}
    found = []
    for each in wanted:
        first, second = cells.get(each.cell), cells.get(each.against)
        if first is None or second is None:
            found.append(Answer(each, None, None, None, None))
        else:
            test = differ(first, second)
            found.append(Answer(each, between(first, second), test, None, test and equal(first, second)))
    return _adjusted(found)


def _adjusted(found: list[Answer]) -> list[Answer]:
    for family, adjust in ((NAMED, holm), (GRID, benjamini_hochberg)):
        places = [i for i, each in enumerate(found) if each.asked.family == family and each.test is not None]
        ps = adjust([test.p for i in places if (test := found[i].test) is not None])
        for i, p in zip(places, ps, strict=True):
            found[i] = found[i]._replace(adjusted=p)
    return found


def said(answer: Answer) -> str:
    """The answer in words."""
    if answer.adjusted is None or answer.equal is None:
        return "not graded"
    if answer.equal.verdict == "equal":
        return f"equal within {100 * answer.equal.margin:g} points"
    return "different" if answer.adjusted < LEVEL else "cannot tell"


def answer_data(answer: Answer) -> dict[str, Any]:
    """An answer as JSON has it; shares in 0..1."""
    return {
        **answer.asked._asdict(),
        "difference": answer.difference and answer.difference._asdict(),
        "test": answer.test and answer.test._asdict(),
        "adjusted": answer.adjusted,
        "answer": said(answer),
    }
