"""How a row of each layout becomes a problem; what a verifier will need goes into `extra`."""

import ast
import builtins
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

from relay.draws import generator
from relay.errors import Mistake
from relay.prepare.problem_files import MEND, is_no_number, is_text
from relay.problems import Problem

Row = Mapping[str, Any]
LETTERS = "ABCDEFGHIJ"


class Shape(Protocol):
    """What makes a problem of a row."""

    @property
    def kind(self) -> str:
        """The kind of its problems."""

    @property
    def drawn(self) -> bool:
        """Whether the seed matters."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that must be there."""

    def __call__(self, row: Row, id: str, seed: int) -> Problem:
        """The problem. Raises RowError; that the columns are there is known before."""


class RowError(Exception):
    """A row that makes no problem; `mistake` says why."""

    def __init__(self, what: str, instead: str = MEND) -> None:
        super().__init__(what)
        self.mistake = Mistake("", what, instead)


@dataclass(frozen=True)
class Plain:
    """A question and its answer, each in a column."""

    question: str
    answer: str
    kind: str = "math"

    drawn: ClassVar[bool] = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that must be there."""
        return self.question, self.answer

    def __call__(self, row: Row, id: str, seed: int) -> Problem:
        """The problem; of a worked solution such as GSM8K's, what follows its last "####"; of several answers, all."""
        given = row[self.answer]
        several = given if isinstance(given, list) else [given]
        answer = ", ".join(_text(row, self.answer, each) for each in several).rpartition("####")[2].strip()
        if not answer:
            raise RowError(f"{self.answer!r} holds no answer")
        return Problem(id, _text(row, self.question), answer, self.kind, _others(row, (*self.columns, "id")))


@dataclass(frozen=True)
class Choice:
    """A question, its right answer and wrong ones: the options are put in an order drawn by seed and problem."""

    question: str
    right: str
    wrong: tuple[str, ...]
    kept: tuple[str, ...] = ()  # columns for `where:`

    kind: ClassVar[str] = "choice"
    drawn: ClassVar[bool] = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that must be there."""
        return self.question, self.right, *self.wrong

    def __call__(self, row: Row, id: str, seed: int) -> Problem:
        """The problem: its answer is a letter; `extra` holds the options in their order."""
        right = _text(row, self.right).strip()
        options = [right, *(_text(row, column).strip() for column in self.wrong)]
        if options.count(right) > 1:
            raise RowError("its right answer stands among the wrong ones too")
        generator(seed, id, 0, "options").shuffle(options)
        listed = "\n".join(f"{letter}) {option}" for letter, option in zip(LETTERS, options, strict=False))
        question = f"{_text(row, self.question).strip()}\n\n{listed}\n\nAnswer with the letter of the right option."
        kept = {column: row[column] for column in self.kept if isinstance(row.get(column), str)}
        return Problem(id, question, LETTERS[options.index(right)], "choice", {**kept, "options": options})


@dataclass(frozen=True)
class Function:
    """HumanEval's layout: the head of a function with its docstring, and tests that take the function."""

    prompt: str = "prompt"
    entry_point: str = "entry_point"
    tests: str = "test"
    solution: str = "canonical_solution"

    kind: ClassVar[str] = "code"
    drawn: ClassVar[bool] = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that must be there."""
        return self.prompt, self.entry_point, self.tests, self.solution

    def __call__(self, row: Row, id: str, seed: int) -> Problem:
        """The problem: its answer is the whole function; `tests` is a program that runs after it."""
        prompt, name = _text(row, self.prompt), _text(row, self.entry_point)
        tests = f"{_text(row, self.tests).rstrip()}\n\ncheck({name})\n"
        question = (
            f"Write the Python function `{name}` as its docstring says. Give the whole of it, with all imports, in one "
            f"```python block.\n\n```python\n{prompt.rstrip()}\n```"
        )
        extra = {"form": "function", "prompt": prompt, "entry_point": name, "tests": tests}
        return Problem(id, question, prompt + _text(row, self.solution), "code", extra)


@dataclass(frozen=True)
class Task:
    """MBPP's layout: a task in words, assertions that show the function's name, and perhaps stronger tests."""

    text: str = "prompt"
    code: str = "code"
    shown: str = "test_list"  # assertions that the question shows
    before: str = "test_imports"  # what must run before them: lines, or one text
    whole: str = ""  # a column with a whole program of tests

    kind: ClassVar[str] = "code"
    drawn: ClassVar[bool] = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that must be there."""
        return tuple(filter(None, (self.text, self.code, self.shown, self.before, self.whole)))

    def __call__(self, row: Row, id: str, seed: int) -> Problem:
        """The problem: its answer is the reference program; `tests` is a program that runs after it."""
        shown, before = _lines(row, self.shown), _lines(row, self.before)
        if not shown:
            raise RowError(f"{self.shown!r} holds no test")
        name = _called(shown)
        tests = _text(row, self.whole) if self.whole else shown
        text = _text(row, self.text).strip()
        question = (
            f"{text}\n\nWrite this as a Python function that passes these tests. Give the whole of it, with all "
            f"imports, in one ```python block.\n\n```python\n{shown}\n```"
        )
        program = "\n".join(filter(None, (before, tests.rstrip()))) + "\n"
        extra = {"form": "function", "prompt": text, "entry_point": name, "tests": program}
        return Problem(id, question, _text(row, self.code), "code", extra)


@dataclass(frozen=True)
class Prediction:
    """CruxEval's layout: a function `f`, an input and the output; one of the two is asked for."""

    form: Literal["output", "input"]

    kind: ClassVar[str] = "code"
    drawn: ClassVar[bool] = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that must be there."""
        return "code", "input", "output"

    def __call__(self, row: Row, id: str, seed: int) -> Problem:
        """The problem: its answer is a literal; any input that gives the output is right, so both are kept."""
        code, given, gives = (_text(row, column) for column in self.columns)
        if self.form == "output":
            ask = f"What does `f({given})` return? Answer with a Python literal, such as `[1, 'a']`."
        else:
            ask = (
                f"For which arguments does `f` return `{gives}`? Any that do are right. Answer with the arguments "
                "alone, as Python literals, such as `[1, 2], 'a'`."
            )
        extra = {"form": self.form, "prompt": code, "entry_point": "f", "input": given, "output": gives}
        question = f"```python\n{code.rstrip()}\n```\n\n{ask}"
        return Problem(id, question, gives if self.form == "output" else given, "code", extra)


def _text(row: Row, column: str, value: object = None) -> str:
    value = row[column] if value is None else value
    if value is None or is_no_number(value):
        raise RowError(f"{column!r} is empty")
    if isinstance(value, dict | list | bytes):
        raise RowError(f"{column!r} should be text or a number")
    text = str(value)
    if not text.strip():
        raise RowError(f"{column!r} is empty")
    if not is_text(text):
        raise RowError(f"{column!r} holds half a character, a lone surrogate")
    return text


def _lines(row: Row, column: str) -> str:
    """A column that holds lines, as a list or as text; it may be empty."""
    value = row[column] or ""
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value).strip()


def _called(tests: str) -> str:
    """The name of the function that the assertions call: the first that is none of Python's own."""
    try:
        nodes = ast.walk(ast.parse(tests))
        calls = (node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name))
        return next(name for name in calls if not hasattr(builtins, name))
    except (SyntaxError, ValueError, StopIteration):
        raise RowError("its tests call no function by its name") from None


def _others(row: Row, used: Iterable[str]) -> dict[str, object]:
    said = {k: v for k, v in row.items() if k not in set(used) and isinstance(v, str | int | float | bool)}
    left = {k: v for k, v in said.items() if not is_no_number(v)}
    return {k: v for k, v in left.items() if is_text(json.dumps(v, ensure_ascii=False))}
