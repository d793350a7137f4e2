"""relay report: what a run came to, by its own verifier and by others that graded it since."""

import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relay.cli.distance import check_plot, draw_plot, measure_all, print_distances_json
from relay.cli.files import Csv, Files, Html, Latex, Methods, print_methods
from relay.cli.looks import print_looks, refuse_others
from relay.cli.options import Sandbox, Sets, Walls
from relay.errors import Mistake, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console
    from rich.table import Table

    from relay.reports.parts import Caption, Note
    from relay.twin.beside import Beside


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run files.")],
    regrade: Annotated[
        str,
        typer.Option(
            metavar="VERIFIER",
            help="First grade every answer once more, by this verifier as `verify:` names it.",
        ),
    ] = "",
    spoilers: Annotated[
        bool, typer.Option("--spoilers", help="First find the steers that state the answer, by running them.")
    ] = False,
    paper: Annotated[
        bool, typer.Option("--paper", help="Put each twin test beside the paper's table of the same test.")
    ] = False,
    looks: Annotated[
        bool, typer.Option("--looks", help="What recovery looks like: where and how each thought turns back.")
    ] = False,
    distance: Annotated[
        bool,
        typer.Option("--distance", help="First measure how improbable each steer is to the model it was put into."),
    ] = False,
    distance_plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw recovery against the distance of the steer: .svg, .png or .pdf."),
    ] = None,
    html: Html = None,
    csv: Csv = None,
    latex: Latex = None,
    methods: Methods = False,
    set_: Sets = [],  # noqa: B006  typer copies it
    sandbox: Sandbox = Walls.BUBBLEWRAP,
    json: Annotated[bool, typer.Option("--json", help="One JSON object for each cell of each run.")] = False,
) -> None:
    """Scores by cell, with intervals and counts."""
    if set_ and not regrade:
        raise UserError(Mistake("relay report --set", "names a judge's model for --regrade", "leave it out"))
    files = Files(html, csv, latex).check()
    if looks:
        refuse_others(runs)
    if distance_plot is not None:
        check_plot(runs, distance_plot)
    if regrade:
        _regrade(runs, regrade, set_, sandbox, as_json=json)
    if spoilers:
        _find_spoilers(runs, sandbox, as_json=json)
    if distance:
        measure_all(runs, as_json=json)
    if distance_plot is not None:
        draw_plot(runs[0], distance_plot)
    if any(files):
        files.write(runs)
        return
    if methods:
        print_methods(runs, as_json=json)
        return
    from relay.cli.guides import print_guides, print_guides_json

    besides = _besides(runs) if paper else []
    if json:
        _print_json(runs)
        print_guides_json(runs)
        _print_besides_json(runs, besides)
    else:
        print_report(runs)
        print_guides(runs)
        _print_besides(besides)
    if looks:
        print_looks(runs, as_json=json)


def _regrade(runs: Sequence[Path], verifier: str, sets: list[str], sandbox: Walls, *, as_json: bool) -> None:
    """Grade them all; what is wrong with any of them is told before the first."""
    from relay.cli.run import drive
    from relay.language.reading import parse_sets
    from relay.regrade import read_verifier, regrade

    readings, mistakes = [], list[Mistake]()
    for path in runs:
        try:
            readings.append(read_verifier(path, verifier, parse_sets(sets)))
        except UserError as error:
            mistakes += error.mistakes
    if mistakes:
        raise UserError.of(dict.fromkeys(mistakes))
    for path, reading in zip(runs, readings, strict=True):
        again = ["relay", "report", str(path), "--regrade", verifier, *(part for s in sets for part in ("--set", s))]
        again += ["--sandbox", sandbox.value] if sandbox is Walls.NONE else []
        work = partial(regrade, path, reading, sandbox=sandbox is not Walls.NONE)
        drive(work, path, shlex.join(again), as_json=as_json)


def _find_spoilers(runs: Sequence[Path], sandbox: Walls, *, as_json: bool) -> None:
    """Look at the steers of all; what is wrong with any of the runs is told before the first."""
    from relay.cli.run import drive
    from relay.spoilers import find_spoilers, finder

    mistakes = list[Mistake]()
    for path in runs:
        try:
            finder(path)
        except UserError as error:
            mistakes += error.mistakes
    if mistakes:
        raise UserError.of(dict.fromkeys(mistakes))
    for path in runs:
        again = ["relay", "report", str(path), "--spoilers"]
        again += ["--sandbox", sandbox.value] if sandbox is Walls.NONE else []
        work = partial(find_spoilers, path, sandbox=sandbox is not Walls.NONE)
        drive(work, path, shlex.join(again), as_json=as_json)


def _besides(runs: Sequence[Path]) -> "list[Beside]":
    """Each run among the paper's rows; all that are no twin tests are told at once."""
    from relay.store.opening import opened
    from relay.twin.beside import beside

    found, mistakes = [], list[Mistake]()
    for path in runs:
        try:
            with opened(path) as run:
                found.append(beside(run))
        except UserError as error:
            mistakes += error.mistakes
    if mistakes:
        raise UserError.of(dict.fromkeys(mistakes))
    return found


def _print_besides(besides: "Sequence[Beside]") -> None:
    from relay.tui.console import Plain
    from relay.tui.tables import beside_table

    console = Plain()
    for found in besides:
        console.print(beside_table(found))
        console.print(found.note, style="dim")


def _print_besides_json(runs: Sequence[Path], besides: "Sequence[Beside]") -> None:
    from json import dumps

    for path, found in zip(runs, besides, strict=False):
        for line in found.rows:
            print(dumps({"run": str(path), "published": found.title, **line._asdict()}))


def print_report(runs: Sequence[Path]) -> None:
    """Print the tables of each run, with what there is to know about them."""
    from relay.reports.parts import parts
    from relay.store.opening import opened
    from relay.tui.console import Plain

    console = Plain()
    for path in runs:
        with opened(path) as run:
            print_parts(console, parts(run))


def print_parts(console: "Console", found: "Iterable[Table | Note | Caption]") -> None:
    """One after another; their words are made safe for a terminal."""
    from relay.reports.parts import Caption, Note
    from relay.tui.safe import visible

    for part in found:
        if isinstance(part, Note):
            console.print(f"note: {visible(part.text)}")
        elif isinstance(part, Caption):
            console.print(visible(part.text), style="dim")
        else:
            console.print(part)


def _print_json(runs: Sequence[Path]) -> None:
    from json import dumps

    from relay.measure.declared import answer_data, answers
    from relay.measure.judging import judging
    from relay.measure.score_rows import by_all
    from relay.store.opening import opened
    from relay.twin.effect import rows
    from relay.twin.strata import strata, stratum_data

    for path in runs:
        with opened(path) as run:
            if meta_failures := run.meta.get("failures"):
                print(dumps({"run": str(path), "failures": meta_failures}))
            beside = {verifier: rows(run, verifier) for verifier in run.verifiers or [""]}
            for s in by_all(run):
                row = {**s._asdict(), "graded": s.graded, "score": s.score}
                row["interval"] = s.interval._asdict() if s.interval else None
                print(dumps({"run": str(path), **row, **beside[s.verifier][s.cell]}))
            for each in strata(run):
                print(dumps({"run": str(path), "stratum": each.rate, **stratum_data(each)}))
            for answer in answers(run):
                print(dumps({"run": str(path), "declared": True, **answer_data(answer)}))
            for part in judging(run):
                print(dumps({"run": str(path), "part": True, **part._asdict()}))
            print_distances_json(run)
