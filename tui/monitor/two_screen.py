"""Two rollouts side by side, with the first different token marked in both."""

from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Static

from relay.errors import UserError
from relay.store.following import Seen
from relay.tui.colours import Authors
from relay.tui.monitor.keys import Keys
from relay.tui.monitor.rollouts import verdict_of
from relay.tui.monitor.story import Block, Parting, parting, story
from relay.tui.monitor.telling import Telling, tell
from relay.tui.monitor.thought import Thought
from relay.tui.safe import one_line

if TYPE_CHECKING:
    from relay.tui.monitor.app import Monitor


class TwoScreen(Screen[None]):
    """Two thoughts."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "The other"),
        Binding("question_mark", "app.keys", "Help", key_display="?"),
        Binding("t", "app.light", "Light/dark", show=False),
        Binding("escape,q", "back", "Back"),
    ]

    def __init__(self, one: int, two: int) -> None:
        super().__init__()
        self.numbers = (one, two)

    def compose(self) -> ComposeResult:
        """Left and right."""
        yield Static("reading ...", classes="title", id="parting", markup=False)
        with Horizontal(id="two"):
            for side in ("left", "right"):
                with Vertical(classes=side):
                    yield Static("", classes="title", id=f"{side}-head", markup=False)
                    yield Thought(margin=False, id=side)
        yield Keys(compact=True)

    @property
    def monitor(self) -> "Monitor":
        """The application."""
        return cast("Monitor", self.app)

    def on_mount(self) -> None:
        """Read both."""
        self._read()

    def look(self, seen: Seen) -> None:
        """They stay as they were when they were opened."""

    def say(self, trouble: str) -> None:
        """What stands in the way of reading."""

    @work(thread=True, exclusive=True)
    def _read(self) -> None:
        try:
            told = [tell(self.monitor.path, number) for number in self.numbers]
        except UserError as error:
            self.monitor.tell(self._none, str(error.mistakes[0]))
            return
        self.monitor.tell(self._show, [each for each in told if each is not None])

    def _none(self, why: str) -> None:
        self.query_one("#parting", Static).update(Text(f"! {one_line(why, 200)}", "bold"))

    def _show(self, told: list[Telling]) -> None:
        authors = Authors((told[0].scenario.get("graph") or {}).get("nodes") or ())
        stories = [story(each.hops, "0", authors, each.live) for each in told]
        for side, each, blocks in zip(("left", "right"), told, stories, strict=True):
            said, colour = verdict_of(each.listed)
            head = Text(f"#{each.listed.id} {one_line(each.listed.problem, 30)} {one_line(each.listed.cell, 30)}  ")
            self.query_one(f"#{side}-head", Static).update(head.append(said, colour))
            self.query_one(f"#{side}", Thought).show(blocks)
        found = parting(*stories)
        self.query_one("#parting", Static).update(told_of(found, stories))
        if found is not None:
            for side, at, char in zip(("left", "right"), found.blocks, found.chars, strict=True):
                if at >= 0:
                    self.query_one(f"#{side}", Thought).mark(at, char)
        self.query_one("#left", Thought).focus()

    def action_back(self) -> None:
        """Back."""
        self.monitor.back()


def told_of(found: Parting | None, stories: list[list[Block]]) -> str:
    """Where they part, in words."""
    if found is None:
        return "the same, token by token"
    if found.token < 0:
        return "the tokens of these two cannot be compared: the first different character is marked"
    tokens = f"{found.token:,} token{'' if found.token == 1 else 's'}"
    if -1 in found.blocks:
        return f"the same for {tokens}: then one ends"
    return f"the same for {tokens}; the first different one is marked"
