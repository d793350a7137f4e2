"""Run files of runs that were killed as they began: they hold nothing, and whoever begins anew need not mind them."""

import sqlite3
from pathlib import Path

from relay.store.reader import Run
from relay.store.writer import RunWriter


def clear(path: Path) -> bool:
    """Remove a run file that holds nothing yet; whether it was one. Raises UserError where a live process writes it."""
    try:
        with Run(path) as run:
            if run.query("SELECT 1 FROM meta WHERE key = 'scenario'"):
                return False
    except sqlite3.DatabaseError:  # whoever opens it says what is wrong with it
        return False
    RunWriter.resume(path).discard()
    return True
