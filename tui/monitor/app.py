"""The monitor: one application over one run file, which it reads, and asks of in one table."""

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from time import monotonic
from typing import ClassVar

from textual import events, work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from relay.errors import UserError
from relay.store.asking import LOOK, ask
from relay.store.following import Following, Seen, leave
from relay.tui.monitor import garbage
from relay.tui.monitor.dialogs import Help
from relay.tui.monitor.run_screen import RunScreen
from relay.tui.monitor.status import Watch
from relay.tui.monitor.trace_screen import TraceScreen
from relay.tui.monitor.two_screen import TwoScreen

EVERY = 0.25  # seconds between two looks at a run that goes on
BREATH = 0.02  # while there is more to read: what has been read is drawn
SELDOM = 2.0  # and at one that does not: somebody may go on with it


class Monitor(App[None]):
    """Watches a run. The file is read in a thread, and closed again after each look."""

    CSS_PATH = "relay.tcss"
    TITLE = "relay"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+p", "command_palette", "More", show=False)]

    def __init__(self, path: Path, rollout: int | None = None, speed: float | None = None) -> None:
        super().__init__()
        self.path = path
        self.seen: Seen | None = None
        self._following = Following(path)
        self._rollout, self._speed = rollout, speed
        self.left = threading.Event()  # whether the user has left
        self._watch = Watch()
        self._trouble = ""
        self.lost: UserError | None = None  # why the file could not be read, the last time it could not
        self._garbage = garbage.Garbage()
        self._told = False  # the one who runs it, that somebody looks

    async def on_mount(self) -> None:
        """Begin to look."""
        await self.push_screen(RunScreen())
        if self._rollout is not None:
            await self.push_screen(TraceScreen(self._rollout, self._speed))
        self._poll()
        self.set_interval(1.0, self._pulse)
        if not self.is_headless:
            sys.setswitchinterval(0.001)  # what reads the file in a thread is soon interrupted for a key
            for seconds in garbage.SETTLED:
                self.set_timer(seconds, garbage.settle)
        self.set_interval(garbage.TICK, self._garbage.tick)

    async def on_event(self, event: events.Event) -> None:
        """Note when the last key was pressed."""
        if isinstance(event, events.Key):
            self._garbage.pressed = monotonic()
        await super().on_event(event)

    def on_unmount(self) -> None:
        """No more looks; a finished run is left as one plain file."""
        self.left.set()
        leave(self.path)

    @work(thread=True)
    def _poll(self) -> None:
        while not self.left.is_set():
            try:
                seen = self._following.look()
            except UserError as error:
                self.tell(self.lose, error)
                self.left.wait(1.0)
                continue
            self.tell(self._look, seen)
            self._tell_runner(seen)
            if seen.behind:
                self.left.wait(BREATH)
            else:
                self.left.wait(EVERY if seen.state in ("running", "preparing") else SELDOM)

    def _tell_runner(self, seen: Seen) -> None:
        """Once a run, and once more when it is gone on with: engines that say all at the end tell of it as they go."""
        running = seen.state == "running"
        if running and not self._told:
            with suppress(UserError):  # who may not write to it may look all the same
                ask(self.path, LOOK)
        self._told = running

    def tell(self, what: Callable[..., None], *values: object) -> None:
        """Call it where the screens live, from a thread, unless they are gone."""
        if not self.left.is_set() and self.is_running:
            self.call_from_thread(what, *values)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """In a thread: a file that cannot be read is said, and is no reason to end."""
        try:
            yield
        except UserError as error:
            self.tell(self.lose, error)

    def _look(self, seen: Seen) -> None:
        self.seen, self._trouble = seen, ""
        self._watch = Watch()
        for screen in self.screen_stack:
            if isinstance(screen, RunScreen | TraceScreen | TwoScreen) and screen.is_mounted:
                screen.look(seen)

    def lose(self, error: UserError) -> None:
        """The file could not be read."""
        self.lost = error
        self._trouble = "; ".join(str(mistake) for mistake in error.mistakes)
        self._watch = Watch()
        self._say()

    def _pulse(self) -> None:
        """Say so when nothing has been read for long."""
        if self._trouble or self._watch.trouble():
            self._say()

    def _say(self) -> None:
        screen: Screen[object] = self.screen
        if isinstance(screen, RunScreen | TraceScreen | TwoScreen):
            screen.say(self._trouble or self._watch.trouble())

    # -- what the user does

    def get_system_commands(self, screen: Screen[object]) -> Iterator[SystemCommand]:
        """Every key's command by name, and Textual's own."""
        yield from super().get_system_commands(screen)
        for node, binding, _, _ in screen.active_bindings.values():
            if binding.description and binding.action != "command_palette":
                act = partial(self.call_later, self.run_action, binding.action, node)
                yield SystemCommand(binding.description, f"key {binding.key_display or binding.key}", act)

    @work(thread=True, group="ask")
    def ask(
        self, act: str, rollout: int | None = None, pen: str = "0", data: Mapping[str, object] | None = None
    ) -> None:
        """Ask the one who runs it: the only thing that is ever written to the file."""
        with self.reading():
            ask(self.path, act, rollout, pen, **(data or {}))

    def open_trace(self, number: int) -> None:
        """Show one rollout."""
        self.push_screen(TraceScreen(number))

    def open_two(self, one: int, two: int) -> None:
        """Show two."""
        self.push_screen(TwoScreen(one, two))

    def back(self) -> None:
        """One screen back."""
        if len(self.screen_stack) > 2:
            self.pop_screen()
        else:
            self.exit()

    def action_help_quit(self) -> None:
        """What leaves, for who tries ctrl+c."""
        back = "leads back, and once more leaves" if len(self.screen_stack) > 2 else "leaves"
        self.notify(f"q {back}: the run goes on")

    def action_keys(self) -> None:
        """All keys."""
        self.push_screen(Help())

    def action_light(self) -> None:
        """Light or dark."""
        self.theme = "textual-light" if self.theme != "textual-light" else "textual-dark"
