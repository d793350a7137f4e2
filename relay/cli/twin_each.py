"""relay twin --each PRESET: the same with one knob after another as that preset has it, and with all of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from relay.cli.options import WHOLE
from relay.errors import Mistake, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from relay.twin.plan import Wish

FIRST, ALL = "first", "all"


class Step(NamedTuple):
    """One round of the tests, in a folder of its own."""

    name: str  # of its folder
    knob: str  # in words
    value: str
    sets: dict[str, str]  # beside those of the wish


def each_knob(
    context: typer.Context, wish: "Wish", other: str, out: Path, again: "Callable[..., None]", *, as_json: bool
) -> None:
    """Run `again` for each step, and say what each knob moved."""
    steps = steps_of(wish, other)
    context.meta[WHOLE] = out
    failed = False
    told: dict[str, str] = {}
    for step in steps:
        if not as_json:
            print(f"{step.name}: {step.knob} {step.value}".rstrip(), flush=True)
        sets = [f"{path}={value}" for path, value in {**wish.sets, **step.sets}.items()]
        reuse(wish, step, out)
        try:
            again(**{**context.params, "context": context, "each": "", "out": out / step.name, "set_": sets})
        except typer.Exit as end:
            if end.exit_code != 1:
                raise
            failed = True
        except UserError as error:
            if step.name == FIRST:
                raise
            told[step.name] = str(error)
    _tell(steps, out, told, as_json=as_json)
    if failed:
        raise typer.Exit(1)


def reuse(wish: "Wish", step: Step, out: Path) -> None:
    """A test that this knob does not turn is not run again: its run is the first one's."""
    from shutil import copyfile

    from relay.twin.plan import parts_of

    if step.name == FIRST:
        return
    turned = parts_of(wish._replace(sets={**wish.sets, **step.sets}))
    for one, other in zip(parts_of(wish), turned, strict=True):
        first, mine = out / FIRST / one.file, out / step.name / one.file
        if one.reading.tree == other.reading.tree and first.exists() and not mine.exists():
            mine.parent.mkdir(exist_ok=True)
            copyfile(first, mine)


def steps_of(wish: "Wish", other: str) -> "list[Step]":
    """The steps from the wish's preset to the other. Raises UserError where there are none."""
    from json import dumps

    from relay.twin.knobs import Knob, knobs, shown
    from relay.twin.plan import parts_of

    preset_of_option(other)
    found: dict[str, Knob] = {}
    for one, two in zip(parts_of(wish), parts_of(wish._replace(preset=other)), strict=True):
        found |= {knob.path: knob for knob in knobs(one.reading.tree, two.reading.tree)}
    if not found:
        what = f"differs in no knob from {wish.preset or 'relay/strict'}, as far as these tests go"
        raise UserError(Mistake(f"--each {other}", what, "name another preset"))
    sets = {path: dumps(knob.after) for path, knob in found.items()}
    single = [
        Step(name, f"{knob.words} ({path})", shown(knob.after), {path: sets[path]})
        for (path, knob), name in zip(found.items(), folders(found), strict=True)
    ]
    together = [Step(ALL, "all of these", "", sets)] if len(single) > 1 else []
    return [Step(FIRST, "", "", {}), *single, *together]


def preset_of_option(name: str) -> None:
    """Raise UserError, in the words of this option, where there is no such preset."""
    from relay.language.composing import preset_of

    try:
        preset_of(name)
    except UserError as error:
        said = f"--preset {name}"
        raise UserError.of(m._replace(where=m.where.replace(said, f"--each {name}")) for m in error.mistakes) from None


def folders(paths: "Collection[str]") -> list[str]:
    """A folder's name for each knob: the last word of its path, or all of it where that is another one's too."""
    short = [path.rpartition(".")[2] for path in paths]
    taken = [*short, FIRST, ALL]
    return [path if taken.count(name) > 1 else name for path, name in zip(paths, short, strict=True)]


def tell_steps(wish: "Wish", other: str) -> None:
    """Say which steps there will be. Raises UserError where there are none."""
    from relay.tui.safe import visible

    steps = steps_of(wish, other)
    print(visible(f"--each {other}: so much {len(steps)} times, less what an earlier step leaves in the pool:"))
    for step in steps:
        print(visible(f"  {step.name}: {step.knob or 'as it is'} {step.value}".rstrip()))


def _tell(steps: "Sequence[Step]", out: Path, told: "dict[str, str]", *, as_json: bool) -> None:
    """What each step moved, test by test."""
    from json import dumps

    from relay.tui.console import Plain
    from relay.tui.tables import moved_table
    from relay.twin.diff import moved

    console = Plain()
    names = sorted(path.name for path in (out / FIRST).glob("*.relay") if not path.name.startswith("plumbing-"))
    for name in names:
        rows: list[tuple[str, str, Any]] = []
        for step in steps:
            if not (out / step.name / name).exists():
                rows.append((step.knob, step.value, None))
                continue
            rows.append((step.knob or "as it is", step.value, moved(out / FIRST / name, out / step.name / name)))
        if as_json:
            from relay.cli.twin_diff import as_plain

            for (knob, value, found), step in zip(rows, steps, strict=True):
                row = {"event": "moved", "run": name, "step": step.name, "knob": knob, "value": value}
                print(dumps({**row, **(as_plain(found) if found else {"why": told.get(step.name)})}))
        else:
            console.print(moved_table(name, rows))
    if not as_json:
        from relay.tui.safe import visible

        for step_name, why in told.items():
            print(visible(f"{step_name}: nothing was run: {why}"))
