"""Long work in a thread of its own, which does not keep the process alive when it is interrupted."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

NAME = "relay loading"


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

    threading.Thread(target=work, name=NAME, daemon=True).start()
    return await loaded


def still_loading() -> bool:
    """Whether such work goes on: Python cannot end beneath it, for libraries abort where their threads are cut off."""
    return any(thread.name == NAME for thread in threading.enumerate())
