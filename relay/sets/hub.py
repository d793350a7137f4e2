"""Sets that the Hugging Face hub keeps, read from there or from files of the user's that are laid out the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

from relay.errors import Mistake, UserError
from relay.prepare.problem_files import Placed, few
from relay.problems import Problem
from relay.sets.reading import KINDS, Asked, Rows, rows_of
from relay.sets.shapes import RowError, Shape


class Found(NamedTuple):
    """What a set holds."""

    problems: list[Placed]
    notes: tuple[str, ...]  # of a count that is not what the table says
    facts: dict[str, object]  # where it came from, for the run file


@dataclass(frozen=True, kw_only=True)
class HubSet:
    """A set of the hub's under a name of relay's."""

    name: str
    title: str
    repo: str  # on the hub
    split: str
    count: int  # of problems in that split
    shape: Shape  # what makes a problem of a row
    licence: str
    source: str
    config: str | None = None
    id: str = ""  # the column that names a problem; where there is none, its number does

    @property
    def kind(self) -> str:
        """The kind of its problems: math, code, choice."""
        return self.shape.kind

    @property
    def drawn(self) -> bool:
        """Whether a seed draws something in it: the order of its options."""
        return self.shape.drawn

    def __call__(self, seed: int = 0) -> Iterator[Problem]:
        """Its problems, from the hub."""
        return (problem for _, problem in self.found(seed=seed).problems)

    def found(self, path: Path | None = None, split: str | None = None, seed: int = 0) -> Found:
        """Its problems, from the hub or from a file or folder. Raises UserError with the rows that are no problems."""
        rows = rows_of(Asked(self.name, self.repo, self.config, self.split, self.shape.columns), path, split)
        found: list[Placed] = []
        mistakes: list[Mistake] = []
        for number, row in enumerate(rows.rows):
            place = f"{rows.place} row {number + 1}"
            given = row.get(self.id or "id", row.get("id"))
            try:
                problem = self.shape(row, f"{self.name}-{number}" if given is None else str(given), seed)
                found.append(Placed(place, problem))
            except RowError as error:
                mistakes.append(error.mistake._replace(where=place))
        if mistakes:
            raise UserError(*few(mistakes, rows.place))
        return Found(found, self._noted(len(found), rows), self._facts(rows, path, seed))

    def _noted(self, found: int, rows: Rows) -> tuple[str, ...]:
        off = found != self.count and rows.split_is_usual
        return (f"{self.name}: {found:,} problems, not {self.count:,}",) if off else ()

    def _facts(self, rows: Rows, path: Path | None, seed: int) -> dict[str, object]:
        facts: dict[str, object] = {"name": self.name}
        if path is None:
            facts |= {"repo": self.repo, "config": self.config, "split": rows.split}
        else:
            facts |= {"path": str(path)} | ({"split": rows.split} if path.is_dir() else {})
        if self.drawn:
            facts["seed"] = seed
        return {**facts, "licence": self.licence, "count": self.count}


@dataclass(frozen=True, kw_only=True)
class JoinedSet:
    """Several sets under one name, one after the other."""

    name: str
    title: str
    parts: Sequence[HubSet]
    count: int
    once: bool = False  # a question that was asked before is left out

    drawn: ClassVar[bool] = False

    @property
    def kind(self) -> str:
        """The kind of its problems."""
        return self.parts[0].kind

    def __call__(self, seed: int = 0) -> Iterator[Problem]:
        """Its problems, from the hub."""
        return (problem for _, problem in self.found().problems)

    def found(self, path: Path | None = None, split: str | None = None, seed: int = 0) -> Found:
        """The problems of all parts; `path` is a folder with a file or folder named as each. Raises UserError."""
        if split is not None:
            what = f"{self.name!r} has no split of its own"
            raise UserError(Mistake("problems.split", what, "leave it out, or take one of its sets"))
        parts = [part.found() for part in self.parts] if path is None else self._read(path)
        named = [
            Placed(place, _of(part.name, problem))
            for part, found in zip(self.parts, parts, strict=True)
            for place, problem in found.problems
        ]
        kept = list({one.problem.question: one for one in reversed(named)}.values())[::-1] if self.once else named
        notes = tuple(note for found in parts for note in found.notes)
        if len(kept) != self.count:
            notes = (*notes, f"{self.name}: {len(kept):,} problems, not {self.count:,}")
        facts = {"name": self.name, "count": self.count, "parts": [found.facts for found in parts]}
        return Found(kept, notes, facts)

    def _read(self, path: Path) -> list[Found]:
        """The parts from this folder. Raises UserError with what is wrong in all of them."""
        found: list[Found] = []
        mistakes: list[Mistake] = []
        for part in self.parts:
            there = [path / part.name, *(path / f"{part.name}{end}" for end in KINDS)]
            place = next((each for each in there if each.exists()), None)
            if place is None:
                what = f"{str(path)!r} holds no {part.name!r}, a part of {self.name!r}"
                mistakes.append(Mistake("problems.path", what, f"put there a folder {part.name!r}, or a file"))
                continue
            try:
                found.append(part.found(place))
            except UserError as error:
                mistakes += error.mistakes
        if mistakes:
            raise UserError(*mistakes)
        return found


def _of(part: str, problem: Problem) -> Problem:
    """The problem with its set in its name, and as a column for `where:`."""
    return problem._replace(id=f"{part}:{problem.id}", extra={**problem.extra, "set": part})
