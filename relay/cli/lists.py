"""relay scenarios and relay problems: what there is to run."""

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.errors import Mistake
    from relay.problems import Problem


def scenarios(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A canned scenario or preset: print its file.")] = "",
) -> None:
    """List the canned scenarios and presets, or print one, ready to be copied and changed."""
    from relay.scenarios import canned, opening, presets

    found, others = canned(), presets()
    both = {**found, **others}
    if name:
        if name not in both:
            raise _unknown("scenario", name, list(both))
        print(both[name].read_text(encoding="utf-8"), end="")
        return
    width = max(map(len, both))
    for each, path in found.items():
        print(f"{each:<{width}}  {opening(path)}")
    print("presets, for `extends: relay/NAME` and --preset NAME:")
    for each, path in others.items():
        print(f"{each:<{width}}  {opening(path)}")


def problems(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A problem set or a file: print its first problems.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many to print.")] = 5,
    path: Annotated[str, typer.Option(metavar="PATH", help="A file or folder to read a set of the hub's from.")] = "",
) -> None:
    """List the problem sets that have a name, or print the first problems of one."""
    from relay.errors import Mistake, UserError
    from relay.registry import PROBLEMS, load, names

    if name in names(PROBLEMS) and hasattr(load(PROBLEMS, name), "tasks"):
        print("\n".join(f"{name}:{task}" for task in load(PROBLEMS, name).tasks()))
    elif name:
        kept = name.partition(":")[0] in names(PROBLEMS)
        if not kept and not ("/" in name or "." in name):
            raise _unknown("problem set", name, list(names(PROBLEMS)))
        _print_first(name, min(limit, 2**62), path)
    elif path:
        raise UserError(Mistake("--path", "goes with the name of a set", "relay problems gsm8k --path FILE"))
    else:
        _print_sets()


def _print_first(name: str, limit: int, path: str) -> None:
    """The first problems of a set, and what is to be known of it."""
    from pathlib import Path

    from relay.errors import Mistake, UserError
    from relay.prepare.problem_sets import named_set
    from relay.registry import PROBLEMS, names
    from relay.tui.safe import one_line, visible

    notes: tuple[str, ...] = ()
    try:
        found = named_set(name) if name.partition(":")[0] in names(PROBLEMS) else _in_file(name)
        if not hasattr(found, "found"):
            if path:
                raise UserError(Mistake("--path", f"{name!r} is no set of the hub's", "leave it out"))
            some = list(islice(found(), limit))
        else:
            placed, notes, _ = found.found(Path(path) if path else None)
            some = [problem for _, problem in placed[:limit]]
    except UserError as error:
        raise UserError(*(_at_the_command(mistake) for mistake in error.mistakes)) from None
    for problem in some:
        print(f"{one_line(problem.id, 40)}  {one_line(problem.question, 100)}  -> {one_line(problem.answer, 40)}")
    for note in notes:
        print(f"note: {visible(note)}")


def _in_file(name: str) -> "Callable[[], list[Problem]]":
    """What yields the problems of a file, or of a folder."""
    from pathlib import Path

    from relay.language.scenario import Problems
    from relay.prepare.problem_sets import load_problems

    return lambda: load_problems(Problems.model_validate({"from": name}), Path()).problems


def _at_the_command(mistake: "Mistake") -> "Mistake":
    """A mistake of a scenario's `problems:` as one of the command line's."""
    where = {"problems.from": "", "problems.path": "--path"}.get(mistake.where, mistake.where)
    return mistake._replace(where=where, instead=mistake.instead.replace("`path:`", "--path"))


def _print_sets() -> None:
    from relay.registry import PROBLEMS, load_all

    rows = [_row(name, found) for name, found in load_all(PROBLEMS).items()]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for name, count, kind, told in rows:
        print(f"{name:<{widths[0]}}  {count:>{widths[1]}}  {kind:<{widths[2]}}  {told}")
    print("a file: problems: path/to/FILE, .jsonl or .csv (also .gz) or .parquet, with question and answer in each row")


def _row(name: str, found: Any) -> tuple[str, str, str, str]:
    """Name, count, kind, and what it is and where it comes from."""
    if hasattr(found, "tasks"):
        return f"{name}:TASK", "no end", "", found.title
    if hasattr(found, "parts"):
        return name, f"{found.count:,}", found.kind, f"{found.title}: {', '.join(part.name for part in found.parts)}"
    if hasattr(found, "repo"):
        return name, f"{found.count:,}", found.kind, f"{found.title} ({found.repo}; licence: {found.licence})"
    count = "no end" if getattr(found, "endless", False) else ""
    return name, count, getattr(found, "kind", "math"), (found.__doc__ or "").splitlines()[0]


def _unknown(what: str, name: str, known: list[str]) -> Exception:
    from difflib import get_close_matches

    from relay.errors import Mistake, UserError

    near = get_close_matches(name, known, 1) or get_close_matches(name.lower(), known, 1)
    instead = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
    return UserError(Mistake("", f"there is no {what} {name!r}", instead))
