"""Problem sets: by name, or from a file of the user's."""

import csv
import gzip
import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relay.draws import generator
from relay.errors import Mistake, UserError
from relay.problems import Problem
from relay.registry import PROBLEMS, load, names

if TYPE_CHECKING:
    from relay.scenario import Problems

_NAMES = {"question": ("question", "problem", "prompt"), "answer": ("answer", "solution"), "id": ("id", "problem_id", "name")}
MOST_TOLD = 10  # broken lines that one error tells


def load_problems(spec: "Problems", folder: Path, seed: int = 0) -> list[Problem]:
    """The problems that a scenario names, in the run's order. Raises UserError with all that is wrong."""
    source = spec.from_
    if "/" in source or "." in source:
        found = list(_from_file(_find(source, folder), dict(spec.fields)))
    else:
        found = list(_by_name(source, spec.limit if not spec.where and not spec.shuffle else None))
    found = [p for p in found if _fits(p, spec.where)]
    if spec.shuffle:
        generator(seed, "", 0, "shuffle").shuffle(found)
    found = found[: spec.limit]
    if not found:
        raise UserError(Mistake("problems", f"{source!r} holds no problem that `where:` lets through", "loosen `where:`"))
    _refuse_doubles(found, source)
    return found


def _by_name(name: str, limit: int | None) -> Iterable[Problem]:
    try:
        problems: Iterable[Problem] = load(PROBLEMS, name)()
    except KeyError:
        near = get_close_matches(name, names(PROBLEMS), 1)
        instead = f"did you mean {near[0]!r}?" if near else "`relay problems` lists the sets; a file needs a slash or a dot"
        raise UserError(Mistake("problems", f"no problem set {name!r}", instead)) from None
    return islice(problems, limit)


def _find(source: str, folder: Path) -> Path:
    for place in (folder / source, Path(source)):
        if place.is_file():
            return place
    raise UserError(Mistake("problems", f"no file {source!r}", f"looked in {folder.resolve()} and {Path.cwd()}"))


def _from_file(path: Path, fields: Mapping[Any, str]) -> Iterator[Problem]:
    mistakes: list[Mistake] = []
    for number, row in _rows(path):
        where = f"{path}:{number}"
        if isinstance(row, str):
            mistakes.append(Mistake(where, row))
        else:
            problem = _problem(row, fields, number)
            if isinstance(problem, str):
                mistakes.append(Mistake(where, problem, "name the columns with `fields: {question: ..., answer: ...}`"))
            else:
                yield problem
    if mistakes:
        more = len(mistakes) - MOST_TOLD
        told = mistakes[:MOST_TOLD] + ([Mistake(str(path), f"and {more} more broken lines")] if more > 0 else [])
        raise UserError(*told)


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Line numbers and rows; a row that cannot be read is what is wrong with it."""
    name = path.name.removesuffix(".gz")
    if not name.endswith((".jsonl", ".csv")):
        raise UserError(Mistake(str(path), "is neither .jsonl nor .csv (either may end in .gz)", "convert it"))
    opened = gzip.open if path.name.endswith(".gz") else open
    try:
        with opened(path, "rt", encoding="utf-8", newline="") as file:
            if name.endswith(".csv"):
                reader = csv.DictReader(file)
                for row in reader:
                    yield reader.line_num, row
            else:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        yield number, _json_row(line)
    except (OSError, UnicodeDecodeError, csv.Error, EOFError) as error:
        raise UserError(Mistake(str(path), f"cannot be read: {error}")) from None


def _json_row(line: str) -> Mapping[str, Any] | str:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"is not JSON: {error}"
    return row if isinstance(row, dict) else "is not a JSON object"


def _problem(row: Mapping[str, Any], fields: Mapping[Any, str], number: int) -> Problem | str:
    found: dict[str, str] = {}
    for part, usual in _NAMES.items():
        columns = (fields[part],) if part in fields else usual
        column = next((c for c in columns if c in row and row[c] is not None and str(row[c]).strip()), None)
        if column is not None:
            found[part] = str(row[column])
        elif part != "id":
            return f"has no {part} (looked for {', '.join(map(repr, columns))}; it has {', '.join(map(repr, row))})"
    extra = {str(k): v for k, v in row.items() if v not in found.values() and isinstance(v, str | int | float | bool)}
    return Problem(found.get("id", str(number)), found["question"], found["answer"], str(row.get("kind", "math")), extra)


def _fits(problem: Problem, where: Mapping[str, Sequence[object]]) -> bool:
    row = {**problem.extra, "id": problem.id}
    return all(row.get(column) in wanted for column, wanted in where.items())


def _refuse_doubles(problems: list[Problem], source: str) -> None:
    seen: set[str] = set()
    for problem in problems:
        if problem.id in seen:
            raise UserError(Mistake("problems", f"{source!r} holds two problems with the id {problem.id!r}", "ids must differ"))
        seen.add(problem.id)


def sums() -> Iterator[Problem]:
    """Sums of two small numbers, without end and always the same: what a model of 135M parameters can half do."""
    draw = random.Random("sums")
    seen: set[tuple[int, int]] = set()
    while True:
        a, b = draw.randint(2, 30), draw.randint(2, 30)
        if (a, b) not in seen:
            seen.add((a, b))
            yield Problem(f"sum-{len(seen) - 1:04d}", f"What is {a} + {b}?", str(a + b), "math", {"difficulty": 1})
        elif len(seen) == 29 * 29:
            return
