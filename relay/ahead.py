"""Ahead of a judge: a node's visit that begins before it is known whether the pen will come there."""

import asyncio
from collections.abc import AsyncGenerator, Mapping

from relay.clock import Stopwatch
from relay.deadline import Deadline
from relay.errors import EngineError
from relay.events import Tokens
from relay.node import Act, Desk, Stage
from relay.walk import DISCARDED, Extra, Hop, Pen


class Ahead:
    """The visit, under way in a task of its own from the start. It draws what it would have drawn in its turn."""

    def __init__(self, node: str, pen: Pen, stage: Stage, pens: Mapping[str, Pen]) -> None:
        """`pen` stands at the judge."""
        self._pen = pen._replace(node=node)
        self._desk = Desk(stage, self._pen, Deadline(stage.limits.seconds - pen.seconds), pens)
        self._desk.turn(self._pen, pen.visits.get(node, 0) + 1)
        self._watch = Stopwatch()
        self._said: Tokens | None = None
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._visit())

    @property
    def deadline(self) -> Deadline:
        """What ends its waiting."""
        return self._desk.deadline

    async def _visit(self) -> Act:
        try:
            doing = self._desk.stage.graph.nodes[self._pen.node].act(self._desk)
            if isinstance(doing, Act):
                return doing
            act = Act()
            async for item in doing:
                if isinstance(item, Act):
                    act = item
                else:
                    self._said = item
                    self._news.set()
            return act
        finally:
            self._desk.deadline.close()
            self._news.set()

    async def going_on(self) -> AsyncGenerator[Tokens | Act, None]:
        """The pen has come: what is left of the visit. Raises EngineError when the model failed."""
        beside = self._watch.seconds
        try:
            while not self._task.done():
                if self._said is not None:
                    said, self._said = self._said, None
                    yield said
                self._news.clear()
                if not self._task.done():
                    await self._news.wait()
                    await asyncio.sleep(0)  # the task may have ended with this news
            act = self._task.result()
        finally:
            await self.aclose()
        extra = (act.extra or Extra())._replace(beside=min(beside, act.usage.seconds))
        yield act._replace(extra=extra)

    async def given_up(self, pen: Pen) -> Hop | None:
        """The pen goes elsewhere: the visit is stopped. What it wrote as a hop of this pen, which nobody reads."""
        self._desk.deadline.fire()
        try:
            act = await self._task
        except EngineError:
            return None
        if act.segment is None and not act.usage.computed:
            return None
        segment = act.segment and act.segment._replace(stop=DISCARDED, closed=-1)
        extra = Extra(apart=DISCARDED, beside=act.usage.seconds)
        visit = self._desk.visit
        return Hop(
            pen.path, pen.hops, self._pen.node, visit, pen.node, segment, act.usage, recoded=act.recoded, extra=extra
        )

    async def aclose(self) -> None:
        """Stop it, whatever it did."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
