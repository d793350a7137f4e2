"""relay run: walk a scenario, or go on with a run."""

import asyncio
import contextlib
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relay.errors import Mistake, UserError

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from relay.session import Outcome
    from relay.tui.progress import Display

REFRESH = 0.2  # seconds between two looks at the counts


def run(
    scenario: Annotated[str, typer.Argument(help="A scenario file, or the name of a canned one.")] = "",
    set_: Annotated[list[str], typer.Option("--set", help="Change a value: --set models.main.model=Qwen/Qwen3-0.6B")] = [],  # noqa: B006  typer copies it
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where the run file goes; by default into runs/.")] = None,
    resume: Annotated[Path | None, typer.Option("--resume", help="Go on with this run file: do exactly what is missing.")] = None,
    in_flight: Annotated[int | None, typer.Option(min=1, help="Rollouts at once; by default what the engines like.")] = None,
    pool: Annotated[Path | None, typer.Option(help="The pool's file; by default $RELAY_POOL or the user's data folder.")] = None,
    deterministic: Annotated[bool, typer.Option("--deterministic", help="Fixed batches: slow, the same every time.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")] = False,
) -> None:
    """Run a scenario: every problem, sample and cell, into one run file."""
    if bool(scenario) == (resume is not None):
        raise UserError(Mistake("relay run", "takes a scenario, or --resume RUN", "one of the two"))
    if resume is not None and (set_ or out):
        raise UserError(Mistake("relay run --resume", "takes neither --set nor --out: a run goes on as it began"))
    from relay.reading import parse_sets, read
    from relay.session import Options
    from relay.session import resume as go_on
    from relay.session import start
    from relay.tui.progress import display

    options = Options(in_flight, deterministic, pool)
    if resume is None:
        reading = read(scenario, parse_sets(set_))
        out = out or _default_out(scenario)
        shown = display(as_json=json)
        outcome = _drive(start(reading, out, options, shown), shown, out)
    else:
        shown = display(as_json=json)
        outcome = _drive(go_on(resume, options, shown), shown, resume)
    if not json:
        from relay.cli.report import print_report

        print_report([outcome.path])
        print(f"run file: {outcome.path}")
    if outcome.failed:
        raise typer.Exit(1)


def _drive(work: "Coroutine[Any, Any, Outcome]", shown: "Display", path: Path) -> "Outcome":
    """Run it with the display refreshed; Ctrl-C, SIGTERM and SIGUSR1 end it cleanly and say how to go on."""

    async def both() -> "Outcome":
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            loop.add_signal_handler(number, task.cancel)
        refreshing = asyncio.create_task(_refresh(shown))
        try:
            return await task
        finally:
            refreshing.cancel()

    with contextlib.closing(shown):
        try:
            return asyncio.run(both())
        except asyncio.CancelledError:
            pass
    if path.exists():
        print(f"interrupted; to go on: relay run --resume {path}", file=sys.stderr)
    raise typer.Exit(130)


async def _refresh(shown: "Display") -> None:
    while True:
        await asyncio.sleep(REFRESH)
        shown.refresh()


def _default_out(scenario: str) -> Path:
    name = Path(scenario).name.removesuffix(".yaml").removesuffix(".yml") or "run"
    stamp = time.strftime("%Y%m%d-%H%M%S")
    tries = (Path("runs") / f"{name}-{stamp}{f'-{i}' if i else ''}.relay" for i in range(1000))
    return next(path for path in tries if not path.exists())

