"""relay scenarios and relay problems: what there is to run."""

from itertools import islice
from typing import Annotated

import typer


def scenarios(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A canned scenario: print its file.")] = "",
) -> None:
    """List the canned scenarios, or print one, ready to be copied and changed."""
    from relay.scenarios import canned, opening

    found = canned()
    if name:
        if name not in found:
            raise _unknown("scenario", name, list(found))
        print(found[name].read_text(encoding="utf-8"), end="")
        return
    width = max(map(len, found))
    for each, path in found.items():
        print(f"{each:<{width}}  {opening(path)}")


def problems(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A problem set: print its first problems.")] = "",
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many to print.")] = 5,
) -> None:
    """List the problem sets that have a name, or print the first problems of one."""
    from relay.registry import PROBLEMS, load, names
    from relay.tui.safe import one_line

    if name:
        if name not in names(PROBLEMS):
            raise _unknown("problem set", name, list(names(PROBLEMS)))
        for problem in islice(load(PROBLEMS, name)(), min(limit, 2**62)):
            print(f"{one_line(problem.id, 40)}  {one_line(problem.question, 100)}  -> {one_line(problem.answer, 40)}")
        return
    for each in names(PROBLEMS):
        print(f"{each:<12}  {(load(PROBLEMS, each).__doc__ or '').splitlines()[0]}")
    print("a file      problems: path/to/FILE.jsonl or .csv (or .gz of either), with question and answer in each row")


def _unknown(what: str, name: str, known: list[str]) -> Exception:
    from difflib import get_close_matches

    from relay.errors import Mistake, UserError

    near = get_close_matches(name, known, 1)
    instead = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
    return UserError(Mistake("", f"there is no {what} {name!r}", instead))
