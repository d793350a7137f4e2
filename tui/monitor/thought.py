"""The chain of thought: append-only lines, each author in its colour and with its mark, the facts in the margin."""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import ClassVar, NamedTuple

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from relay.tui.monitor.story import Block, handoffs

MARGIN = 27  # columns
INK = 0.45  # how much of the colour of plain words there is in an author's
HERE = Style(reverse=True, bold=True)  # the first different token
FOUND = Style(reverse=True)


class Line(NamedTuple):
    """One line of a block, as wide as fits."""

    block: int
    text: Text
    margin: str
    first: bool
    colour: str


class Thought(ScrollView, can_focus=True):
    """A story's blocks with a cursor on one of them. New text touches the last block only."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "segment(1)", "Segment", key_display="j k"),
        Binding("k", "segment(-1)", "Back", show=False),
        Binding("n", "handoff(1)", "Handoff"),
        Binding("N", "handoff(-1)", "Handoff before", show=False),
        Binding("f", "found(1)", "Next found", show=False),
        Binding("F", "found(-1)", "Found before", show=False),
        Binding("x", "unfold", "Fold"),
    ]

    class Moved(Message):
        """The cursor stands at another block, or there are others."""

    def __init__(self, *, margin: bool = True, id: str | None = None) -> None:
        super().__init__(id=id)
        self._margin = margin
        self.blocks: list[Block] = []
        self._lines: list[Line] = []
        self._starts: list[int] = []  # the first line of each block
        self.cursor = 0
        self.unfolded = False
        self._words = ""
        self._here: tuple[int, int] | None = None
        self._fresh = True
        self._plain = Style()

    # -- what there is

    def show(self, blocks: Sequence[Block]) -> None:
        """Show these; blocks that are as they were are not laid out again."""
        same = 0
        for old, new in zip(self.blocks, blocks, strict=False):
            if old != new:
                break
            same += 1
        if same == len(blocks) == len(self.blocks) and not self._fresh:
            return
        at_end = self._fresh or self.is_vertical_scroll_end
        self.blocks, fresh = list(blocks), self._fresh
        self._lay_out(0 if fresh else same)
        if fresh:
            self._fresh = False
        elif at_end and blocks and blocks[-1].open:
            self.scroll_end(animate=False)

    def mark(self, block: int, char: int) -> None:
        """Mark this place: the first different token."""
        self._here = (block, char)
        self._lay_out(0)
        self.go(block)

    def find(self, words: str) -> int:
        """Highlight these words; how often they are there."""
        self._words = words
        self._lay_out(0)
        return sum(len(self._pattern.findall(b.text)) for b in self.blocks) if words else 0

    @property
    def block(self) -> Block | None:
        """The one under the cursor."""
        return self.blocks[self.cursor] if self.cursor < len(self.blocks) else None

    @property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(re.escape(self._words), re.IGNORECASE)

    # -- how it is laid out

    def _lay_out(self, since: int) -> None:
        """Lay out the blocks from this one on."""
        if not self.size.width:
            return
        keep = self._starts[since] if since < len(self._starts) else len(self._lines)
        del self._lines[keep:]
        del self._starts[since:]
        for at in range(since, len(self.blocks)):
            self._starts.append(len(self._lines))
            self._lines += self._laid_out(at, self.blocks[at])
        self.cursor = max(0, min(self.cursor, len(self.blocks) - 1))
        self.virtual_size = Size(self.size.width, len(self._lines))
        self.refresh()
        self.post_message(self.Moved())

    @property
    def _room(self) -> int:
        return max(10, self.size.width - 4 - (MARGIN if self._margin else 0))

    def _laid_out(self, at: int, block: Block) -> Iterator[Line]:
        if block.folded and not (self.unfolded and block.text):
            sign = "▸ " if block.text else ""
            yield Line(at, Text(sign + block.folded, no_wrap=True, end=""), "", True, "dim italic")
            return
        text, colour = Text(block.text), "dim" if block.folded else block.colour
        if block.open:
            text.append("▁", "blink")
        if self._words:
            for found in self._pattern.finditer(block.text):
                text.stylize(FOUND, *found.span())
        if self._here is not None and self._here[0] == at:
            text.stylize(HERE, self._here[1], self._here[1] + 1)
        lines = list(text.wrap(self.app.console, self._room, overflow="fold", tab_size=4)) or [Text()]
        for each in lines:
            each.end = ""
        margin = [part for line in block.margin for part in _broken(line, MARGIN - 2)] if self._margin else []
        for i in range(max(len(lines), len(margin))):
            words = lines[i] if i < len(lines) else Text(end="")
            yield Line(at, words, margin[i] if i < len(margin) else "", i == 0, colour)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Several lines; the style of plain words, which takes long to work out, is the same in all."""
        self._plain = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One line: cursor, mark, text, margin."""
        place, width = int(self.scroll_offset.y) + y, self.size.width
        if place >= len(self._lines):
            return Strip.blank(width, self._plain)
        line = self._lines[place]
        block, here = self.blocks[line.block], line.block == self.cursor
        base = self._plain
        mark = base + (Style.parse(block.colour) if block.colour != "dim" else Style(dim=True))
        parts = [Segment("▶" if here and line.first else " ", base), Segment(f"{block.mark} ", mark)]
        own = base + self._ink(line.colour)
        drawn = line.text.render(self.app.console)
        text = Strip([Segment(s.text, own + (s.style or Style())) for s in drawn]).adjust_cell_length(self._room, base)
        after = (
            [Segment(" " + set_cell_size(line.margin, MARGIN - 1), base + Style(dim=not here))] if self._margin else []
        )
        return Strip([*parts, *text, *after]).adjust_cell_length(width, base)

    def _ink(self, colour: str) -> Style:
        """The author's colour, nearer to that of plain words, so that long texts read well on light and dark."""
        if not colour.startswith("#"):
            return Style.parse(colour)
        plain = "#ffffff" if self.app.current_theme.dark else "#000000"
        return Style(color=Color.parse(colour).blend(Color.parse(plain), INK).rich_color)

    # -- what the user does

    def go(self, block: int) -> None:
        """To this block."""
        if not self.blocks:
            return
        self.cursor = max(0, min(len(self.blocks) - 1, block))
        self.post_message(self.Moved())
        if self.cursor < len(self._starts):
            y = self._starts[self.cursor]
            if not self.scroll_offset.y <= y < self.scroll_offset.y + self.size.height - 2:
                self.call_after_refresh(partial(self.scroll_to, y=max(0, y - 2), animate=False, force=True))
        self.refresh()

    def action_segment(self, by: int) -> None:
        """To the next segment, or the one before."""
        self.go(self.cursor + by)

    def action_handoff(self, by: int) -> None:
        """To where another author begins."""
        places = list(handoffs(self.blocks))
        if by > 0:
            self.go(next((p for p in places if p > self.cursor), self.cursor))
        else:
            self.go(next((p for p in reversed(places) if p < self.cursor), 0))

    def action_found(self, by: int) -> None:
        """To the next block with the searched words."""
        if not self._words:
            return
        order = [(self.cursor + by * step) % len(self.blocks) for step in range(1, len(self.blocks) + 1)]
        self.go(next((at for at in order if self._pattern.search(self.blocks[at].text)), self.cursor))

    def action_unfold(self) -> None:
        """Show what is folded, or fold it."""
        self.unfolded = not self.unfolded
        self._lay_out(0)
        self.go(self.cursor)

    def on_click(self, event: events.Click) -> None:
        """The cursor goes to the block that was clicked."""
        place = int(self.scroll_offset.y) + event.y
        if place < len(self._lines):
            self.go(self._lines[place].block)

    def on_resize(self) -> None:
        """Another width: everything is laid out again."""
        self._lay_out(0)


def _broken(line: str, width: int) -> list[str]:
    """A line of the margin in pieces that fit."""
    from rich.cells import chop_cells

    return chop_cells(line, width) or [""]
