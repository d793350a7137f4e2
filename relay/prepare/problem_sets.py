"""Problem sets: by name, or from a file of the user's."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relay.draws import generator
from relay.errors import Mistake, UserError
from relay.prepare.problem_files import Placed, few, problems_in
from relay.problems import Problem
from relay.registry import PROBLEMS, load, names

if TYPE_CHECKING:
    from relay.language.reading import Reading
    from relay.language.scenario import Problems
    from relay.language.telling import Fault

TRIED = 1000  # problems of a set without an end that are drawn before it is said that none fits


def problems_of(reading: "Reading") -> list[Problem]:
    """The problems of a scenario as read. Raises UserError, each mistake of the scenario's with its line and column."""
    from relay.language.reading import placed
    from relay.language.telling import Fault

    scenario = reading.cells[0].scenario
    try:
        found = load_problems(scenario.problems, reading.folder, scenario.seed)
    except UserError as error:
        told: list[Mistake] = []
        for where, what, instead in error.mistakes:
            path = tuple(where.split("."))
            fault = [Fault(path, what, instead)] if path[0] == "problems" else []
            told += placed(fault, reading.places, reading.source) or [Mistake(where, what, instead)]
        raise UserError(*told) from None
    if faults := list(_strange_ids(reading, found)):
        raise UserError(*placed(faults, reading.places, reading.source))
    return found


def _strange_ids(reading: "Reading", found: Sequence[Problem]) -> "Iterator[Fault]":
    """What the models say of problems that are none, even where `limit` and `where` leave some out."""
    from relay.language.telling import Fault, did_you_mean

    named = {
        ("models", name, *keys): problem
        for cell in reading.cells
        for name, model in cell.scenario.models.items()
        for keys, problem in model.problem_ids()
    }
    known = {problem.id for problem in found}
    if known.issuperset(named.values()):
        return
    spec = reading.cells[0].scenario.problems
    whole = None if "/" in spec.from_ or "." in spec.from_ else _set_of(spec.from_)
    if getattr(whole, "endless", False):
        return  # any id may be one of its
    known |= {placed.problem.id for placed in _whole(spec.from_, whole, spec, reading.folder)}
    for path, problem in named.items():
        if problem not in known:
            what = f"no problem of {spec.from_!r} has this id"
            yield Fault(path, what, did_you_mean(problem, sorted(known)), at_key=True)


def load_problems(spec: "Problems", folder: Path, seed: int = 0) -> list[Problem]:
    """The problems that a scenario names, in the run's order. Raises UserError with all that is wrong."""
    source = spec.from_
    named = None if "/" in source or "." in source else _set_of(source)
    if named is not None and getattr(named, "endless", False):
        return _drawn(named, spec)
    if "seed" in spec.model_fields_set:
        what = f"{source!r} is not drawn by a seed"
        raise UserError(Mistake("problems.seed", what, "leave it out; `shuffle: true` draws from it"))
    found = _whole(source, named, spec, folder)
    if not found:
        raise UserError(Mistake("problems.from", f"{source!r} holds no problem", "take another file, or a set"))
    if spec.where:
        found = _fitting(found, spec.where, source)
    if spec.shuffle:
        generator(seed, "", 0, "shuffle").shuffle(found)
    found = found[: spec.limit]
    _refuse_doubles(found)
    return [problem for _, problem in found]


def _whole(source: str, named: Any, spec: "Problems", folder: Path) -> list[Placed]:
    """All that a set or a file holds."""
    return _numbered(source, named()) if named else problems_in(_find(source, folder), dict(spec.fields))


def _set_of(name: str) -> Any:
    """The function that yields the problems of a set."""
    try:
        return load(PROBLEMS, name)
    except KeyError:
        near = get_close_matches(name, names(PROBLEMS), 1)
        instead = "`relay problems` lists the sets; a file needs a slash or a dot"
        raise UserError(
            Mistake("problems.from", f"no problem set {name!r}", f"did you mean {near[0]!r}?" if near else instead)
        ) from None


def _numbered(name: str, problems: Iterable[Problem]) -> list[Placed]:
    return [Placed(f"problem {i} of {name!r}", problem) for i, problem in enumerate(problems, 1)]


def _drawn(endless: Any, spec: "Problems") -> list[Problem]:
    """The first problems of a set without an end that fit."""
    source = spec.from_
    mistakes: list[Mistake] = []
    if spec.limit is None:
        mistakes.append(Mistake("problems", f"{source!r} has no end", "say how many: `limit: 200`"))
    if spec.shuffle:
        what = f"{source!r} has no end that could be shuffled in"
        mistakes.append(Mistake("problems.shuffle", what, "leave it out; another `seed:` draws other problems"))
    if mistakes:
        raise UserError(*mistakes)
    problems: Iterator[Problem] = endless(spec.seed)
    tried = list(islice(problems, TRIED))
    found = _fitting(_numbered(source, tried), spec.where, source)[: spec.limit]
    while spec.limit is not None and len(found) < spec.limit:
        more = list(islice(problems, TRIED))
        fitting = [p for p in _numbered(source, more) if _fits_all(p, spec.where)]
        if not fitting:
            what = f"{source!r} has only {len(found):,} problems that fit, not {spec.limit:,}"
            raise UserError(Mistake("problems.limit", what, "loosen `where:`, or take fewer"))
        found += fitting[: spec.limit - len(found)]
    return [problem for _, problem in found]


def _find(source: str, folder: Path) -> Path:
    for place in (folder / source, Path(source)):
        if place.is_file():
            return place
    looked = " and ".join(dict.fromkeys((str(folder.resolve()), str(Path.cwd()))))
    raise UserError(Mistake("problems.from", f"there is no file {source!r}", f"looked in {looked}"))


def _fitting(found: list[Placed], where: Mapping[str, Sequence[object]], source: str) -> list[Placed]:
    columns = {column for placed in found for column in _row(placed)}
    strange = next((column for column in where if column not in columns), None)
    if strange is not None:
        near = get_close_matches(strange, sorted(columns), 1)
        instead = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(columns))}"
        raise UserError(Mistake("problems.where", f"no problem of {source!r} has {strange!r}", instead))
    fitting = [placed for placed in found if _fits_all(placed, where)]
    if not fitting:
        what = f"fits none of the {len(found):,} problems of {source!r}"
        raise UserError(Mistake("problems.where", what, "loosen it"))
    return fitting


def _row(placed: Placed) -> dict[str, object]:
    return {**placed.problem.extra, "id": placed.problem.id}


def _fits_all(placed: Placed, where: Mapping[str, Sequence[object]]) -> bool:
    row = _row(placed)
    return all(_fits(row.get(column), wanted) for column, wanted in where.items())


def _fits(value: object, wanted: Sequence[object]) -> bool:
    """In a CSV file all values are text."""
    return any(value == want or _text(value) == _text(want) for want in wanted)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _refuse_doubles(found: list[Placed]) -> None:
    first: dict[str, str] = {}
    mistakes = [
        Mistake(place, f"the id {problem.id!r} stands here again", f"first at {first[problem.id]}")
        for place, problem in found
        if first.setdefault(problem.id, place) != place
    ]
    if mistakes:
        raise UserError(*few(mistakes, "problems"))


def sums() -> Iterator[Problem]:
    """The 64 sums of two digits from 2 to 9: what a model of 135 million parameters solves about every second time."""
    pairs = list(product(range(2, 10), repeat=2))
    random.Random("sums").shuffle(pairs)
    for number, (a, b) in enumerate(pairs):
        question = f'Compute {a} + {b}. Show how to add them, check the sum, and end with "The answer is".'
        yield Problem(f"sum-{number:04d}", question, str(a + b), "math", {"difficulty": 1})
