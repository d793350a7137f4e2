"""The intervals of a run's cells; of a run that goes on they are worked out in a process of their own.

That takes longer the more rollouts there are, and the keys and the memory of the monitor are none the worse for it.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Event

from relay.errors import Mistake, UserError
from relay.measure.proportions import Interval
from relay.store.opening import opened

Intervals = Mapping[int, Interval | None]
UNREADABLE = 2  # exit code
LOOK = 0.1  # seconds between two looks whether the monitor is left
_HERE = """
import os
try:  # behind everything else that this machine has to do, from the first import on
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    os.nice(10)
except (OSError, AttributeError):
    pass
from relay.tui.monitor.measuring import main
main()
"""


def here(path: Path) -> Intervals:
    """By the number of the cell: only relay.measure can tell, which knows of problems and distractors that are shared.

    Raises UserError where the file cannot be read.
    """
    from relay.measure.graded import graded
    from relay.measure.intervals import interval

    with opened(path) as run:
        outcomes = graded(run)
    return {cell: interval(each) for cell, each in outcomes.items()}


def apart(path: Path, stop: Event) -> Intervals | None:
    """The same, by another process; None where the file could not be read just now, or the monitor is left.

    Raises UserError with what the process said last where it failed otherwise, so that intervals do not just stay away.
    """
    command = [sys.executable, "-c", _HERE, str(path)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while True:
            try:
                said, complained = process.communicate(timeout=LOOK)
                break
            except subprocess.TimeoutExpired:
                if stop.is_set():
                    process.kill()
    if process.returncode == UNREADABLE or stop.is_set():
        return None
    if process.returncode:
        last = complained.decode(errors="replace").strip().rpartition("\n")[2] or f"exit code {process.returncode}"
        raise UserError(Mistake(str(path), f"its intervals could not be worked out: {last}"))
    return {int(cell): None if ends is None else Interval(*ends) for cell, ends in json.loads(said).items()}


def main() -> None:
    """Say them as JSON."""
    try:
        print(json.dumps(here(Path(sys.argv[1]))))
    except UserError:
        sys.exit(UNREADABLE)
