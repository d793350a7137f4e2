"""`relay report --html`: one file that needs nothing else, neither network nor script."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from relay.reports.cost_pictures import costs
from relay.reports.cost_pictures import prices as price_pictures
from relay.reports.parts import Caption, Note, guides, parts, title_of
from relay.reports.pictures import DASHES, Heat, Picture, curves, heats
from relay.reports.traces import Led, led
from relay.tui.safe import visible

if TYPE_CHECKING:
    from rich.table import Table

    from relay.measure.price import Prices
    from relay.store.reader import Run

TEMPLATE = "page.html"
SHAPES = (  # of marks, around 0,0
    "M-4.5,0a4.5,4.5 0 1,0 9,0a4.5,4.5 0 1,0 -9,0z", "M-4,-4h8v8h-8z", "M0,-5.5L5,4h-10z", "M0,-6L5,0L0,6L-5,0z",
    "M0,5.5L5,-4h-10z", "M-5,-1.6h3.4v-3.4h3.2v3.4h3.4v3.2h-3.4v3.4h-3.2v-3.4h-3.4z", "M-2.5,-5h5v10h-5z",
    "M-5,-2.5h10v5h-10z",
)  # fmt: skip


class Grid(NamedTuple):
    """A table of the terminal as a page has it."""

    title: str
    columns: tuple[tuple[str, bool], ...]  # header, whether figures
    rows: tuple[tuple[str, ...], ...]
    whole: tuple[bool, ...]  # rows that put others together


class Section(NamedTuple):
    """One run."""

    number: int
    path: str
    title: str
    parts: tuple[tuple[str, Any], ...]  # "table" and a Grid, "note" or "caption" and words
    curves: Sequence[Picture]
    costs: Sequence[Picture]
    heats: Sequence[Heat]
    methods: Sequence[str]
    led: Sequence[Led]


def page(runs: "Sequence[Run]", priced: "Sequence[Prices]" = ()) -> str:
    """The whole page; `priced`: as `--price` says. Whatever a model, a problem or a scenario says is text in it."""
    from importlib.resources import files

    from jinja2 import Environment, StrictUndefined

    source = files("relay.reports").joinpath(TEMPLATE).read_text("utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["visible"] = visible
    sections = [_section(i, run, priced[i] if priced else None) for i, run in enumerate(runs)]
    by_guide = tuple(_plain(part) for part in guides(runs)) if len(runs) > 1 else ()
    return environment.from_string(source).render(
        sections=sections, by_guide=by_guide, shapes=SHAPES, dashes=DASHES, version=_version()
    )


def _section(number: int, run: "Run", priced: "Prices | None") -> Section:
    from relay.measure.gains import gains
    from relay.measure.paid import paid
    from relay.reports.gains import break_even
    from relay.reports.methods import methods
    from relay.reports.points import points

    cells = paid(run, prices=priced)
    found = points(run, cells)
    told = tuple(_plain(part) for part in parts(run, priced))
    lines, _ = break_even(run, gains(run, of=cells), cells, priced)
    pictures = (curves(found), [*costs(found), *price_pictures(lines, run.cells)], heats(found))
    return Section(number, str(run.path), title_of(run.meta), told, *pictures, methods(run), led(run))


def _plain(part: "Table | Note | Caption") -> tuple[str, Any]:
    if isinstance(part, Note):
        return "note", visible(part.text)
    if isinstance(part, Caption):
        return "caption", visible(part.text)
    return "table", grid(part)


def grid(table: "Table") -> Grid:
    """A table of the terminal, its words as they are."""
    columns = tuple((str(column.header), column.justify == "right") for column in table.columns)
    cells = [[_words(cell) for cell in column.cells] for column in table.columns]
    whole = tuple("bold" in str(row.style) for row in table.rows)
    return Grid(str(table.title or ""), columns, tuple(zip(*cells, strict=True)), whole)


def _words(cell: Any) -> str:
    return cell.plain if hasattr(cell, "plain") else str(cell)


def _version() -> str:
    from relay import __version__

    return __version__
