"""Pictures of what cells cost: accuracy against each kind of cost, with both intervals, and when a relay pays."""

from collections.abc import Mapping, Sequence
from math import ceil, floor, log2, log10

from relay.measure.break_even import Line as PriceLine
from relay.measure.joint import Ratio
from relay.reports.pictures import MOST, Level, Line, Mark, Picture, Tick, across_of, mark_of, percents, told, up_of
from relay.reports.points import Point

KINDS = {
    "tokens": "tokens decoded, for each graded rollout",
    "seconds": "seconds of its calls, for each graded rollout",
    "money": "money, for each graded rollout",
}
WIDEST = 3.0  # from the lowest to the highest multiple in a picture of prices: two to the power of this, either way
CHEAPEST = 2.0  # the lowest price in it: ten to the power of minus this


def costs(found: Sequence[Point]) -> list[Picture]:
    """Score over each kind of cost, of the cells that have it; nothing where fewer than two have."""
    by_kind = ((kind, [point for point in found if kind in point.costs]) for kind in KINDS)
    return [_cost(there, kind, len(found) - len(there)) for kind, there in by_kind if len(there) > 1]


def _cost(found: Sequence[Point], kind: str, lack: int) -> Picture:
    most = max(min(cost.high or 2 * cost.ratio, 2 * cost.ratio) for cost in (point.costs[kind] for point in found))
    step = _step(most / 5)
    steps = ceil(most / step)
    ticks = tuple(Tick(across_of(i / steps), f"{i * step:,.6g}") for i in range(steps + 1))
    kinds = {name: i for i, name in enumerate(dict.fromkeys(_kind(point) for point in found))}

    def mark(point: Point, number: int) -> Mark:
        mean, low, high, _ = point.costs[kind]
        ends = [across_of(min(1.0, (mean if end is None else end) / step / steps)) for end in (low, high)]
        said = f"{told(point)}; {kind} {mean:,.4g}" + ("" if low is None else f" ({low:,.4g} – {high:,.4g})")
        return mark_of(point, mean / step / steps, number)._replace(told=said, left=ends[0], right=ends[1])

    lines = _labelled([
        Line(name, number, tuple(mark(p, number) for p in found if _kind(p) == name))
        for name, number in kinds.items()
        if number < MOST
    ])  # fmt: skip
    about = f"Score of each cell over its {KINDS[kind]}, both with 95 % intervals; a line joins those that none beats."
    about += f" {lack:,} cell{'s have' if lack > 1 else ' has'} no such cost, and no place here." if lack else ""
    title = "Cost against accuracy" if kind == "tokens" else f"Accuracy against {kind}"
    return Picture(
        title, about, KINDS[kind], "correct, %", ticks, percents(), lines, None, False, max(0, len(kinds) - MOST),
        _frontier([m for line in lines for m in line.marks]),
    )  # fmt: skip


def _frontier(marks: Sequence[Mark]) -> str:
    """The cells that no other beats in both cost and score, from the cheapest on."""
    best: list[Mark] = []
    for mark in sorted(marks, key=lambda m: (m.x, m.y)):
        if not best or mark.y < best[-1].y:  # up is less
            best.append(mark)
    return " ".join(f"{m.x:.1f},{m.y:.1f}" for m in best) if len(best) > 1 else ""


def _labelled(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Each mark with the number of its cell, where no other number stands yet."""
    taken: list[Mark] = []
    for mark in (mark for line in lines for mark in line.marks):
        if all(abs(mark.x - other.x) > 18 or abs(mark.y - other.y) > 12 for other in taken):
            taken.append(mark)
    free = {mark.cell for mark in taken}
    return tuple(
        line._replace(marks=tuple(m._replace(label=str(m.cell)) if m.cell in free else m for m in line.marks))
        for line in lines
    )


def prices(found: Mapping[tuple[str, str], PriceLine], cells: Sequence[str]) -> list[Picture]:
    """For each baseline what a right answer costs beside it, by the price of the other models; a line for each cell."""
    by_base: dict[str, list[tuple[str, PriceLine]]] = {}
    for (cell, base), line in found.items():
        by_base.setdefault(base, []).append((cell, line))
    return [_prices(base, lines, cells) for base, lines in by_base.items()]


def _prices(base: str, found: Sequence[tuple[str, PriceLine]], cells: Sequence[str]) -> Picture:
    lines = []
    for kind, (cell, line) in enumerate(found[:MOST]):
        marks = tuple(_priced(price, times, kind, cells.index(cell), cell) for price, times in line.points)
        lines.append(Line(cell, kind, marks))
    x_ticks = tuple(Tick(_cheap(10.0**-i), f"{10.0**-i:g}") for i in range(int(CHEAPEST), -1, -1))
    y_ticks = tuple(Tick(_times(2.0**i), f"{2.0**i:g}") for i in range(int(-WIDEST), int(WIDEST) + 1))
    model = found[0][1].model
    level = Level(_times(1), _times(1), _times(1), f"as much as {base}", cells.index(base), f"as much as {base}")
    about = f"What a right answer costs, as a multiple of {base}, over the price of the other models' tokens."
    return Picture(
        f"When it pays, beside {base}", about, f"price of a token of the others, {model} = 1",
        f"a right answer's cost, {base} = 1", x_ticks, y_ticks, tuple(lines), level, True, max(0, len(found) - MOST),
    )  # fmt: skip


def _priced(price: float, times: Ratio, kind: int, cell: int, name: str) -> Mark:
    said = f"{name}: at a price of {price:.3g} {times.ratio:.3g} times"
    said += "" if times.low is None else f" ({times.low:.3g} – {times.high:.3g})"
    low, high = (_times(times.ratio if end is None else end) for end in (times.low, times.high))
    return Mark(_cheap(price), _times(times.ratio), low, high, kind, cell, said)


def _cheap(price: float) -> float:
    return across_of(1 + log10(price) / CHEAPEST)


def _times(multiple: float) -> float:
    return up_of((max(-WIDEST, min(WIDEST, log2(max(multiple, 1e-9)))) + WIDEST) / (2 * WIDEST))


def _kind(point: Point) -> str:
    if point.baseline:
        return point.baseline
    return "alone" if point.alone else f"without {point.without}" if point.without else "as it is"


def _step(rough: float) -> float:
    """The least of 1, 2, 5, 10, ... that is not under it."""
    power = 10.0 ** floor(log10(rough))
    return next(float(n * power) for n in (1, 2, 5, 10) if n * power >= rough * 0.999)
