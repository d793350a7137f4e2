"""Which rollouts a run walks: all of them or, where `samples:` is adaptive, round by round until intervals are narrow.

A cell goes through its problems in one order for all cells, drawn from the seed, then through a second sample of each:
how far it has come is one number, its reach. A round is every cell's reach. It follows from the verdicts of the rounds
before it, which have all ended, and stands in the run file before the first of its rollouts.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from relay.batch import Tally
from relay.language.scenario import Adaptive
from relay.measure.adaptive import Progress, allocate, order
from relay.measure.graded import graded
from relay.measure.intervals import interval
from relay.prepare.jobs import RunPlan
from relay.store.gathered import Begun
from relay.store.reader import Run
from relay.store.writer import RunWriter

Reach = Sequence[int]  # by cell: so many (sample, problem), in their order
Widths = Sequence[float | None]  # by cell, of its 95 % interval; None: nothing is graded


def parts(plan: RunPlan, writer: RunWriter, first: int, tally: Tally) -> Iterator[Iterator[Begun]]:
    """The rollouts to begin when so many have begun: each part when all that was begun before it has ended."""
    if plan.adaptive is None:
        yield map(plan.begun, range(first, plan.total))
        return
    reach, number, told = [0] * len(plan.cells), 0, plan.total
    for count, (upto, why) in enumerate(_rounds(plan, plan.adaptive, writer), 1):
        size = sum(upto) - sum(reach)
        tally.total += number + size - told  # beside it forks are counted
        told, tally.told = number + size, f"round {count}{why}"
        yield islice(between(plan, reach, upto), max(0, first - number), None)
        reach, number = list(upto), number + size


def _rounds(plan: RunPlan, adaptive: Adaptive, writer: RunWriter) -> Iterator[tuple[Reach, str]]:
    """Those that the file has, then each as it is decided, with what it waits for."""
    noted: list[list[int]] = writer.meta("rounds") or []
    yield from ((reach, "") for reach in tuple(noted))
    while True:
        found = widths(writer, len(plan.cells))
        reach = following(plan, adaptive, noted[-1] if noted else [0] * len(plan.cells), found)
        if reach is None:
            return
        noted.append(reach)
        with writer.at_once():
            writer.put_meta(rounds=noted)
        yield reach, _waits_for(plan, adaptive, found)


def following(plan: RunPlan, adaptive: Adaptive, reach: Reach, found: Widths) -> list[int] | None:
    """How far each cell goes in the next round; None when every one is narrow enough or has all that is allowed."""
    n = len(plan.problems)
    cells = [
        Progress(str(i), min(r, n), n - min(r, n), max(1, r // n), width)
        for i, (r, width) in enumerate(zip(reach, found, strict=True))
        if r < n * adaptive.at_most
    ]
    upto = list(reach)
    for more in allocate(cells, adaptive.adaptive, adaptive.batch):
        upto[int(more.cell)] += more.problems + more.samples * n
    return upto if upto != list(reach) else None


def between(plan: RunPlan, reach: Reach, upto: Reach) -> Iterator[Begun]:
    """The rollouts of one round: a problem's cells come one after another. Their numbers are those of the whole run."""
    problems, cells = order(len(plan.problems), plan.cells[0].seed), len(plan.cells)
    for place in range(min(reach), max(upto)):
        sample, i = divmod(place, len(problems))
        for cell, (low, high) in enumerate(zip(reach, upto, strict=True)):
            if low <= place < high:
                yield plan.begun((sample * len(problems) + problems[i]) * cells + cell)


def widths(writer: RunWriter, cells: int) -> list[float | None]:
    """Of each cell's interval, as the report has it, over all that has been written."""
    with Run(writer.path, writing=True) as run:
        intervals = {cell: interval(outcomes) for cell, outcomes in graded(run).items()}
    return [found.high - found.low if (found := intervals.get(cell)) else None for cell in range(cells)]


def _waits_for(plan: RunPlan, adaptive: Adaptive, found: Widths) -> str:
    wide = _wide(plan, adaptive, found)
    if not wide:
        return ""
    width, name = max(wide)
    return f": {len(wide)} of {len(found)} intervals wider than {adaptive.adaptive:g}, the widest {width:.3f} ({name})"


def _wide(plan: RunPlan, adaptive: Adaptive, found: Widths) -> list[tuple[float, str]]:
    cells = zip(found, plan.cells, strict=True)
    return [(width, cell.name) for width, cell in cells if width is not None and width > adaptive.adaptive]


def still_wide(plan: RunPlan, writer: RunWriter) -> list[str]:
    """Which intervals stay wider than was wanted, in words."""
    if plan.adaptive is None:
        return []
    wide = _wide(plan, plan.adaptive, widths(writer, len(plan.cells)))
    said = ", ".join(f"{name} ({width:.3f})" for width, name in wide)
    return [f"wider than {plan.adaptive.adaptive:g} with all that `at_most:` allows: {said}"] if wide else []
