"""relay in Python: read a scenario, run it, open a run file. docs/python.md shows all three."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from relay.frames import Frames
    from relay.language.reading import Reading
    from relay.session import Options, Outcome


def load(path: str | Path, preset: str = "", **sets: object) -> Reading:
    """The scenario in this file, or the canned one of this name, checked. Raises UserError with all mistakes at once.

    `sets` are other values by their paths, as `--set` has them: load("solo", samples=2), load("solo",
    **{"models.main.model": "relay/tiny-backtrack"}).
    """
    from json import dumps

    from relay.language.reading import read

    return read(str(path), {name: dumps(value) for name, value in sets.items()}, preset)


def open(run: str | Path) -> Frames:
    """The run in this file, finished or going on, as data frames. Raises UserError where there is none."""
    from relay.frames import Frames
    from relay.store.opening import opened

    with opened(Path(run)):
        return Frames(Path(run))


def run(
    scenario: str | Path | Reading,
    out: str | Path | None = None,
    preset: str = "",
    options: Options | None = None,
    **sets: object,
) -> Frames:
    """Run a scenario into `out`, by default a new file in runs/, and open it. Raises UserError before it begins.

    Of a reading that `load` gave, neither a preset nor `sets` can be changed any more. Interrupted, it leaves a run
    file that `relay run --resume` goes on with.
    """
    from relay.errors import Mistake, UserError
    from relay.language.reading import Reading
    from relay.session import Options, start
    from relay.store.naming import new_name

    if isinstance(scenario, Reading):
        if sets or preset:
            raise UserError(
                Mistake("relay.run", "a scenario that was loaded cannot be changed", "say it to relay.load")
            )
        reading = scenario
    else:
        reading = load(scenario, preset, **sets)
    path = Path(out) if out is not None else new_name(reading.source)
    return open(_finished(start(reading, path, options or Options(), _Nobody())).path)


class _Nobody:
    """Who watches a run in Python; what it would have noted stands in the run file."""

    def phase(self, name: str, tally: object) -> None:
        pass

    def note(self, text: str) -> None:
        pass


def _finished(work: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Wait for it; in a notebook, whose own loop runs in this thread, in another one."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    begun: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = []

    async def noted() -> Outcome:
        task = asyncio.current_task()
        assert task is not None
        begun.append((asyncio.get_running_loop(), task))
        return await work

    with ThreadPoolExecutor(1) as beside:
        done = beside.submit(asyncio.run, noted())
        try:
            return done.result()
        except KeyboardInterrupt:
            for loop, task in begun:
                loop.call_soon_threadsafe(task.cancel)
            raise
