"""Options that several commands have."""

from typing import Annotated

import typer

Sets = Annotated[
    list[str],
    typer.Option("--set", metavar="PATH=VALUE", help="Change a value: --set models.main.model=Qwen/Qwen3-0.6B"),
]
