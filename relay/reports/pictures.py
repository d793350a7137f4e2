"""Pictures of a run as plain geometry, which the page's template draws as SVG: no library, no script, no network.

Every mark has a shape of its own kind, every line a dash, so that nothing hangs on colour alone.
"""

from collections.abc import Sequence
from typing import NamedTuple

from relay.reports.points import Point, numbers, rest_of

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 640, 330, 56, 14, 14, 48  # of a curve, in units of its view box
MOST = 8  # lines in one picture; so many shapes there are
DASHES = ("", "7 4", "2 3", "10 3 2 3", "4 2", "1 4", "12 4", "6 2 1 2")


class Tick(NamedTuple):
    """A place on an axis."""

    at: float
    text: str


class Mark(NamedTuple):
    """A cell: where it lies, the ends of its interval, and the number of the cell that it leads to."""

    x: float
    y: float
    low: float
    high: float
    kind: int  # shape, dash and colour
    cell: int
    told: str  # the figures in words
    label: str = ""  # beside it, where there is room
    left: float = 0.0  # the ends of its interval across, where it has one
    right: float = 0.0


class Line(NamedTuple):
    """Marks that belong together."""

    name: str
    kind: int
    marks: tuple[Mark, ...]

    @property
    def path(self) -> str:
        """As SVG's polyline has it."""
        return " ".join(f"{mark.x:.1f},{mark.y:.1f}" for mark in self.marks)


class Level(NamedTuple):
    """The baseline: a line from left to right with its interval."""

    y: float
    low: float
    high: float
    told: str
    cell: int
    name: str = "fresh solos, with their interval"


class Picture(NamedTuple):
    """A curve, or points."""

    title: str
    about: str  # what the picture says, for those who cannot see it
    x: str
    y: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    level: Level | None
    joined: bool  # whether its marks are joined by lines
    left_out: int = 0  # lines that found no room
    frontier: str = ""  # the cells that no other beats in both, as SVG's polyline has them


class Square(NamedTuple):
    """A cell of a heat map."""

    cell: int
    text: str
    told: str
    shade: int  # percent


class Heat(NamedTuple):
    """Scores over two swept names."""

    title: str
    across: str
    down: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Square | None, ...]], ...]


def curves(found: Sequence[Point]) -> list[Picture]:
    """Score over each swept number; a line for each setting of the others, with spoiler rates where they are known."""
    return [_curve(found, name) for name in numbers([p for p in found if not p.beside])]


def heats(found: Sequence[Point]) -> list[Heat]:
    """A map for each pair of swept numbers' first two, one for each setting of all others."""
    names = numbers([p for p in found if not p.beside])[:2]
    if len(names) < 2:
        return []
    across, down = names
    groups: dict[str, list[Point]] = {}
    for point in found:
        if not point.beside:
            groups.setdefault(rest_of(point, across, down), []).append(point)
    return [_heat(group, across, down, rest) for rest, group in groups.items() if len(group) > 1][:MOST]


def _curve(found: Sequence[Point], name: str) -> Picture:
    values = sorted({point.settings[name] for point in found if not point.beside})
    low, high = values[0], values[-1]

    def place(value: float) -> float:
        return float(0.04 + 0.92 * (value - low) / (high - low))

    groups: dict[str, list[Point]] = {}
    for point in found:
        if not point.beside:
            groups.setdefault(rest_of(point, name), []).append(point)
    lines = []
    for kind, (rest, group) in enumerate(groups.items()):
        ordered = sorted(group, key=lambda point: point.settings[name])
        marks = tuple(mark_of(point, place(point.settings[name]), kind) for point in ordered)
        lines.append(Line(f"score{f', {rest}' if rest else ''}", kind, marks))
        if any(point.spoilers is not None for point in ordered):
            lines.append(_spoilers(ordered, [place(point.settings[name]) for point in ordered], rest))
    lines = [_apart(line, i, min(len(lines), MOST)) for i, line in enumerate(lines)]
    ticks = tuple(Tick(across_of(place(value)), f"{value:g}") for value in values)
    base = next((p for p in found if p.alone or p.baseline.startswith("solo ")), None)
    said = "its 95 % intervals, and fresh solos as a level." if base else "its 95 % intervals."
    return Picture(
        f"Score by {name}", f"Share of right answers over {name}, with {said}", name, "correct, %", ticks, percents(),
        tuple(lines[:MOST]), base and _level(base), True, max(0, len(lines) - MOST),
    )  # fmt: skip


def _apart(line: Line, kind: int, of: int) -> Line:
    """A line of its own kind, a little beside the others, so that no bar hides another."""
    aside = 6.0 * (kind - (of - 1) / 2)
    return Line(line.name, kind, tuple(mark._replace(kind=kind, x=mark.x + aside) for mark in line.marks))


def _spoilers(ordered: Sequence[Point], places: Sequence[float], rest: str) -> Line:
    marks = []
    for point, place in zip(ordered, places, strict=True):
        if point.spoilers is not None:
            y = up_of(point.spoilers)
            told = f"{point.name}: spoilers {100 * point.spoilers:.1f} % of {point.graded:,}"
            marks.append(Mark(across_of(place), y, y, y, 0, point.cell, told))
    return Line(f"spoiler rate{f', {rest}' if rest else ''}", 0, tuple(marks))


def _heat(group: Sequence[Point], across: str, down: str, rest: str) -> Heat:
    columns, rows = (sorted({p.settings[name] for p in group}) for name in (across, down))
    at = {(p.settings[across], p.settings[down]): p for p in group}
    lines = tuple((f"{row:g}", tuple(_square(at.get((column, row))) for column in columns)) for row in rows)
    title = f"Score by {across} and {down}{f', {rest}' if rest else ''}"
    return Heat(title, across, down, tuple(f"{column:g}" for column in columns), lines)


def _square(point: Point | None) -> Square | None:
    return point and Square(point.cell, f"{100 * point.score:.1f}", told(point), round(100 * point.score))


def mark_of(point: Point, across: float, kind: int) -> Mark:
    """A cell at a share of the width."""
    low, high = (point.interval.low, point.interval.high) if point.interval else (point.score, point.score)
    return Mark(across_of(across), up_of(point.score), up_of(low), up_of(high), kind, point.cell, told(point))


def _level(point: Point) -> Level:
    low, high = (point.interval.low, point.interval.high) if point.interval else (point.score, point.score)
    return Level(up_of(point.score), up_of(low), up_of(high), f"fresh solos: {told(point)}", point.cell)


def told(point: Point) -> str:
    """A point's figures in words."""
    span = f" ({100 * point.interval.low:.1f} – {100 * point.interval.high:.1f})" if point.interval else ""
    return f"{point.name}: {100 * point.score:.1f} %{span} of {point.graded:,} graded, {point.tokens:,.0f} tokens each"


def percents() -> tuple[Tick, ...]:
    """The ticks of a share."""
    return tuple(Tick(up_of(share / 100), str(share)) for share in range(0, 101, 20))


def across_of(share: float) -> float:
    """From left to right, of a share of the width."""
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def up_of(share: float) -> float:
    """From bottom to top, of a share of the height."""
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
