"""Who may write to a run file: one process at a time, and a dead one's right passes on."""

import os
import socket
import sqlite3
import time
from pathlib import Path
from typing import NamedTuple

from relay.errors import Mistake, UserError

STALE = 10.0  # seconds without a heartbeat after which another machine may take the lease


class Holder(NamedTuple):
    """A process, told apart from every other: which start of which machine, which pid, started when."""

    boot: str
    pid: int
    started: str


def this_process() -> Holder:
    """The process that asks."""
    return Holder(_boot(), os.getpid(), _started(os.getpid()))


def take(db: sqlite3.Connection, path: Path) -> Holder:
    """Take the lease, or raise UserError when a live process holds it."""
    me = this_process()
    with db:
        db.execute("BEGIN IMMEDIATE")
        row = db.execute("SELECT boot, pid, started, beat FROM lease").fetchone()
        if row is not None and _alive(Holder(*row[:3]), row[3]) and Holder(*row[:3]) != me:
            raise UserError(
                Mistake(str(path), f"the run is in use by process {row[1]}", "wait for it, or stop it with Ctrl-C")
            )
        db.execute("INSERT OR REPLACE INTO lease VALUES (1, ?, ?, ?, ?)", (*me, time.time()))
    return me


def is_held(row: tuple[str, int, str, float]) -> bool:
    """Whether this row of the table is that of a live process."""
    return _alive(Holder(*row[:3]), row[3])


def beat(db: sqlite3.Connection, me: Holder) -> bool:
    """Say that this process is alive; False when it no longer holds the lease. Part of a caller's transaction."""
    done = db.execute("UPDATE lease SET beat = ? WHERE boot = ? AND pid = ? AND started = ?", (time.time(), *me))
    return done.rowcount == 1


def give_back(db: sqlite3.Connection, me: Holder) -> None:
    """Let the next one in."""
    with db:
        db.execute("DELETE FROM lease WHERE boot = ? AND pid = ? AND started = ?", me)


def _alive(holder: Holder, beat: float) -> bool:
    if holder.boot != _boot():
        return time.time() - beat < STALE  # another machine, or before a restart: only its heartbeat speaks
    return _started(holder.pid) == holder.started != ""


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return socket.gethostname()


def _started(pid: int) -> str:
    """When the process started, in the system's own words; empty when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return _started_without_proc(pid)
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]


def _started_without_proc(pid: int) -> str:
    if Path("/proc/self").exists():
        return ""
    try:  # no /proc on this system: a live pid is all that can be known
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "alive"
