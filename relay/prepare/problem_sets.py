"""Problem sets: by name, or from a file of the user's."""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice, product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from relay.draws import generator
from relay.errors import Mistake, UserError
from relay.prepare.problem_files import Placed, few, problems_among, problems_in
from relay.prepare.problem_where import fits, fitting
from relay.problems import Problem
from relay.registry import PROBLEMS, load, names

if TYPE_CHECKING:
    from relay.language.reading import Reading
    from relay.language.scenario import Problems
    from relay.language.telling import Fault

_OTHERS = {  # kinds that a verifier is not made for, though it can read them
    "math": ("choice", "text"),
    "number": ("choice", "text"),
    "choice": ("text",),
}
TRIED = 1000  # problems of a set without an end that are drawn before it is said that none fits


class Loaded(NamedTuple):
    """The problems of a run, in its order."""

    problems: list[Problem]
    notes: tuple[str, ...]  # what the user should know of the set
    facts: Mapping[str, object]  # what the set is, for the run file


class Whole(NamedTuple):
    """A set or file before anything is left out of it."""

    found: list[Placed]
    notes: tuple[str, ...]
    facts: Mapping[str, object]


def problems_of(reading: "Reading") -> Loaded:
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
    if faults := [*_strange_ids(reading, found.problems), *_unfit(reading, found.problems)]:
        raise UserError(*placed(faults, reading.places, reading.source))
    return found._replace(notes=found.notes + _others(found.problems, scenario.verify.name))


def _others(problems: Sequence[Problem], verifier: str) -> tuple[str, ...]:
    """What to know where the problems are of a kind that the verifier is not made for."""
    others = _OTHERS.get(verifier.partition(" ")[0], ()) if "," not in verifier else ()
    counts = Counter(problem.kind for problem in problems)
    return tuple(
        f"{counts[kind]:,} problems are of kind {kind}, which {verifier!r} is not made for; `verify: {kind}` is"
        for kind in others
        if counts[kind]
    )


def _unfit(reading: "Reading", found: Sequence[Problem]) -> "Iterator[Fault]":
    """The problems whose answers the scenario's verifier cannot grade, one fault for each reason."""
    from relay.language.telling import Fault
    from relay.language.verifying import NONE

    verify = reading.cells[0].scenario.verify
    unfit: dict[tuple[str, str], list[str]] = {}
    for problem in found if verify.name != NONE else ():
        if why := verify.unfit(problem):
            unfit.setdefault(why, []).append(problem.id)
    for (reason, instead), ids in unfit.items():
        what = f"{verify.name!r} cannot grade {len(ids):,} of {len(found):,} problems (the first: {ids[0]!r})"
        yield Fault(("problems",), f"{what}: {reason}", instead)


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
    named_by = named_set(spec.from_) if _is_name(spec.from_) else None
    if getattr(named_by, "endless", False):
        return  # any id may be one of its
    known |= {placed.problem.id for placed in _whole(spec, named_by, reading.folder).found}
    for path, problem in named.items():
        if problem not in known:
            what = f"no problem of {spec.from_!r} has this id"
            yield Fault(path, what, did_you_mean(problem, sorted(known)), at_key=True)


def load_problems(spec: "Problems", folder: Path, seed: int = 0) -> Loaded:
    """The problems that a scenario names, in the run's order. Raises UserError with all that is wrong."""
    source = spec.from_
    named = named_set(source) if _is_name(source) else None
    _refuse_unread(spec, named, folder)
    if named is not None and getattr(named, "endless", False):
        drawn = _drawn(named, spec)
        return Loaded(drawn, (), {"from": source, "seed": spec.seed, "hash": hash_of(drawn)})
    found, notes, facts = _whole(spec, named, folder)
    if not found:
        raise UserError(Mistake("problems.from", f"{source!r} holds no problem", "take another file, or a set"))
    whole = {"from": source, **facts, "problems": len(found), "hash": hash_of(problem for _, problem in found)}
    if spec.where:
        found = fitting(found, spec.where, source)
    if spec.shuffle:
        generator(seed, "", 0, "shuffle").shuffle(found)
    found = found[: spec.limit]
    _refuse_doubles(found)
    partly = spec.where or spec.limit is not None  # who takes a part does not mind that the whole is short
    return Loaded([problem for _, problem in found], () if partly else notes, whole)


def _whole(spec: "Problems", named: Any, folder: Path) -> Whole:
    if named is None:
        place = _find("problems.from", spec.from_, folder)
        return Whole(_read(place, spec.fields, spec.split), (), {"path": str(place)})
    if hasattr(named, "found"):
        path = _find("problems.path", spec.path, folder) if spec.path is not None else None
        return Whole(*named.found(path, spec.split, spec.seed))
    return Whole(_numbered(spec.from_, named()), (), {})


def _read(place: Path, fields: Mapping[Any, str], split: str | None) -> list[Placed]:
    """The problems of a file, or of a folder that is laid out as a repository of the hub's."""
    if place.is_file():
        return problems_in(place, fields)
    from relay.sets.reading import Asked, rows_of

    rows = rows_of(Asked(str(place), str(place), None, "test", ()), place, split)
    return problems_among(((f"{rows.place} row {n}", n, row) for n, row in enumerate(rows.rows, 1)), fields, rows.place)


def hash_of(problems: Iterable[Problem]) -> str:
    """Sixteen hex digits that stand for these problems in their order, with all their columns."""
    content = hashlib.blake2b(digest_size=8)
    for problem in problems:
        extra = json.dumps(dict(problem.extra), sort_keys=True)
        content.update("\x1f".join((problem.id, problem.hash, extra, "\x1e")).encode())
    return content.hexdigest()


def _is_name(source: str) -> bool:
    """Whether it names a set; a file has a slash or a dot, but a set's name may have them too."""
    head = source.partition(":")[0]
    return head in names(PROBLEMS) or not ("/" in source or "." in source)


def named_set(name: str) -> Any:
    """What yields the problems of a set, or of a task of one: "reasoning_gym:chain_sum". Raises UserError."""
    head, _, task = name.partition(":")
    if name not in names(PROBLEMS) and head in names(PROBLEMS) and not hasattr(load(PROBLEMS, head), "tasks"):
        raise UserError(Mistake("problems.from", f"{head!r} has no tasks", f"write {head!r}"))
    try:
        found = load(PROBLEMS, name if name in names(PROBLEMS) else head)
    except KeyError:
        near = get_close_matches(name, names(PROBLEMS), 1)
        instead = "`relay problems` lists the sets; a file needs a slash or a dot"
        raise UserError(
            Mistake("problems.from", f"no problem set {name!r}", f"did you mean {near[0]!r}?" if near else instead)
        ) from None
    return found.task(task) if hasattr(found, "tasks") else found


def _refuse_unread(spec: "Problems", named: Any, folder: Path) -> None:
    """Keys that would do nothing."""
    source, given = spec.from_, spec.model_fields_set
    kept = named is not None and hasattr(named, "found")
    seeded = named is not None and (getattr(named, "endless", False) or getattr(named, "drawn", False))
    split = kept or (named is None and (folder / source).is_dir()) or (named is None and Path(source).is_dir())
    mistakes: list[Mistake] = []
    if "seed" in given and not seeded:
        what = f"{source!r} is not drawn by a seed"
        mistakes.append(Mistake("problems.seed", what, "leave it out; `shuffle: true` draws from it"))
    if spec.path is not None and not kept:
        what = f"{source!r} is no set of the hub's"
        mistakes.append(Mistake("problems.path", what, "leave it out; `from:` may be a file or folder itself"))
    if spec.split is not None and not split:
        mistakes.append(Mistake("problems.split", f"{source!r} has no splits", "leave it out"))
    if spec.fields and named is not None:
        what = f"{source!r} has columns of its own"
        mistakes.append(Mistake("problems.fields", what, "leave it out; it is for files"))
    if mistakes:
        raise UserError(*mistakes)


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
    found = fitting(_numbered(source, tried), spec.where, source)[: spec.limit]
    while spec.limit is not None and len(found) < spec.limit:
        more = list(islice(problems, TRIED))
        kept = [p for p in _numbered(source, more) if fits(p, spec.where)]
        if not kept:
            what = f"{source!r} has only {len(found):,} problems that fit, not {spec.limit:,}"
            raise UserError(Mistake("problems.limit", what, "loosen `where:`, or take fewer"))
        found += kept[: spec.limit - len(found)]
    return [problem for _, problem in found]


def _find(where: str, source: str, folder: Path) -> Path:
    for place in (folder / source, Path(source)):
        if place.exists():
            return place
    near = get_close_matches(source, names(PROBLEMS), 1) if where == "problems.from" else []
    looked = " and ".join(dict.fromkeys((str(folder.resolve()), str(Path.cwd()))))
    instead = f"did you mean the set {near[0]!r}?" if near else f"looked in {looked}"
    raise UserError(Mistake(where, f"there is no file {source!r}", instead))


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
