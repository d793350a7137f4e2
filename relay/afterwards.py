"""Work on a run that has ended, under its lease: what is found goes down several times a second, or not at all."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar

from relay.batch import FLUSH
from relay.store.writer import RunWriter

T = TypeVar("T")


async def under_lease(writer: RunWriter, work: Coroutine[Any, Any, T]) -> T:
    """Do it while the lease is kept; where a flush fails it ends, for nothing may be written any more."""
    async with contextlib.AsyncExitStack() as stack:
        beating = asyncio.create_task(_beat(writer))
        stack.push_async_callback(_ended, beating)
        doing = asyncio.ensure_future(work)
        stack.push_async_callback(_ended, doing)
        await asyncio.wait([doing, beating], return_when=asyncio.FIRST_COMPLETED)
        if beating.done():
            await beating
        return await doing


async def _ended(task: "asyncio.Future[Any]") -> None:
    """Wait for a task that is no longer wanted."""
    task.cancel()
    with contextlib.suppress(BaseException):
        await task


async def _beat(writer: RunWriter) -> None:
    """Write down what was found, and the lease's heartbeat, several times a second."""
    while True:
        await asyncio.sleep(FLUSH)
        writing = asyncio.ensure_future(asyncio.to_thread(writer.write, writer.gather()))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await writing  # nobody may close the file under it
            raise
