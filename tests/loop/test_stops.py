"""What stops a pen's waiting comes there and nowhere else; a stop that nobody asked for is told, and hangs nothing."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from relay.deadline import Deadline
from relay.engine import Delta, Engine, Request
from relay.errors import RelayError
from relay.store.reader import Run
from tests.loop.test_races import RACE


async def test_time_that_is_up_stops_the_wait_and_nothing_after_it() -> None:
    deadline = Deadline(60)
    deadline.fire()
    with pytest.raises(asyncio.CancelledError):
        deadline.arm()
    assert deadline.took()
    await asyncio.sleep(0)


class Rude:
    """An engine that cancels whoever waits for it."""

    def __init__(self, inner: Engine) -> None:
        self.inner = inner
        self.tokenizer, self.template = inner.tokenizer, inner.template
        self.context, self.facts, self.rows = inner.context, inner.facts, inner.rows

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)
        yield Delta(())

    async def aclose(self) -> None:
        await self.inner.aclose()


@pytest.mark.parametrize("start", ["fork", "try"])
def test_a_rollout_that_is_stopped_by_nobody_is_no_rollout_that_is_done(bench: Any, start: str) -> None:
    from relay.language.reading import read

    text = RACE.replace("over: [slow, quick, never]", "times: 2")
    if start == "try":
        text = text.replace("start: fork", "start: try").replace("to: join", "to: end")
        text = "\n".join(line for line in text.splitlines() if "fork:" not in line and "best:" not in line)
    model = read(str(bench.write(text))).cells[0].scenario.models["quick"]
    bench.given = {"quick": Rude(asyncio.run(model.open()))}
    running = asyncio.wait_for(bench.start(text), 20)
    if start == "try":
        with pytest.raises(RelayError, match="stopped by nobody"):
            asyncio.run(running)
    else:
        assert asyncio.run(running).failed == 2
    with Run(bench.folder / "out.relay") as run:
        assert {row.state for row in run.rollouts()} == {"open" if start == "try" else "failed"}
