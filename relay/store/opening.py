"""A run file opened to read, with all that may be wrong inside it told to the user."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from relay.errors import Mistake, UserError
from relay.store.reader import Run


@contextmanager
def opened(path: Path, kind: type[Run] = Run) -> Iterator[Run]:
    """The run in this file. Raises UserError when it holds none, or can only be read in part."""
    try:
        with kind(path) as run:
            if not run.query("SELECT 1 FROM meta WHERE key = 'scenario'"):
                what = "holds nothing yet: its run was ended as it began"
                raise UserError(Mistake(str(path), what, "delete it, and run the scenario again"))
            yield run
    except sqlite3.DatabaseError as error:
        if type(error) not in (sqlite3.DatabaseError, sqlite3.OperationalError):
            raise  # a fault of relay's own
        raise UserError(Mistake(str(path), f"cannot be read: {error}", "is it a whole copy?")) from error
