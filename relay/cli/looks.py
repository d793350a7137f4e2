"""What recovery looks like in runs, printed for people and for machines: `relay report --looks`."""

from collections.abc import Sequence
from pathlib import Path

from relay.errors import Mistake, UserError

NOTE = (
    "Read from the texts, without a model: docs/twin.md says what the words mean and how often the reading is right. "
    "Length: its own tokens against fresh solos of the same problem; 95 % intervals over problems."
)


def refuse_others(runs: Sequence[Path]) -> None:
    """Raise UserError for the runs that have nothing to be read, all at once."""
    from relay.store.opening import opened
    from relay.twin.looks import distractions

    mistakes = list[Mistake]()
    for path in runs:
        with opened(path) as run:
            if not distractions(run):
                what = "no reasoning about another problem was put in"
                mistakes.append(Mistake(f"{path}: --looks", what, "it reads runs of `recoverability`"))
    if mistakes:
        raise UserError.of(dict.fromkeys(mistakes))


def print_looks(runs: Sequence[Path], *, as_json: bool) -> None:
    """Read every steered rollout of these runs, and print what they come to."""
    for path in runs:
        if as_json:
            _print_json(path)
        else:
            _print(path)


def _print(path: Path) -> None:
    from relay.store.opening import opened
    from relay.tui.console import Plain
    from relay.tui.looks import looks_table, right_table
    from relay.twin.looks import looks, seen

    console = Plain()
    with opened(path) as run:
        found = looks(list(seen(run)), run.cells)
    console.print(looks_table(found))
    console.print(right_table(found))
    console.print(NOTE, style="dim")


def _print_json(path: Path) -> None:
    from json import dumps

    from relay.store.opening import opened
    from relay.twin.looks import looks, looks_data, seen

    with opened(path) as run:
        rows = list(seen(run))
        for found in looks(rows, run.cells):
            print(dumps({"run": str(path), "looks": True, **looks_data(found)}))
        for row in rows:
            print(dumps({"run": str(path), **row._asdict()}))
