"""The forecast of a run: from a pilot's rollouts to tokens, hours, money, and what the study could see."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import sqrt
from random import Random
from statistics import fmean, stdev
from typing import NamedTuple

from relay.language.reading import Reading
from relay.measure.price import NO_PRICES, Prices, price_of
from relay.planning.expected import Size, expected
from relay.planning.meter import Call
from relay.planning.pilot import Pilot
from relay.planning.sight import Beliefs, Sight, sights
from relay.planning.wall import Pace, Work, seconds, work_of
from relay.prepare.problem_sets import problems_of

MOST = 100_000  # rollouts that are walked through one by one; of more, so many, and the time in proportion


class Terms(NamedTuple):
    """What the user says of the machines and their price."""

    replicas: int = 1
    decode: float | None = None  # tokens a second of one call, with all calls under way; None: as in the pilot
    prefill: float = 10_000.0  # prompt tokens a second of one call
    at_once: int | None = None  # calls on one replica
    prices: Prices = NO_PRICES  # by model; "": all others


class Line(NamedTuple):
    """One part of the run: the solos of a model, or a cell."""

    what: str
    number: int  # solos or rollouts
    decoded: int  # tokens kept
    thrown: int
    computed: int
    cached: int
    within: float  # half of the 95 % interval of `decoded`, as a share of it


class Forecast(NamedTuple):
    """What a run will cost, and what it could see."""

    title: str
    own: bool  # measured on the scenario's own models; else with simulated ones in their place
    problems: int
    selected: int  # problems that there are for each cell, expected
    size: Size  # of each cell; less than that where samples are adaptive
    lines: Sequence[Line]
    hours: float | None  # None: nobody knows how fast the models are
    money: float | None  # None: no price was said
    sights: Sequence[Sight]
    notes: Sequence[str]

    @property
    def tokens(self) -> int:
        """Decoded, thrown away ones included."""
        return sum(line.decoded + line.thrown for line in self.lines)


def forecast(reading: Reading, pilot: Pilot, terms: Terms, beliefs: Beliefs) -> Forecast:
    """The whole run, as a multiple of the pilot. Raises UserError."""
    scenario = reading.cells[0].scenario
    problems = len(problems_of(reading).problems)
    limit = scenario.select.limit if scenario.select and scenario.select.limit else problems
    selected = min(limit, round(problems * pilot.selected / pilot.problems)) if pilot.own else min(limit, problems)
    size = expected(reading, selected, beliefs)
    each = size.rollouts
    lines = [*_solo_lines(pilot), *_cell_lines(reading, pilot, each)]
    hours = _hours(pilot, terms, each)
    notes = [*pilot.notes]
    if scenario.select and not pilot.own:
        notes.append("as many problems as may be are taken for selected")
    if scenario.select and pilot.own:
        notes.append(f"{pilot.selected} of {pilot.problems} problems of the pilot were selected")
    if scenario.adaptive:
        notes.append(f"adaptive samples: {each:,} a cell, of {selected * scenario.most_samples:,}, were all as assumed")
    notes += _not_in_the_money(pilot, terms, hours)
    return Forecast(
        scenario.title or reading.source, pilot.own, problems, selected, size, lines, hours,
        _money(pilot, terms, each, hours), sights(reading, size.problems, size.samples, beliefs), notes,
    )  # fmt: skip


def _solo_lines(pilot: Pilot) -> list[Line]:
    found = []
    for model, number in sorted(pilot.missing.items()):
        calls = [c for c in pilot.calls if c.solo and c.model == model]
        if calls and number:
            found.append(_line(f"solos of {model}", number, [(c.decoded, 0, c.computed, c.cached) for c in calls]))
    return found


def _cell_lines(reading: Reading, pilot: Pilot, each: int) -> list[Line]:
    by_cell: dict[str, list[tuple[int, ...]]] = {cell.name: [] for cell in reading.cells}
    for s in pilot.spent:
        by_cell[s.cell].append((s.decoded, s.thrown, s.computed, s.cached))
    return [_line(cell, each, rows) for cell, rows in by_cell.items() if rows]


def _line(what: str, number: int, rows: Sequence[Sequence[int]]) -> Line:
    means = [fmean(column) for column in zip(*rows, strict=True)]
    decoded = [float(row[0]) for row in rows]
    error = stdev(decoded) / sqrt(len(decoded)) if len(decoded) > 1 else 0.0
    within = 1.96 * error / means[0] if means[0] else 0.0
    kept, thrown, computed, cached = (round(number * mean) for mean in means)
    return Line(what, number, kept, thrown, computed, cached, within)


def _hours(pilot: Pilot, terms: Terms, each: int) -> float | None:
    """Solos model by model, then all rollouts, on each replica its share."""
    pace = _pace(pilot, terms)
    if pace is None:
        return None
    at_once = terms.at_once or pilot.at_once
    whole = pilot.loading
    for model, number in pilot.missing.items():
        works = [work_of([c], pace) for c in pilot.calls if c.solo and c.model == model]
        whole += _phase(works, number, at_once, terms.replicas, pace)
    works = [work_of(calls, pace) for calls in _by_rollout(pilot.calls).values()]
    walked = {s.cell for s in pilot.spent}
    return (whole + _phase(works, each * len(walked), at_once, terms.replicas, pace)) / 3600


def _phase(works: Sequence[Work], number: int, at_once: int, replicas: int, pace: Pace) -> float:
    """Seconds for so many rollouts like these."""
    share = -(-number // replicas)
    if not works or not share:
        return 0.0
    random = Random(0)
    walked = min(share, max(MOST, at_once))
    return seconds((random.choice(works) for _ in range(walked)), at_once, pace) * share / walked


def _pace(pilot: Pilot, terms: Terms) -> Pace | None:
    if terms.decode is not None:
        return Pace(0.05, 1 / terms.prefill, 1 / terms.decode)
    return pilot.pace


def _by_rollout(calls: Sequence[Call]) -> dict[tuple[str, int, str], list[Call]]:
    found: dict[tuple[str, int, str], list[Call]] = defaultdict(list)
    for call in calls:
        if not call.solo:
            found[call.rollout].append(call)
    return found


def _money(pilot: Pilot, terms: Terms, each: int, hours: float | None) -> float | None:
    if not terms.prices or (hours is None and not any(price.by_token for price in terms.prices.values())):
        return None
    total = sum(price.hour or 0.0 for price in terms.prices.values()) * (hours or 0.0) * terms.replicas
    rollouts = max(1, len(pilot.spent)) / max(1, len({s.cell for s in pilot.spent}))
    for call in pilot.calls:
        solos = sum(c.solo and c.model == call.model for c in pilot.calls) if call.solo else 0
        times = pilot.missing.get(call.model, 0) / solos if call.solo else each / rollouts
        total += times * (price_of(terms.prices, call.model).of(call.computed + call.cached, call.decoded) or 0.0)
    return total


def _not_in_the_money(pilot: Pilot, terms: Terms, hours: float | None) -> Iterator[str]:
    if hours is None and any(price.hour for price in terms.prices.values()):
        yield "hours have a price, but nobody knows how many there will be: their money is left out"
    paid = {model: price_of(terms.prices, model) for model in sorted({call.model for call in pilot.calls})}
    free = [model for model, price in paid.items() if not price.by_token and price.hour is None]
    if terms.prices and free:
        yield f"of {', '.join(free)} no price is said: what they cost is left out"
