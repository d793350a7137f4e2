"""A run file in the hands of whoever writes it: closed whatever happens, its lease kept while nothing is written."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator

from relay.errors import EngineError, UserError
from relay.store.writer import RunWriter

BEAT = 1.0  # seconds between heartbeats while nothing is flushed


@contextlib.contextmanager
def closing_file(writer: RunWriter, remove: Callable[[], None] | None = None) -> Iterator[None]:
    """Closes the file, whatever happens; what goes wrong before the first rollout removes a new one."""
    try:
        yield
    except BaseException as error:
        if remove is not None and isinstance(error, UserError | EngineError) and writer.meta("phase") == "preparing":
            writer.discard()
            remove()
        else:
            writer.close(finished=False)
        raise
    writer.close(finished=True)


@contextlib.asynccontextmanager
async def heartbeat(writer: RunWriter) -> AsyncIterator["asyncio.Task[None]"]:
    """Keeps the lease while engines load and the pool is filled."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(BEAT)
            writer.flush()

    task = asyncio.create_task(beat())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
