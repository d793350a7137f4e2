"""Opening a run file that is there, to write or to read; and what may be wrong with it."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from relay.errors import Mistake, UserError
from relay.store.schema import (
    APPLICATION,
    ASKED,
    EXTRA,
    FORKED,
    HOP,
    JUDGED,
    JUDGEMENT,
    TAKING_PART,
    VERSION,
)

_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "lustre", "fuse.sshfs", "gpfs", "beegfs", "9p")

_LOG_PAGES = 250  # 4 MB: what a kill leaves in the -wal is read again on resume


def open_to_write(path: Path) -> sqlite3.Connection:
    """An existing run file, to go on with."""
    check(path)
    try:
        db = connect(path)
        set_journal(db, path)
        _bring_up(db)
    except sqlite3.Error as error:
        raise UserError(Mistake(str(path), f"cannot be written: {error}", "copy it to a place you may write")) from None
    return db


def open_to_ask(path: Path) -> sqlite3.Connection:
    """A run file that another process may be writing, to add a request to it. Nothing else is changed."""
    check(path)
    if not os.access(path, os.W_OK):
        raise UserError(Mistake(str(path), "cannot be written by you", "only who may write to it takes part"))
    db = connect(path, "?mode=rw")
    _bring_up(db)  # a run of an older relay that is over: it may be forked
    return db


def open_to_read(path: Path) -> sqlite3.Connection:
    """A run file, finished or going on. Nothing is written to it."""
    check(path)
    alone = _is_wal(path) and not beside(path, "-wal").exists()  # on a read-only disk WAL needs this word
    db = connect(path, "?mode=ro&immutable=1" if alone else "?mode=ro")
    if path.stat().st_size and (version := _version(db)) < VERSION:
        lacking = (JUDGEMENT if version < JUDGED else "") + (EXTRA + HOP if version < FORKED else "")
        lacking += ASKED if version < TAKING_PART else ""
        db.execute("PRAGMA temp_store = MEMORY")
        db.executescript(lacking.replace("CREATE ", "CREATE TEMP "))  # empty: an older run has none
    db.execute("PRAGMA query_only = ON")
    return db


def open_beside(path: Path) -> sqlite3.Connection:
    """A second connection, to read, in the process that writes the file.

    The file is not opened otherwise: closing it again would drop every lock that this process holds on it (POSIX),
    and the next program to close the file would take the -wal away from under the writer.
    """
    db = connect(path, "?mode=ro")
    db.execute("PRAGMA query_only = ON")
    return db


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _bring_up(db: sqlite3.Connection) -> None:
    """Give a file of an older schema what it lacks. Tables that not every run has are added when they are needed."""
    if (version := _version(db)) < VERSION:
        lacking = (JUDGEMENT + EXTRA).replace("TABLE", "TABLE IF NOT EXISTS")
        lacking += f"DROP VIEW hop; {HOP}" if version < FORKED else ""
        if version < TAKING_PART:  # nobody wrote to these before
            lacking += f"DROP TABLE requests; DROP TABLE IF EXISTS fork; {ASKED}"
        db.executescript(f"BEGIN IMMEDIATE; {lacking} PRAGMA user_version = {VERSION}; COMMIT;")


def finish(db: sqlite3.Connection) -> bool:
    """Make it one plain file, if no reader is connected; say whether that worked."""
    try:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        mode: Any = db.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError:
        return False
    return bool(mode[0] == "delete")


def check(path: Path) -> None:
    """Raise UserError unless this is a run file that this version can read."""
    try:
        with path.open("rb") as file:
            header = file.read(100)
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise UserError(Mistake(str(path), "no such run file", "`ls *.relay runs` shows what is there")) from None
    except IsADirectoryError:
        raise UserError(Mistake(str(path), "is a folder, not a run file")) from None
    except OSError as error:
        raise UserError(Mistake(str(path), f"cannot be read: {error.strerror}")) from None
    if not header and beside(path, "-wal").exists():
        return
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise UserError(Mistake(str(path), "is not a run file", "a run file is what `relay run` writes"))
    if int.from_bytes(header[68:72]) != APPLICATION:
        raise UserError(
            Mistake(str(path), "is a database, but not a run file", "a run file is what `relay run` writes")
        )
    version = int.from_bytes(header[60:64])
    if version > VERSION:
        raise UserError(
            Mistake(
                str(path), f"was written by a newer relay (schema {version}, this one reads {VERSION})", "upgrade relay"
            )
        )
    if beside(path, "-wal").exists():
        return
    whole = int.from_bytes(header[16:18]) * int.from_bytes(header[28:32])  # bytes of a page, and pages
    if size < whole:
        raise UserError(Mistake(str(path), f"is cut short: {size:,} of {whole:,} bytes are here", "copy it again"))
    if header[18] == 2 and _was_going_on(path):
        raise UserError(Mistake(str(path), "was copied without its -wal file", f"copy {path.name}-wal beside it too"))


def _was_going_on(path: Path) -> bool:
    """Whether a runner held the lease when this file was last whole: then its -wal belongs to it.

    Unless it is the runner's own file, killed, whose -wal went into it when some other program opened it.
    """
    try:
        with closing(connect(path, "?mode=ro&immutable=1")) as db:
            if db.execute("SELECT 1 FROM lease").fetchone() is None:
                return False
            own = db.execute("SELECT value FROM meta WHERE key = 'inode'").fetchone()
            return own is None or own[0] != str(inode(path))
    except (OSError, sqlite3.Error):
        return True


def inode(path: Path) -> int:
    """What tells a file from every copy of it."""
    return path.stat().st_ino


def is_run(path: Path) -> bool:
    """Whether it says of itself that it is a run file."""
    with path.open("rb") as file:
        return file.read(72)[68:] == APPLICATION.to_bytes(4)


def _is_wal(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(19)[18:] == b"\x02"


def connect(path: Path, query: str = "") -> sqlite3.Connection:
    """A connection; nothing is looked at."""
    uri = path.resolve().as_uri() + query
    return sqlite3.connect(uri, uri=True, timeout=10.0, isolation_level=None, check_same_thread=False)


def beside(path: Path, suffix: str) -> Path:
    """The file of this name with something behind it."""
    return path.with_name(path.name + suffix)


def set_journal(db: sqlite3.Connection, path: Path) -> None:
    """WAL, so that a monitor reads while we write; on a network file system, where WAL cannot be, TRUNCATE."""
    mode = "TRUNCATE" if on_network(path) else "WAL"
    got: Any = db.execute(f"PRAGMA journal_mode = {mode}").fetchone()
    db.execute("PRAGMA synchronous = NORMAL" if got[0] == "wal" else "PRAGMA synchronous = FULL")
    db.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")


def on_network(path: Path) -> bool:
    """Whether the file lies on a network file system (Linux; elsewhere: no)."""
    best, kind = "", ""
    try:
        mounts = Path("/proc/mounts").read_text().splitlines()
    except OSError:
        return False
    where = os.path.realpath(path.parent)
    for line in mounts:
        _, point, fs, *_ = line.split(" ")
        if (where + "/").startswith(point.rstrip("/") + "/") and len(point) >= len(best):
            best, kind = point, fs
    return kind in _NETWORK
