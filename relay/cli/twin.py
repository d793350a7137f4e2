"""relay twin: both twin tests of one or several models, and a card for each."""

import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relay.cli.driving import drive
from relay.cli.options import WHOLE, InFlight, PoolFile, Preset, Sandbox, Sets, Walls, command_again
from relay.errors import Mistake, UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.session import Options
    from relay.twin.forecast import Cost
    from relay.twin.plan import Part, Wish


Guides = Annotated[
    list[str],
    typer.Option("--guide", metavar="MODEL", help="A stronger model whose right solutions guide; repeat for more."),
]
ProblemSet = Annotated[
    str, typer.Option(metavar="SET", help="A set by name, or a file; by default what the small models can solve.")
]
EngineName = Annotated[
    str,
    typer.Option(metavar="NAME", help="What runs the models: vllm where it and a GPU are there, else transformers."),
]
Folder = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FOLDER", help="Where runs and cards go; one begun before is gone on with."),
]
WithControl = Annotated[
    bool, typer.Option("--control", help="Also try the handover itself, and guidance on problems that need none.")
]
Individual = Annotated[
    bool,
    typer.Option("--individual", help="Problems of all of a model's solve rates, its own; not those that all share."),
]
Opening = Annotated[
    bool, typer.Option("--keep-opening", help="Ablation: keep the first paragraph of the original, even at m = 0.")
]
Longer = Annotated[bool, typer.Option("--longer", help="Ablation: distractions of n = 0.4, without m = 0.8.")]
Distractors = Annotated[
    list[str],
    typer.Option("--distractor", metavar="MODEL", help="Ablation: distractions by this model; repeat for more."),
]
Each = Annotated[
    str,
    typer.Option(
        metavar="PRESET", help="Once more with one knob after another as this preset has it, and with all of them."
    ),
]
OnlyForecast = Annotated[bool, typer.Option("--forecast", help="Say what it will cost, and do nothing.")]
Record = Annotated[
    bool, typer.Option("--record", help="Keep all that the models said, so that `relay replay` can play each run.")
]


def twin(
    context: typer.Context,
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="The models to test, one after another.")],
    guide: Guides = [],  # noqa: B006  typer copies it
    problems: ProblemSet = "",
    preset: Preset = "",
    each: Each = "",
    engine: EngineName = "",
    out: Folder = None,
    control: WithControl = False,
    individual: Individual = False,
    keep_opening: Opening = False,
    longer: Longer = False,
    distractor: Distractors = [],  # noqa: B006  typer copies it
    forecast: OnlyForecast = False,
    set_: Sets = [],  # noqa: B006  typer copies it
    in_flight: InFlight = None,
    record: Record = False,
    pool: PoolFile = None,
    sandbox: Sandbox = Walls.BUBBLEWRAP,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")] = False,
) -> None:
    """Both twin tests of each model, by each guide: runs, tables, and a card.

    Several models are tested on the problems that they share.
    """
    from relay.cli.twin_runs import run_all
    from relay.language.reading import parse_sets
    from relay.pool import default_path
    from relay.session import Options
    from relay.twin.forecast import forecast as cost_of
    from relay.twin.plan import Wish, parts_of
    from relay.twin.strangers import refuse_strangers

    engine = engine or usual_engine()
    ablated = (keep_opening, longer, distractor)
    wish = Wish(models, guide, problems, engine, control, individual, parse_sets(set_), *ablated, preset)
    if each:
        _knob_by_knob(context, wish, each, out, forecast=forecast, as_json=json)
        return
    parts = parts_of(wish)
    refuse_strangers(parts, out, hub=not forecast)
    _tell_costs(cost_of(parts, pool or default_path()), as_json=json)
    if forecast:
        return
    folder = out or _fresh_folder()
    options = Options(in_flight, False, pool, sandbox is not Walls.NONE, record)
    done = [_begun(part, folder, record=record) for part in parts]
    again = command_again(context, out=context.meta.get(WHOLE, folder))
    if wish.shares:
        parts = _on_shared_problems(wish, parts, folder, options, again, as_json=json)
        done = [_begun(part, folder, record=record) for part in parts]
    failed = run_all(zip(parts, done, strict=True), folder, options, again, as_json=json)
    if failed:
        raise typer.Exit(1)


def _knob_by_knob(
    context: typer.Context, wish: "Wish", each: str, out: Path | None, *, forecast: bool, as_json: bool
) -> None:
    """The tests once for each knob, or the forecast of one round and how many there will be."""
    from relay.cli.twin_each import each_knob, steps_of, tell_steps

    steps_of(wish, each)
    if not forecast:
        each_knob(context, wish, each, out or _fresh_folder(), twin, as_json=as_json)
        return
    twin(**{**context.params, "context": context, "each": "", "set_": [f"{k}={v}" for k, v in wish.sets.items()]})
    if not as_json:
        tell_steps(wish, each)


def usual_engine() -> str:
    """vllm where it is installed and there is a GPU to use; else transformers."""
    from relay.twin.plan import DRIVER, ENGINE_OF_SERVERS

    return ENGINE_OF_SERVERS if DRIVER.exists() and find_spec("vllm") is not None else "transformers"


def _tell_costs(costs: "Sequence[Cost]", *, as_json: bool) -> None:
    """The forecast."""
    if as_json:
        from json import dumps

        for cost in costs:
            print(
                dumps(
                    {
                        "event": "forecast",
                        "run": cost.part.file,
                        **{k: v for k, v in cost._asdict().items() if k != "part"},
                    }
                )
            )
        return
    from relay.tui.console import Plain
    from relay.tui.tables import cost_table

    Plain().print(cost_table(costs))


def _on_shared_problems(
    wish: "Wish", parts: "Sequence[Part]", folder: Path, options: "Options", again: str, *, as_json: bool
) -> "list[Part]":
    """The parts, once each model has left its solos in the pool, by which the problems of all are selected."""
    from relay.pool import default_path
    from relay.twin.plan import parts_of
    from relay.twin.waves import fill, known

    have, pool = known(parts, folder), options.pool or default_path()
    return parts_of(wish, drive(lambda shown: fill(parts, have, options, shown, {}), pool, again, as_json=as_json))


def _begun(part: "Part", folder: Path, *, record: bool) -> bool:
    """Whether this run was begun before. Raises UserError where it is another one."""
    from relay.store.opening import opened
    from relay.store.unborn import clear
    from relay.twin.shared import same

    path = folder / part.file
    if not path.exists() or clear(path):
        return False
    with opened(path) as run:
        if not same(run.meta["scenario"], part.reading.tree):
            raise UserError(Mistake(str(path), "was begun with other models, problems or values", "name another --out"))
        if record and run.meta.get("recording") is None:
            raise UserError(Mistake(str(path), "was begun without --record, and goes on so", "leave it out"))
    return True


def _fresh_folder() -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    tries = (Path("runs") / f"twin-{stamp}{f'-{i}' if i else ''}" for i in range(1000))
    return next(path for path in tries if not path.exists())
