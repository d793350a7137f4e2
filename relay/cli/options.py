"""Options that several commands have."""

import shlex
from enum import Enum, StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

WHOLE = "relay.whole"  # in a context's meta: the folder to name, where a command runs within another


class Walls(StrEnum):
    """What programs that models write run in."""

    BUBBLEWRAP = "bubblewrap"
    NONE = "none"


Sets = Annotated[
    list[str],
    typer.Option("--set", metavar="PATH=VALUE", help="Change a value: --set models.main.model=Qwen/Qwen3-0.6B"),
]

Preset = Annotated[
    str,
    typer.Option(
        "--preset", metavar="NAME", help="paper, perturb-r, strict, or a file: in place of the one that it extends."
    ),
]

Sandbox = Annotated[
    Walls,
    typer.Option(help="What programs that models write run in. none: as you, on this machine, with your files."),
]
InFlight = Annotated[
    int | None,
    typer.Option(min=1, max=100_000, metavar="N", help="Rollouts at once; by default what the engines like."),
]
PoolFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The pool's file; by default $RELAY_POOL or the user's data folder."),
]


def command_again(context: typer.Context, **changed: Any) -> str:
    """The command line that asks for the same once more, but for the values that are changed."""
    words: list[str] = []
    for option in context.command.params:
        value = changed.get(str(option.name), context.params.get(str(option.name)))
        if value == option.default or value in (None, False, [], ()):
            continue
        name = max(option.opts, key=len)
        for each in value if isinstance(value, list | tuple) else [value]:
            said = str(each.value if isinstance(each, Enum) else each)
            words += [said] if not name.startswith("-") else [name] if each is True else [name, said]
    return shlex.join(["relay", str(context.info_name), *words])
