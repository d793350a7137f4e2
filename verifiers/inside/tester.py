"""The tester's side: it holds the tests and what they expect, and asks the candidate for values only.

It lives for many answers. Questions come as JSON lines over its socket, each with the socket of a fresh candidate or
without; replies are JSON lines: [outcome, why], or ["candidate", ""] when the answer can only be found by running it.
"""

import ast
import builtins
import contextlib
import importlib
import json
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from .bounds import bind
from .predictions import NeededError, arguments, call, output
from .remote import CandidateError, LateError, Remote
from .values import said, short, told

Found = tuple[str, str]


def main() -> None:
    """Bind this process and answer line by line."""
    fd, *limits = map(int, sys.argv[1:])
    bind(*limits)
    null = os.open(os.devnull, os.O_RDWR)
    for std in (0, 1, 2):
        os.dup2(null, std)
    control = socket.socket(fileno=fd)
    stream = control.makefile("wb")
    stream.write(b'["ready",""]\n')
    stream.flush()
    while True:
        head, fds, _, _ = socket.recv_fds(control, 1, 1)
        if not head:
            return
        job = json.loads(_line(control))
        signal.setitimer(signal.ITIMER_REAL, job["seconds"] + 2)  # ends the process even if nobody else does
        with contextlib.ExitStack() as stack:
            other = stack.enter_context(socket.socket(fileno=fds[0])) if fds else None
            found = _tried(job, other)
        signal.setitimer(signal.ITIMER_REAL, 0)
        stream.write(json.dumps(found).encode() + b"\n")
        stream.flush()


def _line(control: socket.socket) -> bytes:
    data = bytearray()
    while not data.endswith(b"\n"):
        data += control.recv(1 << 20)
    return bytes(data)


def _tried(job: Mapping[str, Any], other: socket.socket | None) -> Found:
    remote = Remote(other, time.monotonic() + job["seconds"]) if other is not None else None
    try:
        return FORMS[job["form"]](job, remote)
    except NeededError:
        return "candidate", ""
    except LateError:
        return "wrong", f"took longer than {job['seconds']:g} s{_after(remote)}"
    except CandidateError as error:
        return "wrong", f"{error}{_after(remote)}"
    except MemoryError:
        return "wrong", f"took more memory than it may have{_after(remote)}"
    except RecursionError:
        return "wrong", f"it is nested too deeply{_after(remote)}"


def function(job: Mapping[str, Any], remote: Remote | None) -> Found:
    """A program that defines the function, and a program of tests that call it."""
    if remote is None:
        raise NeededError
    there = remote.load(job["head"], job["program"])
    name = job["entry"]
    if name not in there:
        return "wrong", f"the program defines no {name!r}"
    module = ModuleType("__main__")
    names = vars(module)
    try:
        exec(compile(job["head"], "<head>", "exec"), names)
        tests = compile(job["tests"], "<tests>", "exec")
    except Exception as error:
        return "undecided", f"the tests cannot be read: {told(error)}"
    for other in _wanted(job["tests"]) - names.keys() - {name}:
        if (library := {"np": "numpy"}.get(other, other)) in {*sys.stdlib_module_names, "numpy"}:
            with contextlib.suppress(ImportError):
                names[other] = importlib.import_module(library)  # not the program's: it could call anything equal
        elif other in there:
            names[other] = remote.value(other)
    names[name] = remote.value(name, called=True)
    sys.modules["__main__"], sys.argv = module, ["tests"]
    if "numpy" in job["tests"]:
        _strict_numpy()
    try:
        exec(tests, names)
    except (LateError, CandidateError):
        raise
    except BaseException as error:
        failed = (
            not isinstance(error, SystemExit) or error.code
        )  # an exit of the tests' own: a program's ends the trial
        if failed and remote.ended is None:
            return "wrong", f"{_failed(job['tests'], error)}{_after(remote)}"
    if remote.ended is not None:  # and the tests went on, or failed of it
        raise remote.ended from None
    if not remote.calls:
        return "undecided", "the tests never call it"
    return "correct", f"passes its tests: {remote.calls:,} call{'s' * (remote.calls != 1)}"


FORMS = {"function": function, "output": output, "arguments": arguments, "call": call}


def _wanted(tests: str) -> set[str]:
    """Names that the tests use and do not define themselves: what they define is theirs, whatever the program has."""
    used, made = set[str](), set(dir(builtins))
    for node in ast.walk(ast.parse(tests)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else made).add(node.id)
        elif isinstance(node, ast.arg):
            made.add(node.arg)
        elif isinstance(node, ast.alias):
            made.add((node.asname or node.name).partition(".")[0])
    return used - made


def _strict_numpy() -> None:
    """Nothing is not close to something: numpy stretches an empty array to any shape, and all of none are close."""
    import numpy

    if numpy.allclose.__module__ == __name__:
        return
    close = numpy.allclose

    def allclose(one: Any, other: Any, *how: Any, **named: Any) -> bool:
        if (numpy.size(one) == 0) != (numpy.size(other) == 0):
            return False
        return bool(close(one, other, *how, **named))

    numpy.allclose = allclose  # type: ignore[assignment]


def _failed(tests: str, error: BaseException) -> str:
    """Which line of the tests failed, and why."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<tests>"]
    line = tests.splitlines()[lines[-1] - 1].strip() if lines and lines[-1] else ""
    how = "fails" if isinstance(error, AssertionError) and not said(error) else f"{told(error)} in"
    return f"{how} `{short(line)}`"


def _after(remote: Remote | None) -> str:
    """The last call and what came of it, and what was printed."""
    if remote is None or not remote.last:
        return ""
    printed = remote.printed.strip()
    return f"; {short(remote.last)}" + (f"; it printed {short(printed)!r}" if printed else "")
