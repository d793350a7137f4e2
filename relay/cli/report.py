"""relay report: what a run came to, by its own verifier and by others that graded it since."""

import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relay.cli.costs import Cost, Prices, check_prices, print_costs
from relay.cli.distance import (
    Distance,
    Drawing,
    check_plot,
    draw_plot,
    measure_all,
    print_distances,
    print_distances_json,
)
from relay.cli.looks import print_looks, refuse_others
from relay.cli.options import Sandbox, Sets, Walls
from relay.errors import Mistake, UserError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from relay.measure.judging import Judging
    from relay.measure.scores import Score
    from relay.measure.spoiled import Spoiled
    from relay.store.reader import Run
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
    distance: Distance = False,
    distance_plot: Drawing = None,
    cost: Cost = False,
    price: Prices = [],  # noqa: B006  typer copies it
    set_: Sets = [],  # noqa: B006  typer copies it
    sandbox: Sandbox = Walls.BUBBLEWRAP,
    json: Annotated[bool, typer.Option("--json", help="One JSON object for each cell of each run.")] = False,
) -> None:
    """Scores by cell, with intervals and counts."""
    if set_ and not regrade:
        raise UserError(Mistake("relay report --set", "names a judge's model for --regrade", "leave it out"))
    prices = check_prices(runs, price, cost=cost)
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
    if cost:
        print_costs(runs, prices, as_json=json)


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
    """Print the score table of each run."""
    from relay.measure.declared import answers
    from relay.measure.judging import judging
    from relay.measure.scores import caption
    from relay.store.opening import opened
    from relay.tui.console import Plain
    from relay.tui.safe import one_line, visible
    from relay.tui.tables import control_table, judging_table, score_table
    from relay.tui.tested_table import tests_table
    from relay.tui.twin_tables import effect_table, strata_table
    from relay.twin.ceiling import harm
    from relay.twin.ceiling import verdict as ceiling
    from relay.twin.control import control, verdict
    from relay.twin.effect import effect
    from relay.twin.strata import strata

    console = Plain()
    for path in runs:
        with opened(path) as run:
            found = _scores(run)
            meta = run.meta
            models = [f"{n} = {facts.get('model') or facts['engine']}" for n, facts in meta.get("models", {}).items()]
            title = [meta["scenario"].get("title") or meta["source"], ", ".join(models)]
            phase = "" if meta["phase"] == "done" else f" ({meta['phase']})"
            console.print(score_table(one_line(" · ".join(filter(None, title)), 400) + phase, found, _spoiled(run)))
            changed = effect(run)
            if changed.alone and changed.cells:
                console.print(effect_table(changed))
            if rates := strata(run):
                console.print(strata_table(rates))
            if tried := answers(run):
                console.print(tests_table(tried))
            if handed := control(run):
                console.print(control_table(handed))
                console.print(f"note: {verdict(handed)}")
            if parts := judging(run):
                console.print(judging_table(parts))
            print_distances(run, console)
            told = [*meta.get("notes", []), *failures_told(meta.get("failures", {})), *_incomplete(run, parts)]
            told += [*([ceiling(harmed)] if (harmed := harm(run)) else []), changed.looked.told]
            for note in filter(None, told):
                console.print(f"note: {visible(note)}")
            console.print(visible(f"{_by(run)}{caption(found)}"), style="dim")


def _scores(run: "Run") -> "list[Score]":
    """The scores by every verifier that graded the run, its own first."""
    from relay.measure.scores import scores

    return [score for verifier in run.verifiers or [""] for score in scores(run, verifier)]


def _spoiled(run: "Run") -> "dict[tuple[str, str], Spoiled]":
    """What is left of each cell without its spoilers, by verifier and cell; empty where they are not known."""
    from relay.measure.spoiled import corrections

    return {(verifier, each.cell): each for verifier in run.verifiers for each in corrections(run, verifier)}


def _by(run: "Run") -> str:
    """Whose verdicts these are."""
    own, *others = run.verifiers or [""]
    if not own:
        return ""
    return f"Verdicts by {own}" + (f", and once more by {', by '.join(others)}. " if others else ". ")


def failures_told(failures: "Mapping[str, Any]") -> list[str]:
    """How often calls of each model failed, and with what."""
    from relay.prepare.models import GIVEN_UP

    told = []
    for name, found in failures.items():
        kinds = sorted(((n, kind) for kind, n in found.items() if kind != GIVEN_UP), reverse=True)
        said = f"engine {name}: {sum(n for n, _ in kinds):,} failed tries: "
        said += ", ".join(f"{n:,} x {kind}" for n, kind in kinds)
        told.append(said + (f"; {found[GIVEN_UP]:,} calls were given up" if found.get(GIVEN_UP) else ""))
    return told


def _incomplete(run: "Run", parts: "Sequence[Judging]") -> list[str]:
    from relay.measure.judging import ungraded

    if run.meta["phase"] != "done":
        return []
    found = ((verifier, ungraded(run, verifier)) for verifier in run.verifiers)
    return [f"{n:,} answers have no verdict by {v} yet; --regrade goes on" for v, n in found if n]


def _print_json(runs: Sequence[Path]) -> None:
    from json import dumps

    from relay.measure.declared import answer_data, answers
    from relay.measure.judging import judging
    from relay.store.opening import opened
    from relay.twin.effect import rows
    from relay.twin.strata import strata, stratum_data

    for path in runs:
        with opened(path) as run:
            if meta_failures := run.meta.get("failures"):
                print(dumps({"run": str(path), "failures": meta_failures}))
            beside = {verifier: rows(run, verifier) for verifier in run.verifiers or [""]}
            for s in _scores(run):
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
