"""relay report: what a run came to."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run files.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object for each cell of each run.")] = False,
) -> None:
    """Scores by cell, with intervals and counts."""
    if json:
        _print_json(runs)
    else:
        print_report(runs)


def print_report(runs: Sequence[Path]) -> None:
    """Print the score table of each run."""
    from relay.measure.scores import caption, scores
    from relay.store.opening import opened
    from relay.tui.console import Plain
    from relay.tui.safe import one_line, visible
    from relay.tui.tables import score_table

    console = Plain()
    for path in runs:
        with opened(path) as run:
            found = scores(run)
            meta = run.meta
            models = [f"{n} = {facts.get('model') or facts['engine']}" for n, facts in meta.get("models", {}).items()]
            title = [meta["scenario"].get("title") or meta["source"], ", ".join(models)]
            phase = "" if meta["phase"] == "done" else f" ({meta['phase']})"
            console.print(score_table(one_line(" · ".join(filter(None, title)), 400) + phase, found))
            for note in meta.get("notes", []):
                console.print(f"note: {visible(note)}")
            console.print(caption(found), style="dim")


def _print_json(runs: Sequence[Path]) -> None:
    from json import dumps

    from relay.measure.scores import scores
    from relay.store.opening import opened

    for path in runs:
        with opened(path) as run:
            for s in scores(run):
                row = {**s._asdict(), "graded": s.graded, "score": s.score}
                row["interval"] = s.interval._asdict() if s.interval else None
                print(dumps({"run": str(path), **row}))
