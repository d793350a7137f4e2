"""The list of rollouts: only the rows that can be seen are ever read."""

from array import array
from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from relay.store.reader import Listed
from relay.tui.colours import BAD, GOOD
from relay.tui.safe import one_line

KEPT = 500  # rows in memory


class Row(NamedTuple):
    """One line of the list."""

    listed: Listed
    live: int  # tokens of its open segments
    waits: str = ""  # for a person: "asks" or "paused"

    @property
    def state(self) -> str:
        """In a word."""
        if self.listed.state != "open":
            return self.listed.state
        if self.waits:
            return self.waits
        return "writing" if self.live else "between hops" if self.listed.tokens else "begun"


class Rollouts(ScrollView, can_focus=True):
    """Rows by number, or in an order of their own, with a cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,G", "edge(-1)", "First", show=False),
        Binding("end", "edge(1)", "Last", show=False),
        Binding("enter", "open", "Open"),
    ]

    class Wanted(Message):
        """These rows can be seen and are not here."""

        def __init__(self, numbers: Sequence[int]) -> None:
            super().__init__()
            self.numbers = list(numbers)

    class Opened(Message):
        """The user wants to see this rollout."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self) -> None:
        super().__init__()
        self._ids: array[int] | None = None  # None: all, the last first
        self._count = 0
        self._forks: Sequence[int] = ()  # the last of all, whose numbers do not follow on
        self._rows: dict[int, Row] = {}
        self.cursor = 0
        self.marked: int | None = None
        self._plain = Style()
        self.nothing = ""  # what is said where there is no row

    # -- what there is

    def grow(self, count: int, forks: Sequence[int] = ()) -> None:
        """So many rollouts have begun, and these forks; those that were looked at stay where they are."""
        count, self._forks = count + len(forks), forks
        if self._ids is not None or count == self._count:
            return
        more, self._count = count - self._count, count
        self._lay_out()
        if self.cursor and more > 0:
            self.cursor += more
            self.scroll_to(y=self.scroll_offset.y + more, animate=False, force=True)

    def choose(self, ids: "array[int] | None", count: int) -> None:
        """Show these, in this order; None: all, the last first."""
        number = self.number
        self._ids, self._count = ids, len(ids) if ids is not None else count
        self.cursor = min(self.cursor, max(0, self._count - 1))
        if ids is not None and number is not None and number in ids:
            self.cursor = ids.index(number)
        self._lay_out()
        self._to_cursor()

    def fill(self, rows: Mapping[int, Row]) -> None:
        """These rows have been read."""
        if len(self._rows) > KEPT:
            self._rows.clear()
        if any(self._rows.get(number) != row for number, row in rows.items()):
            self._rows.update(rows)
            self.refresh()

    def stale(self) -> list[int]:
        """The numbers that can be seen whose rows may have changed, or are not here."""
        return [i for i in self._visible() if i not in self._rows or self._rows[i].listed.state == "open"]

    @property
    def count(self) -> int:
        """How many there are."""
        return self._count

    @property
    def number(self) -> int | None:
        """The rollout under the cursor."""
        return self._number(self.cursor) if 0 <= self.cursor < self._count else None

    def _number(self, place: int) -> int:
        if self._ids is not None:
            return self._ids[place]
        return self._forks[-1 - place] if place < len(self._forks) else self._count - 1 - place

    def _visible(self) -> list[int]:
        top = int(self.scroll_offset.y)
        return [self._number(place) for place in range(top, min(self._count, top + self.size.height))]

    def _lay_out(self) -> None:
        self.virtual_size = Size(self.size.width, self._count + 1)  # and the heading
        self.ask()
        self.refresh()

    def ask(self) -> None:
        """Ask for the rows that can be seen and are not here."""
        if missing := [i for i in self._visible() if i not in self._rows]:
            self.post_message(self.Wanted(missing))

    # -- how it looks

    def widths(self) -> tuple[int, int, int]:
        """Of the columns problem, cell and verdict."""
        room = max(12, self.size.width - 36)
        problem, cell = max(14, room * 27 // 100), max(12, room * 3 // 10)
        bar = self.size.width - self.scrollable_content_region.width
        return problem, cell, max(6, room - problem - cell - 1 - bar)  # so that nothing of it is cut

    def _heading(self) -> str:
        """The columns' names, which stay where they are."""
        problem, cell, _ = self.widths()
        return f"  {'#':>7} {'problem':<{problem}}{'cell':<{cell}}{'s':>3} {'state':<13}{'tokens':>8}  verdict"

    def render_lines(self, crop: Region) -> list[Strip]:
        """Several rows; the style of plain words, which takes long to work out, is the same in all."""
        self._plain = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One row, below the heading."""
        place, width = int(self.scroll_offset.y) + y - 1, self.size.width
        if y == 0:
            style = self._plain + Style(bold=True)
            return Strip([Segment(self._heading(), style)]).adjust_cell_length(width, style)
        if place >= self._count:
            said = self.nothing if y == 1 and not self._count else ""
            return Strip([Segment(f"  {one_line(said, width)}", self._plain)]).adjust_cell_length(width, self._plain)
        number = self._number(place)
        style = self._plain + (Style(reverse=True) if place == self.cursor and self.has_focus else Style())
        if place == self.cursor and not self.has_focus:
            style += Style(underline=True)
        return Strip(list(self._segments(number, self._rows.get(number), style))).adjust_cell_length(width, style)

    def _segments(self, number: int, row: Row | None, style: Style) -> list[Segment]:
        mark = "=" if number == self.marked else ">" if number == self.number else " "
        if row is None:
            return [Segment(f"{mark} {number:>7} ...", style)]
        problem, cell, verdict = self.widths()
        listed, tokens = row.listed, row.listed.tokens + row.live
        said, colour = verdict_of(listed)
        before = (
            f"{mark} {number:>7} {_fit(listed.problem, problem)}{_fit(listed.cell, cell)}{listed.sample:>3} "
            f"{_fit(row.state, 13)}{tokens:>8,}  "
        )
        return [Segment(before, style), Segment(_fit(said, verdict), style + Style.parse(colour))]

    # -- what the user does

    def action_move(self, by: int) -> None:
        """The cursor goes up or down."""
        self._go(self.cursor + by)

    def action_page(self, by: int) -> None:
        """By a page."""
        self._go(self.cursor + by * max(1, self.size.height - 2))

    def action_edge(self, to: int) -> None:
        """To the first or the last."""
        self._go(0 if to < 0 else self._count - 1)

    def action_open(self) -> None:
        """Open the rollout under the cursor."""
        if self.number is not None:
            self.post_message(self.Opened(self.number))

    def _go(self, place: int) -> None:
        self.cursor = max(0, min(self._count - 1, place))
        self._to_cursor()

    def _to_cursor(self) -> None:
        top, height = int(self.scroll_offset.y), max(1, self.size.height - 1)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, force=True)
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Once: the cursor; twice: open."""
        place = int(self.scroll_offset.y) + event.y - 1
        if event.y > 0 and place < self._count:
            self._go(place)
            if event.chain > 1:
                self.action_open()

    def watch_scroll_y(self, old: float, new: float) -> None:
        """Other rows can be seen."""
        super().watch_scroll_y(old, new)
        self.ask()

    def on_resize(self) -> None:
        """As many rows as fit."""
        self._lay_out()


def verdict_of(listed: Listed) -> tuple[str, str]:
    """A sign, the answer, and the colour."""
    if listed.outcome == "correct":
        return f"✓ {one_line(listed.found, 40)}", GOOD
    if listed.outcome == "wrong":
        return f"✗ {one_line(listed.found or '(none)', 30)}, not {one_line(listed.answer, 30)}", BAD
    if listed.outcome:
        return f"? {listed.outcome}", ""
    return (f"! {one_line(listed.why, 60)}" if listed.why else "·"), ""


def _fit(text: str, width: int) -> str:
    """The text in exactly so many columns, the last of them empty; wide characters count twice."""
    line = one_line(text, max(1, width - 1))
    return set_cell_size(set_cell_size(line, min(cell_len(line), width - 1)), width)
