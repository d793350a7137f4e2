"""How far a run is: a bar in a terminal, plain lines elsewhere, JSON lines for machines."""

import json
import sys
import time
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from relay.tui.console import Plain
from relay.tui.safe import visible

EVERY = 5.0  # seconds between plain lines


class Counts(Protocol):
    """What a batch counts while it works; the display only reads it."""

    total: int
    done: int
    hops: int
    tokens: int
    failed: int
    told: str  # what else there is to say

    @property
    def outcomes(self) -> dict[tuple[int, str], int]:
        """Verdicts by (cell, outcome)."""


def running_score(counts: Counts) -> str:
    """The share correct of what has been graded in this session."""
    graded = sum(counts.outcomes.values())
    if not graded:
        return ""
    correct = sum(n for (_, outcome), n in counts.outcomes.items() if outcome == "correct")
    return f"{100 * correct / graded:.0f} % of {graded:,} correct"


def facts(counts: Counts, rate: float) -> str:
    """Tokens a second, the running score, and how many rollouts failed."""
    said = [f"{rate:,.0f} tok/s" if counts.tokens else "", running_score(counts), counts.told]
    return " · ".join(filter(None, [*said, f"{counts.failed:,} failed" if counts.failed else ""]))


class Display(Protocol):
    """Shows phases, notes and counts."""

    def phase(self, name: str, tally: Counts) -> None:
        """A phase begins."""

    def note(self, text: str) -> None:
        """Something the user should know."""

    def refresh(self) -> None:
        """Time has passed."""

    def close(self) -> None:
        """The run is over."""


class _Rate:
    """Tokens a second since somebody looks at the phase, which may have begun before."""

    def __init__(self, tokens: int = 0) -> None:
        self._since, self._before = time.monotonic(), tokens

    def of(self, counts: Counts) -> float:
        return (counts.tokens - self._before) / max(time.monotonic() - self._since, 0.001)


class Bar:
    """A bar with rollouts done, tokens a second and the running score."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[done]}", markup=False),
            TextColumn("{task.fields[facts]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            expand=True,
        )
        self._task: TaskID | None = None
        self._counts: Counts | None = None
        self._rate = _Rate()
        self._progress.start()

    def phase(self, name: str, tally: Counts) -> None:
        """A phase begins: a new bar."""
        self._end_phase()
        self._counts, self._rate = tally, _Rate(tally.tokens)
        self._task = self._progress.add_task(
            visible(name), total=tally.total or None, completed=tally.done, done="", facts=""
        )
        self.refresh()

    def note(self, text: str) -> None:
        """Above the bars."""
        self._progress.console.print(visible(text))

    def refresh(self) -> None:
        """Draw what has been counted since."""
        c = self._counts
        if c is None or self._task is None:
            return
        done = f"{c.done:,}/{c.total:,}" if c.total else ""
        self._progress.update(
            self._task, completed=c.done, total=c.total or None, done=done, facts=facts(c, self._rate.of(c))
        )

    def close(self) -> None:
        """The last state stays on the screen."""
        self.refresh()
        self._progress.stop()

    def _end_phase(self) -> None:
        self.refresh()
        if self._task is not None and self._counts is not None and not self._counts.total:
            self._progress.update(self._task, completed=1, total=1)  # a model has loaded: there is nothing to count


class Lines:
    """A plain line when a phase begins and every few seconds after."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._name = ""
        self._counts: Counts | None = None
        self._rate = _Rate()
        self._said = 0.0

    def phase(self, name: str, tally: Counts) -> None:
        """A phase begins."""
        self._finish()
        self._name, self._counts, self._rate, self._said = name, tally, _Rate(tally.tokens), time.monotonic()
        if not tally.total:
            self._say(name)

    def note(self, text: str) -> None:
        """A line of its own."""
        self._say(text)

    def refresh(self) -> None:
        """Say how far it is, if it is time."""
        if self._counts is not None and self._counts.total and time.monotonic() - self._said >= EVERY:
            self._said = time.monotonic()
            self._state()

    def close(self) -> None:
        """The last state."""
        self._finish()

    def _finish(self) -> None:
        if self._counts is not None and self._counts.total:
            self._state()
        self._counts = None

    def _state(self) -> None:
        c = self._counts
        if c is not None:
            self._say(" · ".join(filter(None, [f"{self._name}: {c.done:,}/{c.total:,}", facts(c, self._rate.of(c))])))

    def _say(self, text: str) -> None:
        print(visible(text), file=self._out, flush=True)


class JsonLines:
    """The same as one JSON object a line."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._name = ""
        self._counts: Counts | None = None
        self._said = 0.0

    def phase(self, name: str, tally: Counts) -> None:
        """A phase begins."""
        self._state()
        self._name, self._counts = name, tally
        self.say(event="phase", phase=name, total=tally.total)

    def note(self, text: str) -> None:
        """A note."""
        self.say(event="note", text=text)

    def refresh(self) -> None:
        """Say how far it is, once a second."""
        if time.monotonic() - self._said >= 1.0:
            self._state()

    def close(self) -> None:
        """The last state."""
        self._state()

    def say(self, **values: object) -> None:
        """One line."""
        print(json.dumps(values), file=self._out, flush=True)

    def _state(self) -> None:
        self._said = time.monotonic()
        if (c := self._counts) is not None and c.total:
            outcomes: dict[str, int] = {}
            for (_, outcome), n in c.outcomes.items():
                outcomes[outcome] = outcomes.get(outcome, 0) + n
            self.say(
                event="progress",
                phase=self._name,
                done=c.done,
                total=c.total,
                tokens=c.tokens,
                failed=c.failed,
                **({"told": c.told} if c.told else {}),
                **outcomes,
            )


def display(*, as_json: bool) -> Display:
    """What fits: JSON to stdout when asked, else to stderr a bar in a terminal and plain lines elsewhere."""
    if as_json:
        return JsonLines(sys.stdout)
    console = Plain(stderr=True)
    return Bar(console) if console.is_terminal else Lines(sys.stderr)
