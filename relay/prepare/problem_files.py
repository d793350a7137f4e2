"""Problems from a file of the user's, JSONL, CSV or Parquet, each with the line or row it stands in."""

import csv
import gzip
import json
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from relay.errors import Mistake, UserError
from relay.problems import Problem

LONGEST = 1_000_000  # characters of a question or an answer: what is longer would take gigabytes to encode
MOST_TOLD = 10  # broken lines that one error tells
_NAMES = {
    "question": ("question", "problem", "prompt"),
    "answer": ("answer", "solution"),
    "id": ("id", "problem_id", "name"),
}
MEND = "mend the line, or leave it out"
_COLUMN = "no column"
_NO_TEXT = {list: "a list", dict: "a map", bytes: "bytes"}
MEND_FILE = "mend it, or take another"


class Placed(NamedTuple):
    """A problem and where it stands: "sums.jsonl:3"."""

    place: str
    problem: Problem


def problems_in(path: Path, fields: Mapping[Any, str]) -> list[Placed]:
    """The problems of a file; `fields` names columns. Raises UserError with the broken lines, the first ten of them."""
    try:
        return problems_among(((f"{path}:{number}", number, row) for number, row in rows(path)), fields, str(path))
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or error
        raise UserError(Mistake(str(path), f"cannot be read: {why}", MEND_FILE)) from None


def problems_among(
    rows: Iterable[tuple[str, int, Mapping[str, Any] | Mistake]], fields: Mapping[Any, str], where: str
) -> list[Placed]:
    """The problems of rows, each with its place and number. Raises UserError with the first ten that are none."""
    found: list[Placed] = []
    mistakes: list[Mistake] = []
    for place, number, row in rows:
        problem = row if isinstance(row, Mistake) else problem_of(row, fields, number)
        if isinstance(problem, Mistake):
            mistakes.append(problem._replace(where=place))
        else:
            found.append(Placed(place, problem))
    if (
        mistakes
        and not found
        and len(set(lacks := [m._replace(where="") for m in mistakes])) == 1
        and _COLUMN in lacks[0].what
    ):
        raise UserError(mistakes[0]._replace(where=where))  # it is the column, and no row
    if mistakes:
        raise UserError(*few(mistakes, where))
    return found


def few(mistakes: list[Mistake], where: str) -> list[Mistake]:
    """The first of these mistakes, and how many more there are."""
    more = len(mistakes) - MOST_TOLD
    return mistakes[:MOST_TOLD] + ([Mistake(where, f"{more:,} more lines are like these")] if more > 0 else [])


def rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | Mistake]]:
    """Line numbers and rows; a row that cannot be read is what is wrong with it."""
    name = path.name.removesuffix(".gz")
    if path.name.endswith(".parquet"):
        yield from _parquet_rows(path)
        return
    if not name.endswith((".jsonl", ".csv")):
        instead = "convert it; the first two may end in .gz"
        raise UserError(Mistake(str(path), "ends in none of .jsonl, .csv and .parquet", instead))
    with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as file:
        yield from (_csv_rows if name.endswith(".csv") else _json_rows)(file)


def _parquet_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | Mistake]]:
    from pyarrow import ArrowException, parquet

    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches():
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (ArrowException, UnicodeDecodeError) as error:
        raise UserError(Mistake(str(path), f"cannot be read: {' '.join(str(error).split())}", MEND_FILE)) from None


def _json_rows(lines: Iterable[bytes]) -> Iterator[tuple[int, Mapping[str, Any] | Mistake]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, _json_row(line)


def _json_row(line: bytes) -> Mapping[str, Any] | Mistake:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return _NOT_UTF8
    except json.JSONDecodeError as error:
        return Mistake("", f"is not JSON: {_lowered(error.msg)}, column {error.colno}", MEND)
    except (ValueError, RecursionError):  # a number of thousands of digits, a thousand brackets
        return Mistake("", "is not JSON that can be read: it is nested too deep, or a number is too long", MEND)
    return row if isinstance(row, dict) else Mistake("", "is JSON, but not an object", 'write {"question": ..., ...}')


def _lowered(words: str) -> str:
    return f"{words[:1].lower()}{words[1:]}".removesuffix(" starting at").removesuffix(" at")


def _csv_rows(lines: Iterable[bytes]) -> Iterator[tuple[int, Mapping[str, Any] | Mistake]]:
    csv.field_size_limit(1 << 30)  # the module's own is shorter than a long thought
    reader = csv.DictReader((line.decode("utf-8-sig") for line in lines), strict=True)
    try:
        columns = [column.strip() for column in reader.fieldnames or ()]
        if twice := next((column for column in columns if column and columns.count(column) > 1), None):
            yield 1, Mistake("", f"names the column {twice!r} twice", "give each a name of its own")
            return
        for row in reader:
            yield reader.line_num, _MANY if None in row else row
    except UnicodeDecodeError:
        yield reader.line_num + 1, _NOT_UTF8
    except csv.Error as error:
        known = next((mistake for words, mistake in _CSV.items() if words in str(error)), None)
        yield reader.line_num + 1, known or Mistake("", f"is not CSV: {error}", MEND)


_MANY = Mistake("", "has more fields than there are columns", "put what holds a comma in quotes")
_UNCLOSED = Mistake("", "opens quotes that are never closed", "close them; a quote in quotes is written twice")
_RETURNS = Mistake("", "has a carriage return within a field", "end lines with a line feed, and quote what holds one")
_CSV = {"unexpected end of data": _UNCLOSED, "new-line character seen": _RETURNS}  # the module's words, and ours
_NOT_UTF8 = Mistake("", "is not UTF-8 text", "save the file as UTF-8")


def problem_of(row: Mapping[str, Any], fields: Mapping[Any, str], number: int) -> Problem | Mistake:
    """The problem of a row, or what is wrong with it."""
    found: dict[str, str] = {}
    used: set[str] = set()
    for part, usual in _NAMES.items():
        columns = (fields[part],) if part in fields else usual
        there = [column for column in columns if column in row]
        meant = there if part == "id" else there[:1]  # where the question is null, the prompt is not what was asked
        column = next((c for c in meant if not _is_empty(row[c])), None)
        if column is None:
            if part == "id" and part not in fields:
                continue
            return _lacks(part, columns, there, row)
        if odd_type := next((word for kind, word in _NO_TEXT.items() if isinstance(row[column], kind)), ""):
            return Mistake("", f"{column!r} should be text or a number, not {odd_type}", "name another with `fields:`")
        if is_no_number(row[column]):
            return Mistake("", f"{column!r} is a number without bounds", MEND)
        found[part] = str(row[column])
        if len(found[part]) > LONGEST:
            return Mistake("", f"{column!r} has {len(found[part]):,} characters, more than {LONGEST:,}", MEND)
        used.add(column)
    kind = row.get("kind")
    kind = kind if isinstance(kind, str) and kind.strip() else "math"
    odd = next((part for part, text in {**found, "kind": kind}.items() if not is_text(text)), None)
    if odd is not None:
        return Mistake("", f"its {odd} holds half a character, a lone surrogate", MEND)
    said = {k: v for k, v in row.items() if k not in used and isinstance(v, str | int | float | bool)}
    extra = {k: v for k, v in said.items() if not is_no_number(v)}
    return Problem(found.get("id", str(number)), found["question"], found["answer"], kind, extra)


def _lacks(part: str, columns: Sequence[str], there: list[str], row: Mapping[str, Any]) -> Mistake:
    if there:
        return Mistake("", f"{there[0]!r} is empty", MEND)
    looked, has = " or ".join(map(repr, columns)), ", ".join(map(repr, row)) or "nothing"
    named = columns[0] if len(columns) == 1 else ""  # by the user
    near = get_close_matches(named, row, 1)
    instead = f"did you mean {near[0]!r}?" if near else f"say which it is: `fields: {{{part}: COLUMN}}`"
    return Mistake("", f"has no {part}: {_COLUMN} {looked}; it has {has}", instead)


def _is_empty(value: object) -> bool:
    """Nothing there; in a table of numbers that is not a number."""
    return (
        value is None
        or (isinstance(value, float) and math.isnan(value))
        or (isinstance(value, str) and not value.strip())
    )


def is_no_number(value: object) -> bool:
    """Whether it is NaN or infinite, which JSON cannot say."""
    return isinstance(value, float) and not math.isfinite(value)


def is_text(text: str) -> bool:
    """Whether it can be written down: it holds no half characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
