"""relay export: a run as JSONL or Parquet, one row a rollout or one row a hop."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from relay.store.reader import Run

CHUNK = 5_000  # rows of a Parquet row group


class Rows(StrEnum):
    """What one row is."""

    ROLLOUTS = "rollouts"
    HOPS = "hops"
    INSPECT = "inspect"
    VERIFIERS = "verifiers"


ENDINGS = {Rows.INSPECT: (".json",), Rows.VERIFIERS: (".jsonl",)}
TABLES = (".jsonl", ".parquet")


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run file.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Where it goes; the ending says how: .jsonl, .parquet, .json."
        ),
    ],
    rows: Annotated[
        Rows,
        typer.Option(help="A row a rollout, a row a hop with its ids, a log for Inspect, or messages with a reward."),
    ] = Rows.ROLLOUTS,
) -> None:
    """Write a run's rollouts or hops as JSONL or Parquet, or for other programs."""
    from relay.errors import Mistake, UserError
    from relay.store.making import cannot_write, footprint
    from relay.store.opening import opened
    from relay.tui.safe import visible

    if out.suffix not in (endings := ENDINGS.get(rows, TABLES)):
        ending = f"a name that ends in {out.suffix!r}" if out.suffix else "a name without an ending"
        what = f"{rows} cannot be exported" if rows in ENDINGS else "cannot export"
        raise UserError(Mistake(str(out), f"{what} to {ending}", f"it should end in {' or '.join(endings)}"))
    unfinished = out.with_name(out.name + ".unfinished")
    remove = footprint(unfinished)
    with opened(run) as found:
        try:
            if out.exists():
                raise UserError(Mistake(str(out), "exists already", "choose another name"))
            out.parent.mkdir(parents=True, exist_ok=True)
            number = _write(found, rows, unfinished, out.suffix)
            unfinished.rename(out)
        except OSError as error:
            remove()
            raise cannot_write(out, error) from None
        except BaseException:
            remove()
            raise
    print(visible(f"{number:,} {rows if rows not in ENDINGS else 'rollouts'} in {out}"))


def _write(run: "Run", rows: Rows, path: Path, suffix: str) -> int:
    """Write the rows; how many there were."""
    if rows is Rows.INSPECT:
        from relay.exports.inspect_log import write

        with path.open("w", encoding="utf-8") as file:
            return write(run, file)
    if rows is Rows.VERIFIERS:
        from relay.exports.verifiers_rows import rows as messages

        return _write_jsonl(path, messages(run))
    from relay.exports.segments import rollouts

    whole = rollouts(run) if rows is Rows.ROLLOUTS else _hops(run)
    return (_write_jsonl if suffix == ".jsonl" else _write_parquet)(path, whole)


def _hops(run: "Run") -> Iterator[dict[str, Any]]:
    from relay.became import became

    for row in run.rollouts():
        hops = run.hops(row.id)
        for hop, fate in zip(hops, became(hops), strict=True):
            segment = hop.segment
            yield {
                "rollout": row.id, "problem": row.problem, "cell": row.cell, "sample": row.sample, "fork": row.fork,
                "pen": hop.pen, "n": hop.n, "node": hop.node, "visit": hop.visit, "to": hop.to,
                "model": segment.model if segment else None, "text": segment.text if segment else None,
                "ids": list(segment.ids) if segment else [], "tokenizer": segment.tokenizer if segment else None,
                "stop": segment.stop if segment else None, **hop.usage._asdict(),
                "recoded": hop.recoded, "source": hop.source, "rest": hop.rest, "why": hop.why,
                "became": fate.word or None,
            }  # fmt: skip


def _write_jsonl(path: Path, rows: Iterator[dict[str, Any]]) -> int:
    from json import dumps

    number = 0
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(dumps(row) + "\n")
            number += 1
    return number


def _write_parquet(path: Path, rows: Iterator[dict[str, Any]]) -> int:
    from itertools import islice

    import pyarrow
    from pyarrow import parquet

    number, writer = 0, None
    while chunk := list(islice(rows, CHUNK)):
        table = pyarrow.Table.from_pylist(chunk, schema=_schema(chunk[0]))
        writer = writer or parquet.ParquetWriter(path, table.schema)
        writer.write_table(table)
        number += len(chunk)
    if writer is None:
        parquet.write_table(pyarrow.table({}), path)
    else:
        writer.close()
    return number


def _schema(row: dict[str, Any]) -> Any:
    import pyarrow

    whole = {
        "id", "rollout", "sample", "fork", "tokens", "n", "visit", "computed", "cached", "decoded", "thrown", "recoded",
    }  # fmt: skip
    kinds = {"ids": pyarrow.list_(pyarrow.int32()), "seconds": pyarrow.float64()}
    return pyarrow.schema([(k, kinds.get(k, pyarrow.int64() if k in whole else pyarrow.string())) for k in row])
