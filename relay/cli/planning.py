"""The options of `relay run --dry`, and what they say."""

from typing import Annotated, NamedTuple

import typer

Dry = Annotated[
    bool,
    typer.Option(
        "--dry", help="Say what it would cost and what it could see, and run nothing.", rich_help_panel="Forecast"
    ),
]
Calibrate = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Walk N problems of it with the real models first.", rich_help_panel="Forecast"
    ),
]
Replicas = Annotated[
    int, typer.Option(min=1, metavar="N", help="Machines like this one, side by side.", rich_help_panel="Forecast")
]
Speeds = Annotated[
    str,
    typer.Option(
        metavar="DECODE[,PREFILL]",
        help="Tokens a second of one call when all are under way; prompt tokens a second.",
        rich_help_panel="Forecast",
    ),
]
Prices = Annotated[
    list[str],
    typer.Option(
        metavar="[MODEL=]IN,OUT", help="The price of a million tokens, read and written.", rich_help_panel="Forecast"
    ),
]
Hourly = Annotated[
    float | None,
    typer.Option(
        "--hourly", min=0, metavar="PRICE", help="The price of an hour of one replica.", rich_help_panel="Forecast"
    ),
]
Tokens = Annotated[
    float | None,
    typer.Option(
        min=1, metavar="N", help="How long a solo is, where no pool says; by default half of its budget.",
        rich_help_panel="Forecast",
    ),
]  # fmt: skip
Assumed = Annotated[
    str,
    typer.Option(
        metavar="NAME=VALUE,...",
        help="What is taken for true: accuracy=0.5,icc=0.4,distractors=0.5.",
        rich_help_panel="Forecast",
    ),
]


class Wishes(NamedTuple):
    """What the user said for the forecast."""

    calibrate: int | None = None
    replicas: int = 1
    speed: str = ""
    prices: tuple[str, ...] = ()
    hour: float | None = None
    tokens: float | None = None
    assume: str = ""
