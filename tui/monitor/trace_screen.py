"""One rollout: its chain of thought as it grows, the graph beside it, problem and verdict; and its replay."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from relay.store.asking import asks as asks_of
from relay.store.following import Seen
from relay.tui.colours import Authors
from relay.tui.monitor import surprise
from relay.tui.monitor.dialogs import Ask
from relay.tui.monitor.graph import Graph, Pens
from relay.tui.monitor.keys import Keys
from relay.tui.monitor.playing import Playing
from relay.tui.monitor.rollouts import verdict_of
from relay.tui.monitor.story import Block, pens, story
from relay.tui.monitor.taking_part import TakesPart
from relay.tui.monitor.telling import Telling, tell
from relay.tui.monitor.thought import Thought
from relay.tui.safe import one_line, visible
from relay.walk import BY_HAND, ROOT

FRAME = 0.1  # seconds between two frames of a replay


class TraceScreen(TakesPart):
    """The second screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "back", "Back"),
        Binding("question_mark", "app.keys", "Help", key_display="?"),
        Binding("slash", "find", "Search", key_display="/"),
        Binding("equals_sign", "beside", "Beside", key_display="="),
        Binding("space", "play", "Play", show=False),
        Binding("g", "graph", "Graph", show=False),
        Binding("c", "copy(False)", "Copy", show=False),
        Binding("C", "copy(True)", "Copy all", show=False),
        Binding("left_square_bracket", "pen(-1)", "Pen before", show=False),
        Binding("right_square_bracket", "pen(1)", "Pen", show=False),
        Binding("plus", "faster(2)", "Faster", show=False),
        Binding("minus", "faster(0.5)", "Slower", show=False),
        Binding("t", "app.light", "Light/dark", show=False),
    ]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012  as Textual has it
        (0, "-narrow"),
        (110, "-wide"),
    ]

    def __init__(self, number: int, speed: float | None = None) -> None:
        super().__init__()
        self.number = number
        self._speed = speed  # play it at once, at this speed
        self._authors = Authors()
        self._playing: Playing | None = None

    def compose(self) -> ComposeResult:
        """Problem, graph and thought, verdict."""
        yield Static("reading ...", classes="title", id="head", markup=False)
        yield Static("", id="problem", markup=False)
        with Horizontal():
            with Vertical(id="places"):
                yield Graph(markup=False)
                yield Pens(markup=False)
            yield Thought()
        yield Input(placeholder="words to search for", id="find")
        yield Static("", id="surprise", markup=False)
        yield Static("", id="verdict", markup=False)
        yield Keys(compact=True)

    def on_mount(self) -> None:
        """Read it."""
        self.query_one(Thought).focus()
        self.set_interval(FRAME, self._frame)
        self._read()

    def look(self, seen: Seen) -> None:
        """The run has moved on: so may this rollout."""
        told = self.telling
        if told is None or told.listed.state == "open" or any(act.taken is None for act in told.acts) or seen.paused:
            self._read()

    def say(self, trouble: str) -> None:
        """What stands in the way of reading."""
        if trouble:
            self.query_one("#verdict", Static).update(Text(f"! {visible(trouble)}", "bold"))

    @work(thread=True, exclusive=True, group="trace")
    def _read(self) -> None:
        with self.monitor.reading():
            if (told := tell(self.monitor.path, self.number, self.telling)) is not None:
                self.monitor.tell(self._told, told)

    def _told(self, told: Telling) -> None:
        before, self.telling = self.telling, told
        self.tell_acts(before, told)
        self.refresh_bindings()
        if self._speed is not None and told.hops:
            self._playing, self._speed = Playing(self._blocks(), self._speed), None
        self._show()

    # -- how it looks

    def _blocks(self) -> list[Block]:
        told = self.telling
        return [] if told is None else story(told.hops, self.pen, self._authors, told.live)

    def _show(self) -> None:
        if (told := self.telling) is None:
            return
        start = str((told.scenario.get("graph") or {}).get("start", ""))
        for node in (told.scenario.get("graph") or {}).get("nodes") or {}:
            self._authors.colour(node)  # in the graph's own order, so that a node looks the same in every rollout
        self.query_one("#head", Static).update(_head(told, self.pen))
        self.query_one("#problem", Static).update(_problem(told))
        self.query_one(Graph).show(told.scenario, told.hops, told.live, self._authors)
        self.query_one(Pens).show(told.hops, told.live, self.pen, start)
        seen = self.monitor.seen
        self.query_one("#verdict", Static).update(_verdict(told, self._playing, seen.state if seen is not None else ""))
        blocks = self._playing.shown() if self._playing is not None else self._blocks()
        self.query_one(Thought).show(blocks)

    @on(Thought.Moved)
    def _surprise(self) -> None:
        """The strip of the block under the cursor."""
        block, line = self.query_one(Thought).block, self.query_one("#surprise", Static)
        nats = self.telling.surprise.get((block.pen, block.n), ()) if self.telling is not None and block else ()
        line.display = bool(nats)
        if nats:
            line.update(Text(surprise.told(nats, self.size.width), "dim", no_wrap=True))

    def _frame(self) -> None:
        """Time has passed in a replay."""
        if self._playing is not None and not self._playing.paused:
            self._playing.pass_by(FRAME)
            self._show()
            if self._playing.over:
                self._playing = None
                self._show()

    # -- what the user does

    def action_play(self) -> None:
        """Play it from the beginning, halt, go on."""
        if self._playing is None:
            self._playing = Playing(self._blocks(), 1.0)
        else:
            self._playing.paused = not self._playing.paused
        self._show()

    def action_faster(self, by: float) -> None:
        """Change the speed of the replay."""
        if self._playing is not None:
            self._playing.speed *= by
            self._show()

    def action_pen(self, by: int) -> None:
        """Another pen."""
        if self.telling is not None:
            there = pens(self.telling.hops)
            self.pen = there[(there.index(self.pen) + by) % len(there)]
            self._playing = None
            self._show()

    def action_graph(self) -> None:
        """The graph, or its place for the text."""
        self.query_one("#places").toggle_class("asked")

    def action_copy(self, whole: bool) -> None:
        """Copy what can be seen: control characters as their signs."""
        thought = self.query_one(Thought)
        blocks: Sequence[Block] = thought.blocks if whole else [b for b in (thought.block,) if b is not None]
        text = "".join(b.text for b in blocks if not (whole and b.folded))
        self.app.copy_to_clipboard(text)
        self.notify(f"copied {len(text):,} characters", timeout=2)

    def action_find(self) -> None:
        """Ask for words."""
        words = self.query_one("#find", Input)
        words.display = True
        self.set_focus(words)  # now: what is typed next is meant for it

    @on(Input.Submitted, "#find")
    def _found(self, event: Input.Submitted) -> None:
        thought = self._close_find()
        times = thought.find(event.value)
        if event.value:
            self.notify(f"{times:,} times; f goes to the next", timeout=2)
            if thought.block is None or event.value.lower() not in thought.block.text.lower():
                thought.action_found(1)

    def action_beside(self) -> None:
        """Another rollout beside this one."""

        def answered(number: str | None) -> None:
            if number and (plain := number.strip().lstrip("#")).isdecimal():
                self.monitor.open_two(self.number, int(plain))
            elif number:
                self.notify(f"{one_line(number, 40)!r} is no number of a rollout", severity="warning")

        self.app.push_screen(Ask(f"Which rollout beside {self.number}? Its number:"), answered)

    def action_back(self) -> None:
        """Out of the search, or back to the run."""
        if self.query_one("#find").display:
            self._close_find()
        else:
            self.monitor.back()

    def _close_find(self) -> Thought:
        self.query_one("#find").display = False
        thought = self.query_one(Thought)
        self.set_focus(thought)
        return thought


def _head(told: Telling, pen: str) -> Text:
    listed = told.listed
    which = "" if pen == ROOT else f"  pen {pen}"
    head = Text(f"#{listed.id}{which}  {one_line(listed.problem, 40)}", "bold", no_wrap=True)
    return head.append(f"  {one_line(listed.cell, 60)}  sample {listed.sample}", "")


def _problem(told: Telling) -> Text:
    text = Text(" " + one_line(told.problem.question, 600), "italic")
    return text.append(f"  reference: {one_line(told.problem.answer, 80)}", "not italic dim")


def _verdict(told: Telling, playing: Playing | None, state: str) -> Text:
    listed = told.listed
    said, colour = verdict_of(listed)
    tokens = listed.tokens + sum(now.tokens for now in told.live.values())
    line = Text()
    if playing is not None:
        return line.append(playing.said, "bold")
    line.append(said if listed.state != "open" else _stands(told, state), colour)
    line.append(f"  {visible(listed.state)}  {tokens:,} tok", "dim")
    line.append(f"  {one_line(told.acts[-1].told, 60)}" if told.acts else "", "dim")
    line.append(f"  {one_line(listed.why, 120)}" if listed.why and listed.outcome else "", "dim")
    for each in told.opinions:
        if each.verifier != listed.verifier:
            line.append(
                f"\n{one_line(each.verifier, 30)}: {each.outcome} {one_line(each.reply or each.why, 100)}", "dim"
            )
    return line


def _stands(told: Telling, state: str) -> str:
    """What an open rollout of a run in this state does, or waits for."""
    if state in ("dead", "stopped"):
        return f"‖ broken off: the run is {state}"
    if any(now.node == BY_HAND for now in told.live.values()):
        return "‖ held: it waits for you"
    asks = [now for now in told.live.values() if now.node in asks_of(told.scenario)]
    return f"? {one_line(asks[0].tail, 200)}  (a answers)" if asks else "· still being written"
