"""The intervals of a run's cells; of a run that goes on they are worked out in a process of their own.

That takes longer the more rollouts there are, and the keys and the memory of the monitor are none the worse for it.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Event

from relay.errors import UserError
from relay.measure.proportions import Interval
from relay.store.opening import opened

Intervals = Mapping[int, Interval | None]
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
    """The same, by another process; None where it failed, or the monitor is left: there is a next time."""
    command = [sys.executable, "-c", _HERE, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        while True:
            try:
                said, _ = process.communicate(timeout=LOOK)
                break
            except subprocess.TimeoutExpired:
                if stop.is_set():
                    process.kill()
    if process.returncode:
        return None
    return {int(cell): None if ends is None else Interval(*ends) for cell, ends in json.loads(said).items()}


def main() -> None:
    """Say them as JSON."""
    try:
        print(json.dumps(here(Path(sys.argv[1]))))
    except UserError as error:
        sys.exit(str(error))
