"""What each author earned: how far its segments moved the chance of a right answer, beside what they cost.

A segment's credit is the chance after it less the chance before it, for one model that goes on alone; the chance after
the last is the outcome. Credits of a rollout add up to its outcome less the model's chance on the problem alone.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from relay.measure.gains import pairs
from relay.measure.graded import graded, graded_by_number
from relay.measure.joint import only
from relay.measure.outcomes import Outcomes
from relay.measure.paired import Difference, between, mean_of
from relay.store.reader import Run

SEGMENTS = """
SELECT c.rollout, c.place, by.text, node.text, model.text, c.solved * 1.0 / c.tried,
       CASE c.last WHEN 1 THEN outcome.text = 'correct' ELSE next.solved * 1.0 / nullif(next.tried, 0) END,
       c.tried, c.last, cell.id, cell.name, r.problem, s.id
FROM chance c
LEFT JOIN chance next ON next.model = c.model AND next.rollout = c.rollout AND next.place = c.place + 1
JOIN rollout r ON r.id = c.rollout
JOIN cell ON cell.id = r.cell
JOIN step s ON s.id = c.hop
JOIN name by ON by.id = c.model
JOIN name node ON node.id = s.node
JOIN name model ON model.id = s.model
JOIN verdict v ON v.rollout = r.id AND v.verifier = (SELECT id FROM name WHERE text = :verifier)
JOIN name outcome ON outcome.id = v.outcome
WHERE c.tried > 0
ORDER BY by.id, cell.id, c.rollout, c.place
"""
WROTE = """
SELECT s.rollout, node.text, model.text, sum(coalesce(s.decoded, 0) + coalesce(s.thrown, 0))
FROM step s JOIN name node ON node.id = s.node JOIN name model ON model.id = s.model
WHERE s.rollout IN (SELECT rollout FROM chance) GROUP BY s.rollout, s.node, s.model
"""
COST = """
SELECT by.text, count(*), sum(c.drawn), sum(c.drawn - c.tried), sum(c.decoded + c.thrown), sum(c.ms) / 1000.0
FROM chance c JOIN name by ON by.id = c.model GROUP BY by.id ORDER BY by.id
"""


class Moves(NamedTuple):
    """One segment: how it moved the chance."""

    rollout: int
    place: int  # segments before it
    by: str  # the model that goes on alone
    node: str
    model: str
    before: float  # 0..1
    after: float | None  # None: not drawn yet
    tried: int  # continuations before it
    last: bool
    cell: int
    cell_name: str
    problem: int
    step: int


class Author(NamedTuple):
    """A node, and the model that wrote there; sums of a rollout, each the mean over problems of means over rollouts."""

    node: str
    model: str
    segments: float  # in the final thought
    credit: Difference  # in shares: 0.01 is one point
    tokens: float  # decoded, whatever became of them


class Credits(NamedTuple):
    """One cell, by one model that goes on alone."""

    cell: str
    by: str
    rollouts: int
    problems: int
    start: float  # the model's chance on the problem alone, as the continuations have it
    end: float  # the cell's score
    total: Difference  # end minus start: what all authors' credits add up to
    authors: tuple[Author, ...]
    gain: Difference | None  # over the baseline `solo MODEL`, on the same problems and all their rollouts


class Drawn(NamedTuple):
    """What the continuations of one model cost."""

    by: str
    prefixes: int
    continuations: int
    failed: int
    decoded: int  # tokens, thrown away ones too
    seconds: float  # of their calls, summed


def there(run: Run) -> bool:
    """Whether segments of this run were given credit."""
    return run.has("chance")


def moves(run: Run) -> Iterator[Moves]:
    """Every segment from whose prefix somebody went on, rollout by rollout."""
    for row in run.query(SEGMENTS, verifier=run.verifier) if there(run) else ():
        yield Moves(*row)


def moves_of(run: Run, rollout: int) -> dict[int, list[Moves]]:
    """Of one rollout, by the place of the hop among its hops."""
    if not there(run):
        return {}
    steps = [step for (step,) in run.query("SELECT id FROM step WHERE rollout = ? ORDER BY id", rollout)]
    found: dict[int, list[Moves]] = {}
    for row in run.query(SEGMENTS.replace("WHERE c.", "WHERE c.rollout = :rollout AND c."), verifier=run.verifier,
                         rollout=rollout):  # fmt: skip
        found.setdefault(steps.index(Moves(*row).step), []).append(Moves(*row))
    return found


def drawn(run: Run) -> list[Drawn]:
    """By the model that went on."""
    return [Drawn(*row) for row in run.query(COST)] if there(run) else []


def credits_of(run: Run) -> list[Credits]:
    """By model that goes on, then cell; rollouts of which a segment still lacks its continuations are left out."""
    rollouts: dict[tuple[str, int], dict[int, list[Moves]]] = defaultdict(lambda: defaultdict(list))
    for each in moves(run):
        rollouts[each.by, each.cell][each.rollout].append(each)
    wrote: dict[int, dict[tuple[str, str], int]] = defaultdict(dict)
    for rollout, node, model, tokens in run.query(WROTE) if rollouts else ():
        wrote[rollout][node, model] = tokens
    found, outcomes, names = [], graded_by_number(run) if rollouts else {}, run.cells
    for (by, cell), several in rollouts.items():
        whole = {number: line for number, line in several.items() if _whole(line)}
        if whole:
            drawn_of = _columns(*outcomes[cell], list(whole))
            found.append(_credits(by, names[cell], whole, wrote, drawn_of)._replace(gain=_gain(run, by, cell, whole)))
    return found


def _columns(numbers: list[int], of: Outcomes, rollouts: list[int]) -> Outcomes:
    """The outcomes of these rollouts, in their order."""
    place = {number: i for i, number in enumerate(numbers)}
    kept = [place[number] for number in rollouts]
    return Outcomes(
        of.problem[kept], of.distractor[kept], of.correct[kept], None if of.stratum is None else of.stratum[kept]
    )


def _whole(line: list[Moves]) -> bool:
    """Whether every segment of the rollout has its chances."""
    return line[-1].last and [each.place for each in line] == list(range(len(line)))


def _credits(
    by: str, cell: str, rollouts: dict[int, list[Moves]], wrote: dict[int, dict[tuple[str, str], int]], of: Outcomes
) -> Credits:
    import numpy as np

    authors = dict.fromkeys((each.node, each.model) for line in rollouts.values() for each in line)
    for number in rollouts:
        authors |= dict.fromkeys(wrote[number])

    def mean(values: dict[int, float], reach: float = 1.0) -> Difference:
        found = mean_of(of._replace(correct=np.array([values[number] for number in rollouts])), reach)
        assert found is not None  # there is a rollout
        return found

    told = []
    for author in authors:
        mine = {n: [each for each in line if (each.node, each.model) == author] for n, line in rollouts.items()}
        reach = max(_reach(len(line), len(rollouts[n])) for n, line in mine.items())
        earned = mean({n: sum((each.after or 0.0) - each.before for each in line) for n, line in mine.items()}, reach)
        tokens = mean({n: float(wrote[n].get(author, 0)) for n in rollouts}).mean
        told.append(Author(*author, mean({n: float(len(line)) for n, line in mine.items()}).mean, earned, tokens))
    start = mean({n: line[0].before for n, line in rollouts.items()}).mean
    end = mean({n: line[-1].after or 0.0 for n, line in rollouts.items()}).mean
    total = mean({n: (line[-1].after or 0.0) - line[0].before for n, line in rollouts.items()}, 1.0)
    return Credits(cell, by, len(rollouts), total.problems, start, end, total, tuple(told), None)


def _reach(own: int, segments: int) -> float:
    """The most that so many of a rollout's segments can move the chance, up or down; for none what one could.

    Each moves it by 1 at most, and all together do: beyond that only as far as the others move it back.
    """
    return float(max(1, min(own, 1 + segments - own)))


def _gain(run: Run, by: str, cell: int, rollouts: dict[int, list[Moves]]) -> Difference | None:
    """The cell minus `solo MODEL`, on the problems that have credit."""
    name = run.cells[cell]
    base = next((base for each, base in pairs(run) if each == name and f"{base} ".startswith(f"solo {by} ")), None)
    if base is None:
        return None
    outcomes, there_ = graded(run), {line[0].problem for line in rollouts.values()}
    other = run.cells.index(base)
    if cell not in outcomes or other not in outcomes:
        return None
    return between(only(outcomes[cell], there_), only(outcomes[other], there_))


def credit_data(of: Credits) -> dict[str, Any]:
    """As JSON has it; shares in 0..1."""
    return {
        **of._asdict(),
        "total": of.total._asdict(),
        "authors": [{**each._asdict(), "credit": each.credit._asdict()} for each in of.authors],
        "gain": of.gain and of.gain._asdict(),
    }
