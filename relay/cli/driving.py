"""Work that a command does on a run file: the display beside it, how it ends, and what it tells."""

import contextlib
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from relay.cli.options import Walls
from relay.errors import RelayError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine
    from typing import Any

    from relay.session import Options, Outcome
    from relay.tui.progress import Display

T = TypeVar("T")
REFRESH = 0.2  # seconds between two looks at the counts
INTERRUPTED = 130


def again_of(path: Path, options: "Options") -> str:
    """The command that goes on with this run."""
    given = ["--in-flight", str(options.in_flight)] if options.in_flight else []
    given += ["--pool", str(options.pool)] if options.pool else []
    given += ["--deterministic"] if options.deterministic else []
    given += [] if options.sandbox else ["--sandbox", Walls.NONE.value]
    return shlex.join(["relay", "run", "--resume", str(path), *given])


def drive(
    work: "Callable[[Display], Coroutine[Any, Any, T]]",
    path: Path,
    again: str,
    *,
    as_json: bool,
    shown: "Display | None" = None,
) -> "T":
    """Do it with the display refreshed; an interruption ends it cleanly and says how to go on."""
    import asyncio
    from sqlite3 import OperationalError

    from relay.cli.interruption import Interruption
    from relay.tui.progress import display
    from relay.tui.safe import visible

    def farewell() -> None:
        words = f"interrupted; to go on: {again}" if path.exists() else "interrupted before anything was begun"
        with contextlib.suppress(OSError):  # nobody may be reading any more
            print(visible(words), file=sys.stderr, flush=True)

    shown = shown or display(as_json=as_json)
    with Interruption(_kill_servers, shown.close, farewell) as interruption:

        async def both() -> "T":
            task = asyncio.ensure_future(work(shown))
            interruption.ends(asyncio.get_running_loop(), task)
            refreshing = asyncio.create_task(_refresh(shown, task))
            try:
                return await task
            finally:
                refreshing.cancel()

        with contextlib.suppress(asyncio.CancelledError, BrokenPipeError), contextlib.closing(shown):
            try:
                return asyncio.run(both())
            except OperationalError as error:  # the disk is full, or gone
                raise RelayError(f"{path}: cannot be written: {error}; to go on: {again}") from error
        farewell()
    raise typer.Exit(INTERRUPTED)


def _kill_servers() -> None:
    """Those that relay started for `serve: true`, where it did."""
    if (serving := sys.modules.get("relay.engine.http.serving")) is not None:
        serving.kill_all()


async def _refresh(shown: "Display", task: "asyncio.Future[T]") -> None:
    from asyncio import sleep

    while True:
        await sleep(REFRESH)
        try:
            shown.refresh()
        except BrokenPipeError:  # `relay run --json | head`: whoever read has seen enough
            task.cancel()
            return


def tell(outcome: "Outcome", *, as_json: bool) -> None:
    """What came of it: the table, where the run file is, and what failed."""
    if as_json:
        from json import dumps

        print(dumps({"event": "done", "run": str(outcome.path), "total": outcome.total, "failed": outcome.failed}))
        return
    from relay.cli.printing import print_report
    from relay.tui.safe import one_line, visible

    print_report([outcome.path])
    print(visible(f"run file: {outcome.path}"), flush=True)
    if outcome.failed:
        said = f"{outcome.failed:,} of {outcome.total:,} rollouts failed, the last with: {one_line(outcome.why, 300)}"
        print(said, file=sys.stderr)
