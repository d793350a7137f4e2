"""Options that several commands have."""

from enum import StrEnum
from typing import Annotated

import typer


class Walls(StrEnum):
    """What programs that models write run in."""

    BUBBLEWRAP = "bubblewrap"
    NONE = "none"


Sets = Annotated[
    list[str],
    typer.Option("--set", metavar="PATH=VALUE", help="Change a value: --set models.main.model=Qwen/Qwen3-0.6B"),
]

Sandbox = Annotated[
    Walls,
    typer.Option(help="What programs that models write run in. none: as you, on this machine, with your files."),
]
