"""relay watch: a run in the terminal, while it goes on or afterwards."""

from pathlib import Path
from typing import Annotated

import typer

from relay.errors import Mistake, UserError

SWITCH = 0.001  # seconds that a thread which reads may keep the one that answers keys waiting


def watch(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run file, of a run that goes on or is done.")],
    rollout: Annotated[
        int | None, typer.Argument(metavar="ROLLOUT", min=0, help="The number of a rollout to open.")
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(min=0.01, max=10_000, metavar="X", help="Play the rollout, X times as fast as it was written."),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the screen into an SVG file instead.")
    ] = None,
    size: Annotated[str, typer.Option(metavar="WxH", help="Columns and rows of the picture.")] = "120x36",
) -> None:
    """Watch a run: its cells, its speed, and every thought as it is written. Only reads; the run need not know."""
    import sys

    from relay.store.opening import opened

    if speed is not None and rollout is None:
        raise UserError(Mistake("relay watch --speed", "plays one rollout", "say which: relay watch RUN ROLLOUT"))
    with opened(run) as found:
        if rollout is not None:
            found.rollout(min(rollout, 2**63 - 1))
    if picture is not None:
        _draw(run, rollout, picture, _size(size))
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError(Mistake("relay watch", "needs a terminal", "`relay show` and `relay report` do without"))
    from relay.tui.monitor.app import Monitor

    sys.setswitchinterval(SWITCH)
    Monitor(run, rollout, speed).run()


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and 40 <= int(width) <= 400 and 10 <= int(height) <= 200):
        raise UserError(Mistake("--size", f"no size: {text!r}", "columns by rows, such as 120x36"))
    return int(width), int(height)


def _draw(run: Path, rollout: int | None, to: Path, size: tuple[int, int]) -> None:
    import asyncio

    from relay.tui.monitor.picture import picture

    drawn = asyncio.run(picture(run, rollout, size))
    try:
        to.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise UserError(Mistake(str(to), f"cannot be written: {error.strerror}")) from None
    print(to)
