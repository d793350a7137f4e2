"""`relay run --watch`: the monitor has the terminal while the run goes on; afterwards the usual progress has it."""

import contextlib
import subprocess
import sys
from pathlib import Path

from relay.errors import Mistake, UserError
from relay.tui.progress import Counts, Display, display

AS_BEFORE = (
    "\x1b[?1049l\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[0m"  # screen, cursor, mouse
)


class Watched:
    """A display that leaves the terminal to `relay watch`, a process of its own, until somebody leaves it.

    The monitor reads the file like any other reader: ended, killed or crashed, it does the run no harm.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._monitor: subprocess.Popen[bytes] | None = None
        self._after: Display | None = None  # the usual progress, once the monitor is gone
        self._phase: tuple[str, Counts] | None = None
        self._notes: list[str] = []
        self._kept = _settings()

    def phase(self, name: str, tally: Counts) -> None:
        """A phase begins."""
        self._phase = (name, tally)
        if self._after is not None:
            self._after.phase(name, tally)

    def note(self, text: str) -> None:
        """Said when the monitor is gone."""
        if self._after is not None:
            self._after.note(text)
        else:
            self._notes.append(text)

    def refresh(self) -> None:
        """Start the monitor as soon as there is a file; go on without it when it is gone."""
        if self._after is not None:
            self._after.refresh()
        elif self._monitor is None:
            self._start()
        elif self._monitor.poll() is not None:
            self._take_over()

    def close(self) -> None:
        """The run is over; the monitor may look at it as long as somebody likes."""
        if self._after is not None:
            self._after.close()

    def wait(self) -> None:
        """Until the monitor is left; a run that was quicker than its monitor is looked at now."""
        if self._monitor is None:
            self._start()
        if self._monitor is not None and self._after is None:
            self._monitor.wait()
            self._say_notes()

    def end(self) -> None:
        """End the monitor, if it is there: the run was interrupted. The terminal is as it was before."""
        if self._monitor is not None and self._monitor.poll() is None:
            self._monitor.terminate()
            self._monitor.wait()
            print(AS_BEFORE, end="", flush=True)
        _restore(self._kept)

    def _start(self) -> None:
        if self._path.exists():
            self._monitor = subprocess.Popen([*_RELAY, "watch", str(self._path)])

    def _take_over(self) -> None:
        _restore(self._kept)
        self._after = display(as_json=False)
        if self._phase is not None:
            self._after.phase(*self._phase)
        self._say_notes()

    def _say_notes(self) -> None:
        from relay.tui.safe import visible

        for note in self._notes:
            self._after.note(note) if self._after is not None else print(visible(note), file=sys.stderr)
        self._notes.clear()


_RELAY = (sys.executable, "-c", "from relay.cli import main; main()")


def watched(path: Path) -> Watched:
    """The display of `relay run --watch`. Raises UserError where there is no terminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError(Mistake("relay run --watch", "needs a terminal", "leave it out, and `relay watch` elsewhere"))
    return Watched(path)


def _settings() -> list[object] | None:
    """The terminal's settings, where there is one."""
    try:
        import termios
    except ImportError:  # not on Windows
        return None
    with contextlib.suppress(termios.error, OSError, ValueError):
        return list(termios.tcgetattr(sys.stdin.fileno()))
    return None


def _restore(kept: list[object] | None) -> None:
    if kept is not None:
        import termios

        termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, kept)  # type: ignore[arg-type]
