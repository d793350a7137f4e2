"""relay report: what a run came to, by its own verifier and by others that graded it since."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from relay.cli.anytime import Peeking, print_anytime
from relay.cli.costs import Cost, Hours, Prices, check_prices, print_costs
from relay.cli.distance import Distance, Drawing, check_plot, draw_plot, measure_all, print_distances_json
from relay.cli.files import Files, print_methods
from relay.cli.guides import print_guides, print_guides_json
from relay.cli.looks import print_looks, refuse_others
from relay.cli.options import Sandbox, Sets, Walls
from relay.cli.printing import print_report
from relay.cli.regrading import find_all_spoilers, regrade_all
from relay.cli.report_options import (
    Csv,
    Html,
    Json,
    Latex,
    Looks,
    Methods,
    Paper,
    Regrade,
    Runs,
    Spoilers,
)  # fmt: skip
from relay.cli.safety import print_safety_json
from relay.errors import Mistake, UserError

if TYPE_CHECKING:
    from relay.measure.price import Price
    from relay.twin.beside import Beside


def report(
    runs: Runs,
    regrade: Regrade = "",
    spoilers: Spoilers = False,
    paper: Paper = False,
    looks: Looks = False,
    distance: Distance = False,
    distance_plot: Drawing = None,
    cost: Cost = False,
    price: Prices = [],  # noqa: B006  typer copies it
    gpu_hour: Hours = [],  # noqa: B006  typer copies it
    anytime: Peeking = False,
    html: Html = None,
    csv: Csv = None,
    latex: Latex = None,
    methods: Methods = False,
    set_: Sets = [],  # noqa: B006  typer copies it
    sandbox: Sandbox = Walls.BUBBLEWRAP,
    json: Json = False,
) -> None:
    """Scores by cell, with intervals and counts."""
    if set_ and not regrade:
        raise UserError(Mistake("relay report --set", "names a judge's model for --regrade", "leave it out"))
    files = Files(html, csv, latex).check(
        methods=methods, as_json=json, paper=paper, looks=looks, cost=cost, anytime=anytime
    )
    prices = check_prices(runs, price, gpu_hour, cost=cost) if price or gpu_hour else [{} for _ in runs]
    refuse_others(runs if looks else ())
    check_plot(runs, distance_plot)
    if regrade:
        regrade_all(runs, regrade, set_, sandbox, as_json=json)
    if spoilers:
        find_all_spoilers(runs, sandbox, as_json=json)
    if distance:
        measure_all(runs, as_json=json)
    if distance_plot is not None:
        draw_plot(runs[0], distance_plot)
    if any(files):
        files.write(runs, prices)
        return
    if methods:
        print_methods(runs, as_json=json)
        return
    besides = _besides(runs) if paper else []
    if json:
        _print_json(runs, prices)
        print_guides_json(runs)
        _print_besides_json(runs, besides)
    else:
        print_report(runs, prices)
        print_guides(runs)
        _print_besides(besides)
    if looks:
        print_looks(runs, as_json=json)
    if cost:
        print_costs(runs, prices, as_json=json)
    print_anytime(runs if anytime else (), as_json=json)


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


def _print_json(runs: Sequence[Path], prices: "Sequence[dict[str, Price]]") -> None:
    from json import dumps

    from relay.measure.credits import credit_data, credits_of
    from relay.measure.declared import answer_data, answers
    from relay.measure.judging import judging
    from relay.measure.score_rows import by_all
    from relay.reports.gains import gains_json
    from relay.store.opening import opened
    from relay.twin.effect import rows
    from relay.twin.strata import strata, stratum_data

    for path, priced in zip(runs, prices, strict=True):
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
            for row in gains_json(run, priced):
                print(dumps({"run": str(path), **row}))
            for each_credit in credits_of(run):
                print(dumps({"run": str(path), "credit": True, **credit_data(each_credit)}))
            for part in judging(run):
                print(dumps({"run": str(path), "part": True, **part._asdict()}))
            print_distances_json(run)
            print_safety_json(run)
