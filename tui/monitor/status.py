"""The first line: which run, how it is, how long, how far, how fast."""

import time

from rich.text import Text
from textual.widgets import Static

from relay.store.following import Seen
from relay.store.lease import STALE
from relay.tui.safe import one_line, visible

SLOW = 3.0  # seconds without an answer of the disk before it is said
STATES = {
    "done": "■ done",
    "running": "▶ running",
    "preparing": "▷ preparing",
    "dead": "✗ dead: its process is gone; relay run --resume goes on",
    "stopped": "‖ stopped: relay run --resume goes on",
}


class Status(Static):
    """One line about the run as a whole."""

    def say(self, seen: Seen | None, rate: float, left: float | None, trouble: str) -> None:
        """Show it; `trouble` is what stands in the way of reading."""
        self.update(said(seen, rate, left, trouble))


def said(seen: Seen | None, rate: float, left: float | None, trouble: str) -> Text:
    """The words of the line."""
    line = Text(no_wrap=False)
    if seen is None:
        line.append("reading the run file ...", style="dim")
    else:
        line.append(one_line(seen.facts.title, 40), style="bold")
        line.append(f"  {_state(seen)}", style="" if seen.state in ("done", "running") else "bold")
        line.append("  " + "  ".join(_progress(seen, rate, left)))
    if trouble:
        line.append(f"\n! {visible(trouble)}", style="bold")
    return line


def _state(seen: Seen) -> str:
    if seen.state == "running" and seen.beat > STALE:
        return f"? no sign of life for {clock(seen.beat)}"
    if seen.state == "running" and seen.paused:
        return "‖ paused by hand: p goes on"
    return STATES.get(seen.state, seen.state)


def _progress(seen: Seen, rate: float, left: float | None) -> list[str]:
    of = f"/{seen.facts.expected:,}" if seen.facts.expected else ""
    told = [f"{seen.done:,}{of} rollouts"]
    if seen.state == "running":
        told.append(f"{seen.open:,} at once")
        told.append(f"{rate:,.0f} tok/s")
        told.append(f"{clock(seen.at - seen.made)} so far")
        told += [f"~{clock(left)} left"] if left is not None and not seen.paused else []
        told += [f"{len(seen.held):,} held"] if seen.held else []
        asking = sum(n for node, (n, _) in seen.live.items() if node in seen.facts.asks)
        told += [f"{asking:,} ask you"] if asking else []
    elif seen.state == "preparing":
        told.append(f"{clock(seen.at - seen.made)} so far")
    else:
        told.append(f"{seen.tokens:,} tokens")
        told += [f"took {clock(seen.ended - seen.made)}"] if seen.ended else []
    return told + (["counting ..."] if seen.behind else [])


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss."""
    whole = max(0, int(seconds))
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


class Watch:
    """How long the disk has not answered."""

    def __init__(self) -> None:
        self.since = time.monotonic()

    def trouble(self) -> str:
        """Words, when it is too long."""
        silent = time.monotonic() - self.since
        return f"the disk is slow: what you see is {silent:.0f} s old" if silent > SLOW else ""
