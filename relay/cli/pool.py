"""relay pool: what it holds, and recorded trajectories put into it."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relay.cli.options import PoolFile
from relay.errors import Mistake, UserError

if TYPE_CHECKING:
    from relay.prepare.importing import Recorded, Summary
    from relay.store.recordings import Held

pool = typer.Typer(help="The pool of solo trajectories: what it holds, and recorded ones put into it.")

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")]


@pool.callback(invoke_without_command=True)
def alone(context: typer.Context) -> None:
    """The pool of solo trajectories: what it holds, and recorded ones put into it."""
    if context.invoked_subcommand is None:
        show(None, json=False)


@pool.command("list")
def listed(pool: PoolFile = None, json: Json = False) -> None:
    """Say what the pool holds, model by model."""
    show(pool, json=json)


@pool.command("import")
def put_in(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Recorded trajectories: .jsonl or .csv, or .gz of either.")
    ],
    model: Annotated[str, typer.Option(metavar="NAME", help="Who wrote them, whatever the lines say.")] = "",
    tokenizer: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The tokenizer.json in whose ids they are counted; by default the reader's."),
    ] = None,
    fields: Annotated[
        list[str],
        typer.Option(metavar="PART=COLUMN", help="Other column names: --fields question=prompt,answer=gold"),
    ] = [],  # noqa: B006  typer copies it
    pool: PoolFile = None,
    json: Json = False,
) -> None:
    """Put recorded trajectories into the pool: all lines are checked and graded first; none goes in twice."""
    import asyncio
    from contextlib import closing

    from relay.pool import Pool, default_path
    from relay.prepare.importing import import_into, read_file, tokenizer_in

    columns = _columns(fields)
    found: list[Recorded] = []
    mistakes: list[Mistake] = []
    for path in files:
        try:
            found += read_file(path, columns, model)
        except UserError as error:
            mistakes += error.mistakes
    if mistakes:
        raise UserError(*mistakes)
    counted = None if tokenizer is None else tokenizer_in(tokenizer)
    path = pool or default_path()
    with closing(Pool(path)) as opened:
        summary = asyncio.run(import_into(opened, found, counted, None if json else _tell_progress))
    _tell(summary, path, as_json=json)


def _columns(fields: Sequence[str]) -> Mapping[str, str]:
    """The columns by what they hold. Raises UserError."""
    from relay.language.telling import one_of
    from relay.prepare.importing import FIELDS

    columns: dict[str, str] = {}
    for each in ",".join(fields).split(",") if fields else []:
        part, sign, column = (piece.strip() for piece in each.partition("="))
        if not sign or not column:
            raise UserError(Mistake("--fields", f"{each!r} does not name a column", "write PART=COLUMN"))
        if part not in FIELDS:
            raise UserError(Mistake("--fields", f"there is no part {part!r}", one_of(part, FIELDS)))
        if columns.setdefault(part, column) != column:
            what = f"{part!r} is both {columns[part]!r} and {column!r}"
            raise UserError(Mistake("--fields", what, "name one column for it"))
    return columns


def _tell_progress(graded: int, of: int) -> None:
    if sys.stderr.isatty():
        print(f"\rgraded {graded:,} of {of:,}", end="\n" if graded == of else "", file=sys.stderr, flush=True)


def _tell(summary: "Summary", path: Path, *, as_json: bool) -> None:
    from relay.tui.safe import one_line, visible

    if as_json:
        from json import dumps

        print(dumps({**summary._asdict(), "pool": str(path)}))
        return
    names = ", ".join(one_line(name, 60) for name in summary.models)
    print(
        f"{_count(summary.trajectories, 'trajectory', 'trajectories')} of {_count(summary.problems, 'problem')} by "
        f"{_count(len(summary.models), 'model')} ({names}): {summary.finished:,} finished, {summary.unfinished:,} not"
    )
    outcomes = ", ".join(f"{number:,} {outcome}" for outcome, number in sorted(summary.outcomes.items()))
    new = f"{summary.added:,} are new ({outcomes})" if summary.added else "none is new"
    print(visible(f"{new}; the pool: {path}"))
    if not summary.finished:
        print("none finished: where no </think> closes the thinking, a column 'finished_thinking' says whether one did")


def _count(number: int, one: str, several: str = "") -> str:
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def show(path: Path | None, *, json: bool) -> None:
    """Print what the pool holds."""
    from contextlib import closing
    from json import dumps

    from relay.pool import Pool, default_path
    from relay.store.recordings import held
    from relay.tui.safe import visible

    path = path or default_path()
    found: list[Held] = []
    if path.exists():  # listing makes no pool
        with closing(Pool(path)) as opened:
            found = held(opened)
    if json:
        for each in found:
            print(dumps(each._asdict()))
        return
    if not found:
        print(visible(f"the pool is empty: {path}"))
        return
    rows = [("model", "engine", "problems", "samples", "right", "unfinished", "address"), *map(_row, found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{c:>{w}}" if 2 <= i <= 5 else f"{c:<{w}}" for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        print("  ".join(cells).rstrip())
    print(visible(f"the pool: {path}"))


def _row(held: "Held") -> tuple[str, ...]:
    from relay.tui.safe import one_line

    facts = held.facts
    name = str(facts.get("model") or facts.get("script") or "?")
    numbers = (held.problems, held.samples, held.correct, held.unfinished)
    return one_line(name, 60), one_line(str(facts.get("engine", "?")), 20), *(f"{n:,}" for n in numbers), held.address
