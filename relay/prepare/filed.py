"""The plan of a run as its file holds it: written once, and read back when the run goes on."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from relay.engine import Engine
from relay.language.cells import Cell
from relay.language.reading import Reading
from relay.pool import Solo
from relay.prepare.jobs import Jobs, RunPlan, cell_plans, systems
from relay.prepare.units import Given
from relay.problems import Problem
from relay.store.gathered import Begun
from relay.store.rows import Row, pack, unpack
from relay.store.writer import RunWriter

KEPT = 256  # pool samples in memory beside those of the rollouts under way; one may take a MB


class Unit(NamedTuple):
    """The pool sample that a node uses in the rollouts of a problem, a sample and some cells."""

    problem: int
    sample: int
    cells: Sequence[int]
    node: str
    model: str
    given: Given


class Solved(NamedTuple):
    """How often a model solved a problem on its own."""

    problem: str
    model: str
    solved: int
    sampled: int


def write_plan(writer: RunWriter, reading: Reading, plan: RunPlan, solved: Iterable[Solved]) -> None:
    """The cells, the problems, and what the models see of these; within `at_once`."""
    name = writer.name
    writer.put("cell", ((i, c.name, _settings(c)) for i, c in enumerate(reading.cells)))
    writer.put("problem", (_problem_row(i, p) for i, p in enumerate(plan.problems)))
    heads = Jobs(plan).heads()
    writer.put("head", ((p, name(m), pack(h.ids), h.text, h.thinking) for p, m, h in heads))
    writer.put("solved", ((s.problem, name(s.model), s.solved, s.sampled) for s in solved))
    compared = [[cell, base.name] for base in reading.cells for cell in base.beside]
    writer.put_meta(samples=plan.samples, phase="walking", **({"compared": compared} if compared else {}))


def _settings(cell: Cell) -> str:
    return json.dumps(
        {**cell.values, "without": sorted(cell.without), **({"baseline": cell.baseline} if cell.baseline else {})}
    )


def write_units(writer: RunWriter, units: Iterable[Unit], solo_of: Callable[[Unit], Solo]) -> None:
    """Which pool sample each rollout uses, and these samples, once each; within `at_once`."""
    numbers: dict[tuple[str, str, int], int] = {}
    for unit in units:
        which = (unit.model, unit.given.problem.id, unit.given.sample)
        number = numbers.get(which)
        if number is None:
            number = numbers[which] = len(numbers)
            writer.put("solo", [_solo_row(writer, number, solo_of(unit))])
        node = writer.name(unit.node)
        writer.put("unit", ((unit.problem, unit.sample, cell, node, number) for cell in unit.cells))


def read_back(writer: RunWriter, reading: Reading, engines: Mapping[str, Engine]) -> RunPlan:
    """The plan of a run that has been prepared before, from its file alone."""
    problems = list(_problems_of(writer))
    samples = writer.meta("samples")
    units, adaptive = units_of(writer), reading.cells[0].scenario.adaptive
    return RunPlan(problems, cell_plans(reading), samples, engines, systems(reading), units, adaptive)


def units_of(writer: RunWriter) -> Callable[[Begun], Mapping[str, Solo]] | None:
    """What gives a rollout its pool samples by node; None when no rollout has any.

    Read when a rollout begins, so that neither memory nor a resume grows with the rollouts of the run.
    """
    if writer.query("SELECT min(problem) FROM unit") == [(None,)]:  # found in the index: no row is read
        return None

    @lru_cache(maxsize=KEPT)
    def solo(number: int) -> Solo:
        return _solo_of(writer, writer.look(_SOLO, number)[0])

    def units(begun: Begun) -> Mapping[str, Solo]:
        return {writer.text(node): solo(number) for node, number in writer.look(_UNITS, *begun[1:])}

    return units


def empty_takes(writer: RunWriter) -> Iterator[str]:
    """What nodes took from the pool that came out as nothing, in words: such a rollout goes on as if it were not."""
    if not writer.query("SELECT 1 FROM unit LIMIT 1"):
        return
    for node, total, empty in writer.query(_EMPTY):
        yield f"{node}: {empty:,} of {total:,} takes were of nothing: no sentence or chunk ended early enough (`cut:`)"


_EMPTY = """
SELECT name.text, count(*), sum(step.model IS NULL) FROM step JOIN name ON name.id = step.node
WHERE step.source IS NOT NULL AND step.node IN (SELECT node FROM unit) GROUP BY 1 HAVING sum(step.model IS NULL) > 0
"""
_UNITS = "SELECT node, solo FROM unit WHERE problem = ? AND sample = ? AND cell = ?"
_SOLO = "SELECT problem, answer, model, sample, address, text, ids, tokenizer, thought, outcome FROM solo WHERE id = ?"


def _problems_of(writer: RunWriter) -> Iterator[Problem]:
    rows = writer.query("SELECT key, question, answer, kind, extra FROM problem ORDER BY id")
    for key, question, answer, kind, extra in rows:
        yield Problem(key, question, answer, kind, json.loads(extra) if extra else {})


def _problem_row(number: int, p: Problem) -> Row:
    return number, p.id, p.kind, p.question, p.answer, p.hash, json.dumps(dict(p.extra)) if p.extra else None


def _solo_row(writer: RunWriter, number: int, s: Solo) -> Row:
    name = writer.name
    return (
        number, s.problem, s.answer, name(s.model), s.sample, s.address, s.text, pack(s.ids), name(s.tokenizer),
        s.thought, s.outcome,
    )  # fmt: skip


def _solo_of(writer: RunWriter, row: Sequence[Any]) -> Solo:
    problem, answer, model, sample, address, text, ids, tokenizer, thought, outcome = row
    name = writer.text
    return Solo(problem, answer, name(model), sample, address, text, unpack(ids), name(tokenizer), thought, outcome)
