"""relay run: walk a scenario, or go on with a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relay.cli.driving import again_of, drive, tell
from relay.cli.options import InFlight, PoolFile, Preset, Sandbox, Sets, Walls
from relay.cli.planning import Assumed, Calibrate, Dry, Hourly, Prices, Replicas, Speeds, Tokens, Wishes
from relay.errors import Mistake, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from relay.session import Outcome
    from relay.tui.progress import Display

    Work = Callable[[Display], Coroutine[Any, Any, Outcome]]

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
