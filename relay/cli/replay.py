"""relay replay: a recorded run, played again with no model at all."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from relay.cli.driving import drive
from relay.cli.options import Sandbox, Walls
from relay.errors import Mistake, UserError


def replay(
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="A finished run file.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Where the new run file goes; by default into runs/."),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option("--resume", metavar="FILE", help="Go on with a replay that was broken off.")
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0, metavar="X", help="1: as fast as it was, 2: twice as fast; 0: at once.")
    ] = 0.0,
    in_flight: Annotated[int | None, typer.Option(min=1, max=100_000, metavar="N", help="Rollouts at once.")] = None,
    sandbox: Sandbox = Walls.BUBBLEWRAP,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")] = False,
) -> None:
    """Play a run again, without its models, into a new run file; and say whether every hop is what it was."""
    if (run is None) == (resume is None):
        raise UserError(Mistake("relay replay", "takes a run, or --resume FILE", "one of the two"))
    if resume is not None and (out or speed):
        raise UserError(Mistake("relay replay --resume", "takes no --out or --speed: it goes on as it began"))
    from relay.replay.whole import lay_out, original
    from relay.session import Options
    from relay.session import resume as go_on
    from relay.store.naming import new_name

    if resume is not None:
        source, path = original(resume), resume
    else:
        assert run is not None  # one of the two is there
        source, path = run, out or new_name(f"{run.stem}-replay")
        lay_out(source, path, speed)
    options = Options(in_flight, sandbox=sandbox is not Walls.NONE)
    again = ["relay", "replay", "--resume", str(path), *(["--in-flight", str(in_flight)] if in_flight else [])]
    again += ["--sandbox", sandbox.value] if sandbox is Walls.NONE else []
    drive(lambda shown: go_on(path, options, shown), path, shlex.join(again), as_json=json)
    if not _compared(source, path, as_json=json):
        raise typer.Exit(1)


def _compared(source: Path, path: Path, *, as_json: bool) -> bool:
    """Whether the two are equal, and say so."""
    from relay.replay.whole import differences
    from relay.store.opening import opened
    from relay.tui.safe import one_line, visible

    with opened(source) as was, opened(path) as now:
        found = list(differences(was, now))
        counted = "SELECT count(*), count(DISTINCT rollout), coalesce(sum(decoded), 0) FROM step"
        hops, rollouts, tokens = was.query(counted)[0]
    first = str(found[0]) if found else ""
    if as_json:
        from json import dumps

        said = {"event": "compared", "run": str(path), "hops": hops, "differences": len(found), "first": first}
        print(dumps(said))
    elif found:
        print(visible(f"not as in {source}: {one_line(first, 300)}"))
        print(f"differences: {len(found):,} in {hops:,} hops of {rollouts:,} rollouts")
    else:
        print(f"every hop is equal: {hops:,} hops of {rollouts:,} rollouts, {tokens:,} tokens")
    if not as_json:
        print(visible(f"run file: {path}"), flush=True)
    return not found
