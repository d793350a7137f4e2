"""Where vLLM's words go: into a file of this process's, not over the user's terminal; and what it said of a failure."""

import atexit
import json
import logging
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from shutil import rmtree
from threading import Lock
from typing import TextIO

_PREFIX = r"(?:\([^)]{1,60}\)\s*)?(?:(?:ERROR|CRITICAL|WARNING|INFO)\s[^\]]{0,80}\]\s*)?"
_RAISED = re.compile(rf"^{_PREFIX}((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?:Error|Exception|Exit)\b(?:: .*)?)$")
_ECHOES = ("Engine core initialization failed", "EngineDeadError", "EngineCore encountered an issue", "See root cause")
_TAIL = 1 << 18  # bytes of the log that are searched
_turning = Lock()


@cache
def log() -> Path:
    """The file of this process; it is removed at the end unless `keep` was called."""
    folder = Path(tempfile.mkdtemp(prefix="relay-vllm-"))
    atexit.register(_remove, folder)
    file = folder / "vllm.log"
    file.touch()
    return file


@cache
def keep() -> Path:
    """The file, which stays when this process ends: somebody was told to look into it."""
    return log()


def _remove(folder: Path) -> None:
    if not keep.cache_info().currsize:
        rmtree(folder, ignore_errors=True)


def settings() -> Path:
    """A file that tells vLLM's loggers, in this process and in those that it starts, to write into the log."""
    line = "(%(processName)s pid=%(process)d) %(levelname)s %(asctime)s [%(name)s] %(message)s"
    into = {"class": "logging.FileHandler", "formatter": "line", "filename": str(log()), "encoding": "utf-8"}
    said = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": line}},
        "handlers": {"file": into},
        "loggers": {"vllm": {"handlers": ["file"], "level": "INFO", "propagate": False}},
    }
    early = logging.getLogger("vllm")  # some of it speaks before vLLM has set its loggers up
    if not early.handlers:
        early.addHandler(logging.FileHandler(log(), encoding="utf-8"))
        early.propagate = False
    file = log().with_name("logging.json")
    file.write_text(json.dumps(said), encoding="utf-8")
    return file


@contextmanager
def hushed() -> Iterator[None]:
    """Within it what this process prints by itself still reaches the terminal; processes that it starts, and libraries
    that write past Python, write into the log, and go on doing so.
    """
    with _turning, log().open("ab") as into:
        ours = [_own(stream, number) for stream, number in ((sys.stdout, 1), (sys.stderr, 2))]
        saved = os.dup(1), os.dup(2)
        before = sys.stdout, sys.stderr
        try:
            for stream in before:
                with suppress(ValueError, AttributeError, OSError):
                    stream.flush()
            if ours[0]:
                sys.stdout = _outside(1)
            if ours[1]:
                sys.stderr = _outside(2)
            os.dup2(into.fileno(), 1)
            os.dup2(into.fileno(), 2)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            os.dup2(saved[0], 1)
            os.dup2(saved[1], 2)
            for fd in saved:
                os.close(fd)
            sys.stdout, sys.stderr = before


@cache
def _outside(number: int) -> TextIO:
    """The terminal as it was: never closed, for a library that is imported meanwhile may hold on to it."""
    return os.fdopen(os.dup(number), "w", buffering=1, errors="backslashreplace")


def _own(stream: object, number: int) -> bool:
    """Whether Python's stream writes to this descriptor; in a notebook or a test it does not."""
    try:
        return bool(stream.fileno() == number)  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return False


def size() -> int:
    """How long the log is now: what is said later stands after it."""
    return log().stat().st_size


def last_error(after: int = 0) -> str:
    """The last exception in the log after this place, in one line; empty where there is none."""
    with log().open("rb") as opened:
        opened.seek(max(after, size() - _TAIL))
        lines = opened.read().decode("utf-8", "replace").splitlines()
    found = [match[1] for line in lines if (match := _RAISED.match(line.strip()))]
    own = [said for said in found if not any(echo in said for echo in _ECHOES)]
    return own[-1][:400] if own else ""
