"""Long work in a thread of its own, which does not keep the process alive when it is interrupted."""

import asyncio
from collections.abc import Callable
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


async def in_thread(load: Callable[[], T]) -> T:
    """What this returns or raises."""
    loop = asyncio.get_running_loop()
    loaded: asyncio.Future[T] = loop.create_future()

    def say(result: T | None, error: BaseException | None) -> None:
        if loaded.done():
            return
        if error is not None:
            loaded.set_exception(error)
        else:
            loaded.set_result(result)  # type: ignore[arg-type]  # None only beside an error

    def work() -> None:
        said: tuple[T | None, BaseException | None]
        try:
            said = load(), None
        except BaseException as error:
            said = None, error
        try:
            loop.call_soon_threadsafe(say, *said)
        except RuntimeError:  # interrupted: the loop is gone
            return

    Thread(target=work, name="relay loading", daemon=True).start()
    return await loaded
