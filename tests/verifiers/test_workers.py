"""A pool of worker processes: what it survives, and what it leaves behind."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from relay.verifiers.workers import Pool, WorkError


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


@asynccontextmanager
async def pool(work="pool_work:echo", **options):
    pool = Pool(work, **options)
    try:
        yield pool
    finally:
        await pool.aclose()


async def pid_of(pool):
    return (await pool.ask("hello")).value[1]


def gone(pid):
    try:
        os.kill(pid, 0)  # a zombie counts as there
    except ProcessLookupError:
        return True
    return False


async def test_a_question_that_takes_too_long_fails_at_its_deadline_and_the_next_one_is_served():
    async with pool(workers=1, seconds=0.5) as p:
        first = await pid_of(p)
        started = time.perf_counter()
        with pytest.raises(WorkError, match=r"^took longer than 0\.5 s$"):
            await p.ask("sleep", 30)
        assert time.perf_counter() - started < 2
        assert await pid_of(p) != first


async def test_a_hanging_question_delays_no_other():
    async with pool(workers=2, seconds=1.5) as p:
        await asyncio.gather(p.ask("sleep", 0.1), p.ask("sleep", 0.1))  # both have started
        hanging = asyncio.create_task(p.ask("sleep", 30))
        started = time.perf_counter()
        await asyncio.gather(*(p.ask(i) for i in range(50)))
        assert time.perf_counter() - started < 1
        with pytest.raises(WorkError):
            await hanging


async def test_256_tasks_ask_at_once_and_each_gets_its_own_reply():
    async with pool(workers=2, seconds=20) as p:
        replies = await asyncio.gather(*(p.ask(i) for i in range(256)))
        assert [r.value[0] for r in replies] == list(range(256))
        assert len({r.value[1] for r in replies}) <= 2


async def test_a_cancelled_question_does_not_answer_the_next():
    async with pool(workers=1) as p:
        await pid_of(p)
        for wait in (0.0, 0.01, 0.1):
            task = asyncio.create_task(p.ask("sleep", 0.2))
            await asyncio.sleep(wait)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            assert (await p.ask("mine")).value[0] == "mine"


async def test_a_question_cancelled_in_the_queue_or_at_a_start_wedges_nothing():
    async with pool(workers=1) as p:
        tasks = [asyncio.create_task(p.ask(i)) for i in range(20)]
        await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (await p.ask("mine")).value[0] == "mine"


async def test_an_idle_worker_killed_from_outside_is_replaced():
    async with pool(workers=1) as p:
        pid = await pid_of(p)
        os.kill(pid, signal.SIGKILL)
        assert await pid_of(p) != pid


async def test_a_worker_that_dies_on_a_question_is_replaced_and_asked_once_more(tmp_path):
    async with pool(workers=1) as p:
        assert (await p.ask("die once", str(tmp_path / "died"))).value[0] == "die once"


async def test_a_question_that_kills_two_workers_fails_and_the_pool_goes_on():
    async with pool(workers=1) as p:
        with pytest.raises(WorkError, match=r"^the worker was killed by signal 9, twice$"):
            await p.ask("die")
        await pid_of(p)


async def test_what_the_parent_holds_is_not_the_worker_s():
    """A run that holds a model is larger than any worker may be."""
    held = b"1" * (400 << 20)
    async with pool(workers=1, memory=512 << 20) as p:
        first = await pid_of(p)
        assert await pid_of(p) == first, "it answers, and need not be replaced"
    assert len(held) == 400 << 20


async def test_a_question_that_eats_memory_fails_alone():
    async with pool(workers=1, memory=256 << 20) as p:
        first = await pid_of(p)
        with pytest.raises(WorkError, match="more memory than it may have"):
            await p.ask("eat", 1 << 30)
        with pytest.raises(WorkError, match=r"more than 0\.125 GB of memory"):
            await p.ask("eat", 200 << 20)
        assert await pid_of(p) != first  # what was eaten is given back


async def test_work_that_raises_says_so_and_its_worker_lives():
    async with pool(workers=1) as p:
        pid = await pid_of(p)
        with pytest.raises(WorkError, match=r"^ValueError: no such thing$"):
            await p.ask("fail")
        assert await pid_of(p) == pid


async def test_what_the_work_prints_reaches_neither_the_terminal_nor_the_protocol(capfd):
    async with pool(workers=1) as p:
        assert (await p.ask("print")).value[0] == "print"
    assert capfd.readouterr() == ("", "")


async def test_work_that_cannot_be_imported_fails_every_question_with_the_reason():
    async with pool("pool_work:broken") as p:
        with pytest.raises(WorkError, match="no worker could be started: ImportError: no module named sums"):
            await p.ask("hello")
    async with pool("no_such_module:work") as p:
        with pytest.raises(WorkError, match="ModuleNotFoundError"):
            await p.ask("hello")


async def test_hostile_text_comes_through_whole():
    hostile = ["\x00\x1b[31m\n\r\u2028", "\udfff\ud800 \udc80", "é" * 5000, '"]\n["ok", 1]\n', "x" * 1_000_000]
    async with pool(workers=1) as p:
        for text in hostile:
            assert (await p.ask(text)).value[0] == text


async def test_a_reply_that_came_while_the_loop_was_busy_counts():
    async with pool(workers=1, seconds=0.5) as p:
        await pid_of(p)
        task = asyncio.create_task(p.ask("sleep", 0.1))
        await asyncio.sleep(0.02)
        time.sleep(1.2)  # noqa: ASYNC251  # a loop that is busy is what this is about
        assert (await task).value[0] == "sleep"


async def test_signals_to_the_whole_job_leave_the_workers_to_the_parent():
    async with pool(workers=1) as p:
        pid = await pid_of(p)
        assert os.getpgid(pid) != os.getpgid(0)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP):
            os.kill(pid, number)
        assert await pid_of(p) == pid


async def test_closing_leaves_no_process_no_zombie_and_nothing_open():
    p = Pool("pool_work:echo", workers=3, seconds=0.3)
    replies = await asyncio.gather(*(p.ask("sleep", 0.1) for _ in range(3)), *(p.ask("sleep", 9) for _ in range(2)),
                                   return_exceptions=True)  # fmt: skip
    pids = {r.value[1] for r in replies if not isinstance(r, BaseException)}
    asked = asyncio.create_task(p.ask("sleep", 5))
    await asyncio.sleep(0.1)
    await p.aclose()
    await p.aclose()
    assert all(gone(pid) for pid in pids)
    with pytest.raises(RuntimeError, match="the pool is closed"):
        await asked
    with pytest.raises(RuntimeError, match="the pool is closed"):
        await p.ask("hello")
    del p
    gc.collect()  # a forgotten process or socket warns, and warnings are errors


PARENT = """
import asyncio, sys
from relay.verifiers.workers import Pool
async def main():
    pool = Pool("pool_work:echo", workers=1, seconds=60)
    print((await pool.ask("hello")).value[1], flush=True)
    await pool.ask("sleep", 60)
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere an orphan ends at its deadline")
def test_a_busy_worker_dies_with_its_parent():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        time.sleep(0.1)
        parent.kill()
    for _ in range(500):  # whoever adopts it may be slow to reap it
        with suppress(OSError):
            if "State:\tZ" in Path(f"/proc/{pid}/status").read_text():
                return
        if gone(pid):
            return
        time.sleep(0.01)
    pytest.fail("the worker outlived its parent")


async def test_a_spare_worker_is_ready_when_another_is_lost():
    async with pool(workers=1, seconds=0.5, spare=1) as p:
        first = await pid_of(p)
        for _ in range(500):
            if len(p._idle) == 2:
                break
            await asyncio.sleep(0.02)
        with pytest.raises(WorkError):
            await p.ask("sleep", 30)
        started = time.perf_counter()
        assert await pid_of(p) != first
        assert time.perf_counter() - started < 0.1, "nobody waited for a start"
