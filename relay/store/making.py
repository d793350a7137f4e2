"""A new run file: whole or not there, and no trace of it where it was not to be."""

import contextlib
import os
import shlex
import sqlite3
from collections.abc import Callable
from pathlib import Path

from relay.errors import Mistake, UserError
from relay.store.files import beside, connect, is_run, set_journal
from relay.store.schema import APPLICATION, PAGE, TABLES, VERSION


def create(path: Path) -> sqlite3.Connection:
    """A new run file with its tables. Raises UserError when something is in the way, and leaves nothing behind."""
    remove = footprint(path)
    db = None
    try:
        _refuse_what_is_there(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        _lay_out(path)
        db = connect(path)
        set_journal(db, path)
    except (OSError, sqlite3.Error) as error:
        if db is not None:
            db.close()
        elif isinstance(error, FileExistsError):
            _refuse_what_is_there(path)  # another run was quicker: the file is its own
        remove()
        raise cannot_write(path, error) from None
    return db


def _lay_out(path: Path) -> None:
    """Make the file with its tables under another name first: killed at any moment, it is whole or not there."""
    unfinished = beside(path, f".{os.getpid()}.unfinished")
    unfinished.unlink(missing_ok=True)  # of a process that was killed, and had our number
    try:
        with contextlib.closing(connect(unfinished)) as db:
            db.execute(f"PRAGMA page_size = {PAGE}")
            db.execute(f"PRAGMA application_id = {APPLICATION}")
            db.execute(f"PRAGMA user_version = {VERSION}")
            db.executescript(f"BEGIN;{TABLES}COMMIT;")
        put(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def put(unfinished: Path, path: Path) -> None:
    """Give the file its name. Of two that do so the second raises FileExistsError."""
    try:
        os.link(unfinished, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: an empty file holds the place for a moment
        path.touch(exist_ok=False)
        unfinished.replace(path)


def cannot_write(path: Path, error: Exception) -> UserError:
    """Why a new file cannot be there, in words."""
    why = (isinstance(error, OSError) and error.strerror) or error
    if isinstance(error, FileExistsError):  # where a folder should be
        why = f"{path.parent} is not a folder"
    return UserError(Mistake(str(path), f"cannot be written: {why}", "choose another place with -o"))


def _refuse_what_is_there(path: Path) -> None:
    if path.is_dir():
        raise UserError(Mistake(str(path), "is a folder", "name a file in it with -o"))
    if path.is_symlink() and not path.exists():
        raise UserError(Mistake(str(path), "is a link to nothing", "remove it, or choose another name with -o"))
    if path.exists():
        again = f"`{shlex.join(['relay', 'run', '--resume', str(path)])}` goes on with it; or " if is_run(path) else ""
        raise UserError(Mistake(str(path), "exists already", f"{again}choose another name with -o"))


def footprint(path: Path) -> Callable[[], None]:
    """What removes the file that is about to be made here, and the folders made for it."""
    there = os.path.lexists(path)
    folders = [folder for folder in path.parents if not os.path.lexists(folder)]

    def remove() -> None:
        for suffix in () if there else ("", "-wal", "-shm", "-journal"):
            with contextlib.suppress(OSError):
                beside(path, suffix).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            for folder in folders:
                folder.rmdir()

    return remove
