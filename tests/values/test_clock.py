"""The clock that jumps."""

import asyncio
import time

from relay.clock import clock


async def test_those_who_wait_wake_in_the_order_of_their_times_and_nobody_sleeps() -> None:
    woke: list[tuple[str, float]] = []
    here = clock()

    async def one(name: str, *waits: float) -> None:
        for wait in waits:
            await here.until(here.now + wait)
            woke.append((name, here.now))

    began = time.perf_counter()
    await asyncio.gather(one("slow", 5000.0, 10.0), one("fast", 1000.0, 1000.0, 9000.0))
    assert time.perf_counter() - began < 5
    assert woke == [("fast", 1000.0), ("fast", 2000.0), ("slow", 5000.0), ("slow", 5010.0), ("fast", 11000.0)]


async def test_whoever_waits_for_real_work_is_waited_for() -> None:
    here, order = clock(), list[str]()
    done = asyncio.Event()

    async def works() -> None:
        with here.outside():
            await asyncio.to_thread(done_later.wait, 5)
        await here.until(here.now + 1)
        order.append("worked")
        done.set()

    async def waits() -> None:
        await here.until(here.now + 2)
        order.append("waited")

    import threading

    done_later = threading.Event()
    asyncio.get_running_loop().call_later(0.05, done_later.set)
    await asyncio.gather(waits(), works())
    assert order == ["worked", "waited"]
    assert here.now == 2.0


async def test_whoever_is_cancelled_does_not_move_the_clock() -> None:
    here = clock()
    gone = asyncio.create_task(here.until(50.0))
    await asyncio.sleep(0)
    gone.cancel()
    await here.until(60.0)
    assert here.now == 60.0
    await here.until(10.0)  # the past is now
    assert here.now == 60.0


def test_every_loop_has_a_clock_of_its_own() -> None:
    async def passed() -> float:
        await clock().until(clock().now + 7)
        return clock().now

    assert [asyncio.run(passed()), asyncio.run(passed())] == [7.0, 7.0]
