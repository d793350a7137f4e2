"""The run: how far, how well, how fast, and the list of its rollouts."""

import time
from array import array
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Key
from textual.screen import Screen
from textual.widgets import Input, Static

from relay.store.following import Seen
from relay.store.opening import opened
from relay.tui.monitor.cells import Cells
from relay.tui.monitor.filters import HELP, ORDERS, Wish, mistake, query
from relay.tui.monitor.keys import Keys
from relay.tui.monitor.measuring import Intervals, apart, here
from relay.tui.monitor.models import Models
from relay.tui.monitor.rates import Rates
from relay.tui.monitor.rollouts import Rollouts
from relay.tui.monitor.status import Status
from relay.tui.monitor.telling import rows_of
from relay.tui.safe import visible

if TYPE_CHECKING:
    from relay.tui.monitor.app import Monitor

PATIENCE = 20  # a look over the whole table may come again after so many times the time it took


class RunScreen(Screen[None]):
    """The first screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("s", "sort", "Sort"),
        Binding("S", "turn", "Turn round", show=False),
        Binding("d", "beside", "Beside"),
        Binding("p", "pause", "Pause"),
        Binding("escape", "unfilter", "All", show=False),
        Binding("question_mark", "app.keys", "Help", key_display="?"),
        Binding("t", "app.light", "Light/dark", show=False),
        Binding("q", "app.quit", "Leave"),
    ]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012  as Textual has it
        (0, "-narrow"),
        (110, "-wide"),
    ]

    VERTICAL_BREAKPOINTS = [  # noqa: RUF012  as Textual has it
        (0, "-short"),
        (18, "-tall"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._rates = Rates()
        self._seen: Seen | None = None
        self._wish = Wish()
        self._intervals: Intervals = {}
        self._again: dict[str, float] = {}  # when a look over the whole table may come again
        self._measured = -1  # rollouts that had ended then

    def compose(self) -> ComposeResult:
        """Side by side, or one below the other."""
        yield Status(markup=False)
        with Horizontal(id="body"):
            with Vertical(id="side"):
                with Vertical(id="cells-box"):
                    yield Static("cells", classes="title", id="cells-title")
                    with Vertical(id="cells-pane"):
                        yield Cells(markup=False)
                with Vertical(id="models-box"):
                    yield Static("models", classes="title")
                    yield Models(markup=False)
            with Vertical(id="list"):
                yield Static("rollouts", classes="title", id="list-title", markup=False)
                yield Rollouts()
                yield Input(placeholder=HELP, id="filter")
        yield Keys(compact=True)

    @property
    def monitor(self) -> "Monitor":
        """The application."""
        return cast("Monitor", self.app)

    def on_mount(self) -> None:
        """The list is what keys go to."""
        self.query_one(Rollouts).focus()

    # -- what the file says

    def look(self, seen: Seen) -> None:
        """The run as it is now."""
        was, self._seen = self._seen, seen
        if was is None or was.state != seen.state:
            self.refresh_bindings()
        self._rates.add(seen)
        self.query_one(Cells).show(seen, self._intervals)
        self.query_one(Models).show(seen, self._rates.by_model)
        rollouts = self.query_one(Rollouts)
        if self._wish.plain:
            rollouts.grow(seen.begun, seen.forks)
        elif seen.state == "running" and self._may("list"):
            self._choose()
        if stale := rollouts.stale():
            self._read(stale)
        if not seen.behind and seen.done != self._measured and self._may("measure"):
            self._measured = seen.done
            self._measure(once=seen.state != "running")
        self.say("")

    def say(self, trouble: str) -> None:
        """The first line and the titles."""
        seen = self._seen
        left = self._rates.left(seen) if seen is not None and seen.state == "running" else None
        self.query_one(Status).say(seen, self._rates.all, left, trouble)
        rollouts = self.query_one(Rollouts)
        rollouts.nothing = f"no rollout has all of this: {self._wish.words}" if self._wish.words else ""
        words = f" · filter: {self._wish.words}" if self._wish.words else ""
        order = "" if self._wish.plain else f" · by {self._wish.order} {'↓' if self._wish.down else '↑'}"
        self.query_one("#list-title", Static).update(f"rollouts {rollouts.count:,}{words}{order}")
        verifier = f" · {seen.facts.verifier}" if seen is not None and seen.facts.verifier else ""
        self.query_one("#cells-title", Static).update(f"cells · score, 95 % interval, done{verifier}")

    def _may(self, what: str) -> bool:
        return time.monotonic() >= self._again.get(what, 0.0)

    def _took(self, what: str, began: float) -> None:
        now = time.monotonic()
        self._again[what] = now + max(2.0, PATIENCE * (now - began))

    @work(thread=True, exclusive=True, group="rows")
    def _read(self, numbers: list[int]) -> None:
        asks = self._seen.facts.asks if self._seen is not None else frozenset()
        with self.monitor.reading():
            self.monitor.tell(self.query_one(Rollouts).fill, rows_of(self.monitor.path, numbers, asks))

    @on(Rollouts.Wanted)
    def _wanted(self, message: Rollouts.Wanted) -> None:
        self._read(message.numbers)

    @work(thread=True, exclusive=True, group="measure")
    def _measure(self, *, once: bool) -> None:
        began, monitor = time.monotonic(), self.monitor
        with monitor.reading():
            found = here(monitor.path) if once else apart(monitor.path, monitor.left)
            self._took("measure", began)
            if found is not None:
                monitor.tell(self._measured_are, found)

    def _measured_are(self, found: Intervals) -> None:
        self._intervals = found
        if self._seen is not None:
            self.query_one(Cells).show(self._seen, found)

    @work(thread=True, exclusive=True, group="list")
    def _choose(self) -> None:
        wish, began = self._wish, time.monotonic()
        with self.monitor.reading():
            with opened(self.monitor.path) as run:
                sql, values = query(wish, run.verifier)
                ids = array("q", (number for (number,) in run.query(sql, **values)))
            self._took("list", began)
            self.monitor.tell(self._chosen, wish, ids)

    def _chosen(self, wish: Wish, ids: "array[int]") -> None:
        if wish == self._wish:
            self.query_one(Rollouts).choose(ids, 0)
            self.say("")

    # -- what the user does

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only a run that goes on can be paused."""
        return action != "pause" or (self._seen is not None and self._seen.state == "running")

    def on_key(self, event: Key) -> None:
        """Of a run that does not go on the key says why it does nothing."""
        if event.key == "p" and self._seen is not None and self._seen.state != "running":
            self.notify(f"only a run that goes on can be paused: this one is {self._seen.state}", severity="warning")

    def action_pause(self) -> None:
        """The whole run waits at every pen's next commit; or goes on."""
        if self._seen is not None:
            self.monitor.ask("go" if self._seen.paused else "pause")

    def _wishes(self, wish: Wish) -> None:
        self._wish = wish
        if wish.plain:
            begun, forks = (self._seen.begun, self._seen.forks) if self._seen is not None else (0, ())
            ids = None if wish.down else array("q", [*range(begun), *forks])
            self.query_one(Rollouts).choose(ids, begun + len(forks))
            self.say("")
        else:
            self._choose()

    def action_sort(self) -> None:
        """By the next column."""
        orders = list(ORDERS)
        order = orders[(orders.index(self._wish.order) + 1) % len(orders)]
        self._wishes(self._wish._replace(order=order, down=order in ("number", "tokens")))

    def action_turn(self) -> None:
        """The other way round."""
        self._wishes(self._wish._replace(down=not self._wish.down))

    def action_filter(self) -> None:
        """Ask for words."""
        words = self.query_one("#filter", Input)
        words.display, words.value = True, self._wish.words
        self.set_focus(words)  # now: what is typed next is meant for it

    def action_unfilter(self) -> None:
        """Show all of them again."""
        self._close_filter()
        if self._wish.words:
            self._wishes(self._wish._replace(words=""))

    @on(Input.Submitted, "#filter")
    def _filtered(self, event: Input.Submitted) -> None:
        self._close_filter()
        if said := mistake(event.value):
            self.notify(visible(said), severity="warning", markup=False)
        self._wishes(self._wish._replace(words=event.value.strip()))

    def _close_filter(self) -> None:
        self.query_one("#filter", Input).display = False
        self.set_focus(self.query_one(Rollouts))

    @on(Rollouts.Opened)
    def _opened(self, message: Rollouts.Opened) -> None:
        self.monitor.open_trace(message.number)

    def action_beside(self) -> None:
        """Mark this one; or compare it with the one that is marked."""
        rollouts = self.query_one(Rollouts)
        if rollouts.number is None:
            return
        if rollouts.marked in (None, rollouts.number):
            rollouts.marked = None if rollouts.marked == rollouts.number else rollouts.number
            rollouts.refresh()
            return
        one, rollouts.marked = rollouts.marked, None
        self.monitor.open_two(one, rollouts.number)
