"""relay report --distance and --distance-plot: measuring steers, and how the report shows them."""

import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relay.cli.driving import drive
from relay.errors import Mistake, UserError

if TYPE_CHECKING:
    from relay.store.reader import Run

Distance = Annotated[
    bool, typer.Option("--distance", help="First measure how improbable each steer is to the model it was put into.")
]
Drawing = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Draw recovery against the distance of the steer: .svg, .png or .pdf."),
]


def measure_all(runs: Sequence[Path], *, as_json: bool) -> None:
    """Measure the steers of all; what is wrong with any of the runs is told before the first."""
    from relay.distance.measuring import measure, readable

    mistakes = list[Mistake]()
    for path in runs:
        try:
            readable(path)
        except UserError as error:
            mistakes += error.mistakes
    if mistakes:
        raise UserError.of(dict.fromkeys(mistakes))
    for path in runs:
        again = shlex.join(["relay", "report", str(path), "--distance"])
        drive(partial(measure, path), path, again, as_json=as_json)


def check_plot(runs: Sequence[Path], file: Path | None) -> None:
    """Refuse a plot that cannot be made, before anything is measured."""
    if file is None:
        return
    from relay.distance.plot import check

    if len(runs) > 1:
        raise UserError(Mistake("--distance-plot", "draws one run", "name one"))
    check(file)


def draw_plot(path: Path, file: Path) -> None:
    """Draw one run."""
    from relay.distance.plot import draw
    from relay.measure.distances import distances
    from relay.store.opening import opened
    from relay.tui.safe import one_line

    with opened(path) as run:
        title = one_line(run.meta["scenario"].get("title") or run.meta["source"], 100)
        draw(distances(run), title, file)


def print_distances_json(run: "Run") -> None:
    """A line a cell."""
    from json import dumps

    from relay.measure.distances import distances

    for each in distances(run):
        row = {
            **each._asdict(),
            "thirds": [{**t._asdict(), "interval": t.interval and t.interval._asdict()} for t in each.thirds],
        }
        print(dumps({"run": str(run.path), "distances": True, **row}))
