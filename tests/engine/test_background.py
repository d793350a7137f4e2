"""Work in a thread of its own: what it says, and how a process ends that does not wait for it."""

import asyncio
import atexit
import os
from threading import Event

import pytest

from relay.cli import _leave_what_is_loading
from relay.engine.background import in_thread, still_loading


def test_it_says_what_came_of_it() -> None:
    assert asyncio.run(in_thread(lambda: 7)) == 7
    with pytest.raises(ZeroDivisionError):
        asyncio.run(in_thread(lambda: 1 // 0))


def test_an_interrupted_process_does_not_end_beneath_what_is_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Libraries abort where Python's end cuts their threads off: relay ends by itself, once all is done."""
    begun, go = Event(), Event()
    done: list[object] = []
    monkeypatch.setattr(atexit, "_run_exitfuncs", lambda: done.append("at exit"))
    monkeypatch.setattr(os, "_exit", done.append)

    def load() -> None:
        begun.set()
        go.wait(30)

    async def interrupted() -> None:
        task = asyncio.ensure_future(in_thread(load))
        await asyncio.to_thread(begun.wait, 30)
        task.cancel()

    asyncio.run(interrupted())
    assert still_loading()
    _leave_what_is_loading()
    assert done == ["at exit", 130]
    go.set()
