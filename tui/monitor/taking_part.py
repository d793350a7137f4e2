"""What a person does with a rollout that is under way: each act is asked for in the file, and the runner does it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.binding import Binding, BindingType
from textual.events import Key
from textual.screen import Screen

from relay.tui.monitor.dialogs import Choose, Write
from relay.tui.monitor.graph import targets
from relay.tui.monitor.story import kept
from relay.tui.monitor.telling import Telling
from relay.tui.monitor.thought import Thought
from relay.tui.safe import one_line, visible
from relay.walk import ANSWER, BY_HAND, EDGE, EDIT, INSERT, VETO

if TYPE_CHECKING:
    from relay.tui.monitor.app import Monitor

ACTS = ("p", "s", "i", "e", "v", "o")  # keys for what is under way
FIRST = "pause it first (p): it is being written"


class TakesPart(Screen[None]):
    """The keys of a rollout that is under way. Of one that is over only `fork` is left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "answer", "Answer"),
        Binding("p", "pause", "Pause"),
        Binding("s", "step", "Step", show=False),
        Binding("i", "insert", "Insert"),
        Binding("e", "edit", "Edit"),
        Binding("v", "veto", "Veto"),
        Binding("o", "edge", "Edge"),
        Binding("b", "fork", "Branch off", show=False),
    ]

    number: int
    telling: Telling | None = None  # the rollout as it was read last
    pen = "0"  # whose way is shown

    @property
    def monitor(self) -> "Monitor":
        """The application."""
        return cast("Monitor", self.app)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Acts are for what is under way; an answer is for who is asked."""
        if action in ("pause", "step", "insert", "edit", "veto", "edge"):
            return self._goes_on
        return action != "answer" or (self._goes_on and self._question() is not None)

    def on_key(self, event: Key) -> None:
        """Of what does not go on the keys of acts say why they do nothing."""
        seen, told = self.monitor.seen, self.telling
        if event.key not in ACTS or seen is None or told is None or self._goes_on:
            return
        over = "this rollout has ended: b branches off from it"
        gone = f"the run is {seen.state}: relay run --resume goes on with it"
        self.notify(over if told.listed.state != "open" else gone, severity="warning")

    @property
    def _goes_on(self) -> bool:
        seen = self.monitor.seen
        running = seen is not None and seen.state == "running"
        return running and self.telling is not None and self.telling.listed.state == "open"

    @property
    def held(self) -> bool:
        """Whether the pen waits for a person."""
        now = self.telling.live.get(self.pen) if self.telling is not None else None
        return now is not None and now.node == BY_HAND

    def _asks(self, act: str, **data: object) -> None:
        self.monitor.ask(act, self.number, self.pen, data)
        later = "" if self.held or act == VETO else "; it comes at the next commit"
        self.notify(f"{'step' if data.get('step') else act}: asked{later}", timeout=2)

    def _segment(self) -> int | None:
        """The number of the thought's last segment; None, and said, while another one is being written."""
        if self.telling is None or (self.pen in self.telling.live and not self.held):
            self.notify(FIRST, severity="warning")
            return None
        if not (segments := kept(self.telling.hops, self.pen)):
            self.notify("nothing has been written yet", severity="warning")
            return None
        return len(segments)

    # -- the keys

    def action_pause(self) -> None:
        """Its pens wait at their next commit; or go on."""
        seen = self.monitor.seen
        if seen is not None and seen.paused:
            self.notify("the whole run is paused: p on its screen goes on; s is one step here", severity="warning")
        else:
            self._asks("go" if seen is not None and self.number in seen.held else "pause")

    def action_step(self) -> None:
        """On to the next commit, where it waits."""
        self._asks("pause", step=True)

    def action_insert(self) -> None:
        """Put a text in."""

        def written(text: str | None) -> None:
            if text:
                self._asks(INSERT, text=text)

        self.app.push_screen(Write("A segment of yours, at the next commit:"), written)

    def action_edit(self) -> None:
        """Another text in place of the last segment's."""
        if (segment := self._segment()) is None or self.telling is None:
            return
        last = kept(self.telling.hops, self.pen)[-1].segment
        before = last.text if last is not None else ""

        def written(text: str | None) -> None:
            if text and text != before:
                self._asks(EDIT, text=text, segment=segment)

        self.app.push_screen(Write("The last segment, as it should be:", before), written)

    def action_veto(self) -> None:
        """Take the last segment back; or stop the one that is being written, and take it back."""
        if (told := self.telling) is None:
            return
        now = told.live.get(self.pen)
        spec = (told.scenario.get("graph") or {}).get("nodes", {}).get(now.node) if now is not None else None
        segments = len(kept(told.hops, self.pen)) + (spec is not None and "write" in spec)
        if segments:
            self._asks(VETO, segment=segments)
        else:
            self.notify("nothing has been written yet", severity="warning")

    def action_edge(self) -> None:
        """Lead the pen along another edge."""
        if (told := self.telling) is None:
            return
        now = told.live.get(self.pen)
        came = [hop.node for hop in told.hops if hop.pen == self.pen and hop.node != BY_HAND]
        node = now.node if now is not None and now.node != BY_HAND else came[-1] if came else ""
        there = list(dict.fromkeys(targets(told.scenario.get("graph") or {}, node)))
        self._choose(f"Where does the pen go from {node}?", there, lambda to: self._asks(EDGE, to=to))

    def action_answer(self) -> None:
        """Answer what a node asks."""
        if self.telling is None or (question := self._question()) is None:
            return
        now, labels = self.telling.live[self.pen], [str(label) for label in question.get("labels") or ()]
        about = {"node": now.node, "visit": now.visit}
        if labels:
            self._choose(str(question["ask"]), labels, lambda label: self._asks(ANSWER, **about, label=label))
            return

        def written(text: str | None) -> None:
            if text:
                self._asks(ANSWER, **about, text=text)

        self.app.push_screen(Write(str(question["ask"])), written)

    def action_fork(self) -> None:
        """A new rollout that begins as this one did, up to the segment under the cursor."""
        told, block = self.telling, self.query_one(Thought).block
        if told is None:
            return
        n, pen = (block.n, block.pen) if block is not None and block.n >= 0 else (-1, self.pen)
        if block is not None and block.open:
            mine = [hop.n for hop in told.hops if hop.pen == self.pen]
            n = mine[-1] if mine else -1
        if self.monitor.seen is None or self.monitor.seen.state != "running":
            if told.listed.state == "open":
                self.notify("it was broken off: relay run --resume goes on with the run", severity="warning")
            else:
                self._command(n, pen)
            return

        def written(text: str | None) -> None:
            if text is not None:
                self.monitor.ask("fork", self.number, pen, {"n": n, "insert": [text] if text else []})
                self.notify("branch off: asked", timeout=2)

        self.app.push_screen(Write("A new rollout from here on. A text to begin with, or none:"), written)

    def _command(self, n: int, pen: str) -> None:
        """No runner is there: the command that is one."""
        from shlex import quote

        from relay.store.forking import path_of, written

        assert self.telling is not None  # the fork's key looked
        path = path_of(self.telling.hops, pen)  # a pick puts hops of other pens into it, whose numbers may be higher
        upto = next((i for i, hop in enumerate(path, 1) if (hop.pen, hop.n) == (pen, n)), 0)
        before = written(path[:upto])
        which = f" --pen {pen}" if pen != "0" else ""
        command = f"relay fork {quote(str(self.monitor.path))} {self.number} --at {len(before)}{which} --insert TEXT"
        self.app.copy_to_clipboard(visible(command))
        self.notify(f"the run is over. This goes on with it (copied): {visible(command)}", timeout=15)

    # -- what comes of it

    def _question(self) -> dict[str, Any] | None:
        """The node that asks a person now, as the scenario says it."""
        seen, told = self.monitor.seen, self.telling
        now = told.live.get(self.pen) if told is not None else None
        if seen is None or told is None or now is None or now.node not in seen.facts.asks:
            return None
        return cast("dict[str, Any]", told.scenario["graph"]["nodes"][now.node])

    def _choose(self, question: str, there: Sequence[str], then: Callable[[str], None]) -> None:
        def chosen(one: str | None) -> None:
            if one:
                then(one)

        if there:
            self.app.push_screen(Choose(question, there), chosen)
        else:
            self.notify("there is nothing to choose from", severity="warning")

    def tell_acts(self, before: Telling | None, now: Telling) -> None:
        """Say what became of what was asked."""
        waiting = {act.id for act in before.acts if act.taken is None} if before is not None else set()
        known = {act.id for act in before.acts} if before is not None else {act.id for act in now.acts}
        for act in now.acts:
            if act.taken is not None and (act.id in waiting or act.id not in known):
                self.notify(one_line(act.told, 200), severity="warning" if act.refused else "information", timeout=4)
