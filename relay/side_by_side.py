"""Several live pens of one rollout, side by side, until all of them rest."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import assert_never

from relay.errors import RelayError
from relay.events import Event, HopCommitted, RolloutEnded, Tokens
from relay.folding import placed
from relay.node import Stage
from relay.races import Stop, fell_behind, in_time, too_late
from relay.walk import Pen, Walk

Steps = Callable[[Pen, Stage, Mapping[str, Pen], Stop], AsyncGenerator[Event, None]]


class _Finished:
    """What a pen's pump says last: it is done, or it broke."""

    __slots__ = ("error", "pen")

    def __init__(self, pen: str, error: BaseException | None) -> None:
        self.pen = pen
        self.error = error

    def check(self) -> None:
        """Raise what broke it, if anything did."""
        if self.error is not None:
            raise self.error


async def side_by_side(walk: Walk, stage: Stage, steps_of: Steps) -> AsyncGenerator[Event, None]:
    """The events of all live pens as they come, each a task of its own."""
    queue: asyncio.Queue[Event | _Finished] = asyncio.Queue(maxsize=64)
    pumps: dict[str, tuple[asyncio.Task[None], Stop]] = {}
    over = False

    async def pump(pen: Pen, stop: Stop) -> None:
        error: BaseException | None = None
        try:
            async with aclosing(steps_of(pen, stage, walk.pens, stop)) as steps:
                async for event in steps:
                    await queue.put(event)
        except asyncio.CancelledError:
            if over:
                raise
            error = RelayError(f"pen {pen.path} was stopped by nobody")
        except Exception as e:
            error = e
        await queue.put(_Finished(pen.path, error))

    try:
        while True:
            late = too_late(walk, stage.graph)
            for fallen in fell_behind(walk, late, pumps):
                walk = placed(walk, fallen.hop, fallen.pen)
                yield fallen
            for pen in walk.frontier:
                if pen.path not in pumps:
                    stop = Stop()
                    pumps[pen.path] = asyncio.create_task(pump(pen, stop)), stop
            for path in late & pumps.keys():
                pumps[path][1].call()
            if not pumps:
                return
            said = await queue.get()
            match said:
                case _Finished():
                    del pumps[said.pen]
                    said.check()
                case HopCommitted():
                    came = in_time(said, walk, late)
                    walk = placed(walk, came.hop, came.pen)
                    yield came
                case Tokens() | RolloutEnded():
                    yield said
                case _:
                    assert_never(said)
    finally:
        over = True
        for task, _ in pumps.values():
            task.cancel()
        await asyncio.gather(*(task for task, _ in pumps.values()), return_exceptions=True)
