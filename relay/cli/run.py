"""relay run: walk a scenario, or go on with a run."""

import contextlib
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from relay.cli.options import Preset, Sandbox, Sets, Walls
from relay.cli.planning import Assumed, Calibrate, Dry, Hourly, Prices, Replicas, Speeds, Tokens, Wishes
from relay.errors import Mistake, RelayError, UserError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine
    from typing import Any

    from relay.session import Options, Outcome
    from relay.tui.progress import Display

    Work = Callable[[Display], Coroutine[Any, Any, Outcome]]

T = TypeVar("T")
REFRESH = 0.2  # seconds between two looks at the counts
INTERRUPTED = 130
AS_IT_BEGAN = "takes no --set, --preset, --out or --record: a run goes on as it began"


Name = Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario file, or the name of a canned one.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FILE", help="Where the run file goes; by default into runs/."),
]
Resume = Annotated[
    Path | None,
    typer.Option("--resume", metavar="RUN", help="Go on with this run file: do exactly what is missing."),
]
Logprobs = Annotated[
    bool, typer.Option("--logprobs", help="With --record: how probable each written token was. transformers, vllm.")
]
InFlight = Annotated[
    int | None,
    typer.Option(min=1, max=100_000, metavar="N", help="Rollouts at once; by default what the engines like."),
]
PoolFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The pool's file; by default $RELAY_POOL or the user's data folder."),
]


def run(
    scenario: Name = "",
    set_: Sets = [],  # noqa: B006  typer copies it
    preset: Preset = "",
    out: Out = None,
    resume: Resume = None,
    in_flight: InFlight = None,
    pool: PoolFile = None,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="Fixed batches: slow, the same every time.")
    ] = False,
    record: Annotated[
        bool, typer.Option("--record", help="Keep all that the models said, so that `engine: replay` can play it.")
    ] = False,
    logprobs: Logprobs = False,
    sandbox: Sandbox = Walls.BUBBLEWRAP,
    dry: Dry = False,
    calibrate: Calibrate = None,
    replicas: Replicas = 1,
    speed: Speeds = "",
    price: Prices = [],  # noqa: B006  typer copies it
    hourly: Hourly = None,
    tokens: Tokens = None,
    assume: Assumed = "",
    watch: Annotated[bool, typer.Option("--watch", help="Watch it in the monitor; left, the run goes on.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")] = False,
) -> None:
    """Run a scenario: every problem, sample and cell, into one run file."""
    wishes = Wishes(calibrate, replicas, speed, tuple(price), hourly, tokens, assume)
    if not dry and wishes != Wishes():
        raise UserError(Mistake("relay run", "options of a forecast, but no forecast", "say --dry"))
    _refuse(
        (logprobs and not record, "relay run --logprobs", "is for recorded runs", "say --record too"),
        (dry and (resume or out or record), "relay run --dry", "takes no --resume, --out or --record: it runs nothing"),
        (watch and (dry or json), "relay run --watch", "takes no --dry and no --json", "one of them"),
        (bool(scenario) == (resume is not None), "relay run", "takes a scenario, or --resume RUN", "one of the two"),
        (resume is not None and (set_ or preset or out or record), "relay run --resume", AS_IT_BEGAN),
    )
    from relay.language.reading import parse_sets, read
    from relay.session import Options, start
    from relay.session import resume as go_on
    from relay.store.naming import new_name

    options = Options(in_flight, deterministic, pool, sandbox is not Walls.NONE, record, logprobs)
    if dry:
        from relay.cli.dry import tell_forecast

        tell_forecast(read(scenario, parse_sets(set_), preset), options, wishes, as_json=json)
        return
    path = resume or out or new_name(scenario)
    if resume is None:
        reading = read(scenario, parse_sets(set_), preset)
        work: Work = lambda shown: start(reading, path, options, shown)  # noqa: E731  it has a type
    else:
        work = lambda shown: go_on(path, options, shown)  # noqa: E731
    again = again_of(path, options)
    outcome = _drive_watched(work, path, again) if watch else drive(work, path, again, as_json=json)
    tell(outcome, as_json=json)
    if outcome.failed:
        raise typer.Exit(1)


def _refuse(*cases: tuple[object, *tuple[str, ...]]) -> None:
    """Raise UserError with what is wrong, of (whether it is, where, what, what instead)."""
    if mistakes := [Mistake(*words) for wrong, *words in cases if wrong]:
        raise UserError.of(mistakes)


def again_of(path: Path, options: "Options") -> str:
    """The command that goes on with this run."""
    given = ["--in-flight", str(options.in_flight)] if options.in_flight else []
    given += ["--pool", str(options.pool)] if options.pool else []
    given += ["--deterministic"] if options.deterministic else []
    given += [] if options.sandbox else ["--sandbox", Walls.NONE.value]
    return shlex.join(["relay", "run", "--resume", str(path), *given])


def _drive_watched(work: "Work", path: Path, again: str) -> "Outcome":
    """Do it with the monitor in front; done, it may be looked at until it is left."""
    from relay.cli.watched import watched

    shown = watched(path)
    try:
        outcome = drive(work, path, again, as_json=False, shown=shown)
        shown.wait()
    finally:
        shown.end()
    return outcome


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
    from relay.cli.report import print_report
    from relay.tui.safe import one_line, visible

    print_report([outcome.path])
    print(visible(f"run file: {outcome.path}"), flush=True)
    if outcome.failed:
        said = f"{outcome.failed:,} of {outcome.total:,} rollouts failed, the last with: {one_line(outcome.why, 300)}"
        print(said, file=sys.stderr)
