"""relay fork: a new rollout that begins as another one did."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relay.cli.driving import again_of, drive
from relay.cli.options import PoolFile, Sandbox, Walls
from relay.errors import Mistake, RelayError, UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.store.asking import Asked
    from relay.walk import Hop

LOOK = 0.1  # seconds between two looks at a request that another process is to take


def fork(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run file.")],
    rollout: Annotated[int, typer.Argument(metavar="ROLLOUT", min=0, help="The number of a rollout.")],
    at: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="SEGMENT", help="After this segment, from 1; 0: before the first. Without: a list."
        ),
    ] = None,
    insert: Annotated[
        list[str], typer.Option(metavar="TEXT", help="Put this text in there, as a person's; may be repeated.")
    ] = [],  # noqa: B006  typer copies it
    pen: Annotated[str, typer.Option(metavar="PEN", help="Whose way counts, where the rollout branches.")] = "0",
    pool: PoolFile = None,
    sandbox: Sandbox = Walls.BUBBLEWRAP,
    json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
) -> None:
    """Go on from the middle of a rollout once more, changed or not, as a new rollout of the same run."""
    from relay.store.forking import path_of, written
    from relay.store.opening import opened

    with opened(run) as found:
        rollout = min(rollout, 2**63 - 1)
        listed, hops = found.rollout(rollout), found.hops(rollout)
        over = found.meta["phase"] == "done"
    if pen not in {"0", *(hop.pen for hop in hops)}:
        raise UserError(Mistake("--pen", f"there is no pen {pen!r}", f"`relay show {run} {rollout}` names them"))
    segments = written(path_of(hops, pen))
    if at is None:
        if insert:
            raise UserError(Mistake("--insert", "has no place", "say --at SEGMENT too"))
        _list(segments)
        return
    if at > len(segments):
        raise UserError(Mistake("--at", f"there is no segment {at}", f"rollout {rollout} has {len(segments)}"))
    ended = listed.state != "open" and segments[at - 1 :] and segments[at - 1].rest is not None if at else False
    _refuse_texts(insert, ended=bool(ended))
    after = segments[at - 1] if at else None
    asked = _asked(run, rollout, (after.pen, after.n) if after else ("0", -1), insert, over, (pool, sandbox, json))
    _tell(run, asked, rollout, as_json=json)


def _list(segments: "Sequence[Hop]") -> None:
    """The segments with their numbers."""
    from relay.tui.safe import one_line, visible

    print("  0  (the problem)")
    for number, hop in enumerate(segments, 1):
        assert hop.segment is not None  # or it would not be here
        print(visible(f"{number:>3}  {hop.node} · {hop.segment.model}: {one_line(hop.segment.text.strip(), 90)}"))


def _refuse_texts(insert: "Sequence[str]", *, ended: bool) -> None:
    from relay.seam.cuts import closes

    if ended and not insert:
        raise UserError(Mistake("--at", "the rollout ended with this segment", "say --insert TEXT, or an earlier one"))
    for text in insert:
        if not text or closes(text):
            what = "closes the thinking, which only a node does" if text else "is empty"
            raise UserError(Mistake("--insert", what, "leave it out"))
        if text.encode("utf-8", "replace") != text.encode("utf-8", "surrogatepass"):
            raise UserError(Mistake("--insert", "holds half a character, which is no UTF-8", "type it anew"))


def _asked(
    run: Path,
    rollout: int,
    at: tuple[str, int],
    insert: "Sequence[str]",
    over: bool,
    how: tuple[Path | None, Walls, bool],
) -> "Asked":
    """Ask for it; the run's own process does it or, where that is gone, this one."""
    from time import sleep

    from relay.session import Options, resume
    from relay.store.asking import ask, request
    from relay.store.opening import opened

    if not over and not _held(run):
        again = f"`relay run --resume {run}` goes on with it"
        raise UserError(Mistake(str(run), "was broken off before its end", again))
    number = ask(run, "fork", rollout, at[0], n=at[1], insert=list(insert))
    pool, sandbox, as_json = how
    options = Options(pool=pool, sandbox=sandbox is not Walls.NONE, only_forks=True)
    while True:
        held = _held(run)
        with opened(run) as found:
            asked = request(found, number)
        if asked.taken is not None:
            return asked
        if held:
            sleep(LOOK)
        else:
            drive(lambda shown: resume(run, options, shown), run, again_of(run, options), as_json=as_json)


def _held(run: Path) -> bool:
    """Whether a process has the run in hand."""
    from relay.store import lease
    from relay.store.opening import opened

    with opened(run) as found:
        rows = found.query("SELECT boot, pid, started, beat FROM lease")
    return bool(rows) and lease.is_held(rows[0])


def _tell(run: Path, asked: "Asked", rollout: int, *, as_json: bool) -> None:
    from relay.store.asking import request
    from relay.store.opening import opened
    from relay.tui.safe import one_line, visible

    if asked.refused:
        raise RelayError(f"{run}: not forked: {asked.refused}")
    with opened(run) as found:
        made = request(found, asked.id).made
        assert made is not None  # it was done, so that its rollout is there
        listed = found.rollout(made)
    if as_json:
        from json import dumps

        print(dumps({"event": "forked", "run": str(run), "rollout": listed.id, "of": rollout, "state": listed.state}))
    else:
        said = f": {listed.outcome} {one_line(listed.found, 60)}" if listed.outcome else ""
        print(visible(f"rollout {listed.id} is a fork of {rollout}: {listed.state}{said}"))
        print(visible(f"relay show {run} {listed.id}"))
    if listed.state == "failed":
        raise typer.Exit(1)
