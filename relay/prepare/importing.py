"""Importing recorded trajectories into the pool: every line is checked, every answer graded, then all go in at once."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, NamedTuple
from zlib import error as ZlibError  # noqa: N812  a class by its name

from relay.errors import Mistake, UserError
from relay.pool import Pool, Sampled
from relay.prepare.problem_files import MEND, few, is_text, problem_of, rows
from relay.problems import Problem
from relay.registry import VERIFIERS, load
from relay.seam.tokens import CLOSE, OPEN, Tokenizer
from relay.store.recordings import Noted, is_there, record
from relay.verifiers import Outcome, Question, Verifier

VERIFIER = "math"  # what grades what is imported
PARTS = {  # what a line says, and how its columns are called where `fields` does not say
    "model": "model",
    "reasoning": "reasoning",
    "response": "response",
    "finished": "finished_thinking",
}
FIELDS = ("id", "question", "answer", *PARTS)
AT_ONCE = 200  # trajectories that are graded together


class Recorded(NamedTuple):
    """One line of a file: a model's trajectory on a problem."""

    problem: Problem
    model: str
    text: str
    thought: int  # characters of it that are reasoning
    finished: bool
    answer: str  # what is graded


class Summary(NamedTuple):
    """What an import found, and what of it was new."""

    trajectories: int
    problems: int
    models: tuple[str, ...]
    finished: int
    unfinished: int
    added: int
    outcomes: Mapping[str, int]  # of those that are new


def read_file(path: Path, fields: Mapping[str, str], model: str = "") -> list[Recorded]:
    """The trajectories of a file. Raises UserError with the lines that are wrong, the first ten of them."""
    found: list[Recorded] = []
    mistakes: list[Mistake] = []
    try:
        for number, row in rows(path):
            one = row if isinstance(row, Mistake) else _recorded(row, fields, number, model)
            if isinstance(one, Mistake):
                instead = one.instead.replace("`fields: {", "--fields '").replace(": COLUMN}`", "=COLUMN'")
                mistakes.append(Mistake(f"{path}:{number}", one.what, instead.replace("`fields:`", "--fields")))
            else:
                found.append(one)
    except (OSError, EOFError, ZlibError) as error:
        why = getattr(error, "strerror", None) or error
        raise UserError(Mistake(str(path), f"cannot be read: {why}", "mend it, or take another")) from None
    if mistakes:
        raise UserError(*few(mistakes, str(path)))
    if not found:
        raise UserError(Mistake(str(path), "holds no trajectory", "take another file"))
    return found


def _recorded(row: Mapping[str, Any], fields: Mapping[str, str], number: int, model: str) -> Recorded | Mistake:
    problem = problem_of(row, {k: v for k, v in fields.items() if k not in PARTS}, number)
    if isinstance(problem, Mistake):
        return problem
    columns = {part: fields.get(part, usual) for part, usual in PARTS.items()}
    said = {part: row.get(column) for part, column in columns.items()}
    finished = {"true": True, "false": False}.get(str(said["finished"]).lower())
    name = model or said["model"] or ""
    if odd := next(_odd(row, columns, fields), None):
        return odd
    if not name.strip():
        return Mistake("", f"does not say which model wrote: no {columns['model']!r}", "name it with --model")
    return _parted(problem, name, _begun(said["reasoning"]), _begun(said["response"]), finished, columns)


def _begun(text: str | None) -> str:
    """A thought without the tag that opens it: that stands at the end of its reader's head."""
    text = text or ""
    begun = text.lstrip()
    return begun.removeprefix(OPEN).removeprefix("\n") if begun.startswith(OPEN) else text


def _odd(row: Mapping[str, Any], columns: Mapping[str, str], fields: Mapping[str, str]) -> Iterator[Mistake]:
    """What is wrong with the columns by themselves."""
    texts = columns["reasoning"], columns["response"]
    if not any(column in row for column in texts):
        has = ", ".join(map(repr, row))
        yield Mistake(
            "",
            f"has no text: no column {texts[0]!r} or {texts[1]!r}; it has {has}",
            "name it: --fields response=COLUMN",
        )
    for part, column in columns.items():
        value = row.get(column)
        if part in fields and column not in row:
            yield Mistake("", f"has no column {column!r}", "name another with --fields")
        elif part == "finished":
            if str(value).lower() not in ("true", "false", "none", ""):
                yield Mistake("", f"{column!r} should be true or false", MEND)
        elif value is not None and not isinstance(value, str):
            yield Mistake("", f"{column!r} should be text or null", MEND)
        elif value is not None and not is_text(value):
            yield Mistake("", f"its {part} holds half a character, a lone surrogate", MEND)


def _parted(  # noqa: PLR0911  a table of cases
    problem: Problem, model: str, reasoning: str, response: str, finished: bool | None, columns: dict[str, str]
) -> Recorded | Mistake:
    """The thought and the answer, from wherever they stand."""
    flag, thought = f"{columns['finished']!r}", f"{columns['reasoning']!r}"
    if reasoning and finished is False:
        return Mistake("", f"{flag} is false, but {thought} and {columns['response']!r} stand apart", MEND)
    if not reasoning and not response.strip():
        return Mistake("", f"has no text: neither {thought} nor {columns['response']!r} holds any", MEND)
    if not reasoning and CLOSE in response:  # all of it in one column
        if finished is False:
            return Mistake("", f"{flag} is false, but the text closes its thinking", MEND)
        reasoning, _, response = response.partition(CLOSE)
    if reasoning:
        if CLOSE in reasoning:
            return Mistake("", f"{thought} holds {CLOSE}, which ends it", MEND)
        return Recorded(problem, model, reasoning + CLOSE + response, len(reasoning), True, response)
    if finished:  # a model that answers without thinking
        return Recorded(problem, model, response, len(response), True, response)
    return Recorded(problem, model, response, len(response), False, "")


def tokenizer_in(path: Path) -> str:
    """The text of a tokenizer.json, or of the one in this folder. Raises UserError where it is none."""
    file = path / "tokenizer.json" if path.is_dir() else path
    Tokenizer.from_file(file)
    return file.read_text(encoding="utf-8")


async def import_into(
    pool: Pool, found: Sequence[Recorded], tokenizer: str | None = None, told: Callable[[int, int], None] | None = None
) -> Summary:
    """Grade what is new and add it, all at once. `told` hears how many are graded, and of how many."""
    known = {(r.model, r.problem.hash, r.text): r for r in reversed(found)}
    fresh = [r for key, r in reversed(known.items()) if not is_there(pool, *key)]
    outcomes = await _graded(fresh, told)
    models: dict[str, list[Noted]] = {model: [] for model in sorted({r.model for r in found})}
    for one, outcome in zip(fresh, outcomes, strict=True):
        models[one.model].append(Noted(_sampled(one, outcome), _extra(one.problem)))
    added = record(pool, models, tokenizer)
    finished = sum(r.finished for r in found)
    problems = len({r.problem.hash for r in found})
    return Summary(
        len(found), problems, tuple(models), finished, len(found) - finished, added, Counter(map(str, outcomes))
    )


def _extra(problem: Problem) -> dict[str, object]:
    """What else the line said, such as labels of its authors; the texts themselves are not kept twice."""
    shown = {k: v for k, v in problem.extra.items() if not isinstance(v, str) or len(v) <= 200}
    return {"id": problem.id, **shown}


def _sampled(one: Recorded, outcome: Outcome) -> Sampled:
    number = 0  # it is numbered when it is added
    return Sampled(
        one.problem.hash, number, one.text, (), "", one.thought, one.finished, "recorded", VERIFIER, str(outcome)
    )


async def _graded(fresh: Sequence[Recorded], told: Callable[[int, int], None] | None) -> list[Outcome]:
    verifier: Verifier = load(VERIFIERS, VERIFIER)()
    outcomes: list[Outcome] = []
    async with aclosing(verifier):
        for some in _portions(fresh):
            questions = [Question(r.answer, r.finished, r.problem.answer, r.problem.kind) for r in some]
            outcomes += [v.outcome for v in await asyncio.gather(*map(verifier.grade, questions))]
            if told is not None:
                told(len(outcomes), len(fresh))
    return outcomes


def _portions(found: Sequence[Recorded]) -> Iterator[Sequence[Recorded]]:
    for start in range(0, len(found), AT_ONCE):
        yield found[start : start + AT_ONCE]
