"""A run's report as parts in their order: the terminal prints them, a page shows the very same."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from relay.reports.credits import credited
from relay.reports.gains import gained
from relay.reports.told import Caption, Note

if TYPE_CHECKING:
    from rich.table import Table

    from relay.measure.price import Prices
    from relay.measure.spoiled import Spoiled
    from relay.store.reader import Run
    from relay.twin.effect import Effect


__all__ = ["Caption", "Note", "guides", "parts", "spoiled", "title_of"]


def title_of(meta: Mapping[str, Any]) -> str:
    """A run's title with its models, on one line."""
    from relay.tui.safe import one_line

    models = [f"{name} = {facts.get('model') or facts['engine']}" for name, facts in meta.get("models", {}).items()]
    title = [meta["scenario"].get("title") or meta["source"], ", ".join(models)]
    phase = "" if meta["phase"] == "done" else f" ({meta['phase']})"
    return one_line(" · ".join(filter(None, title)), 400) + phase


def parts(run: "Run", prices: "Prices | None" = None) -> "Iterator[Table | Note | Caption]":
    """The score table, then what hangs on what kind of run it is."""
    from relay.measure.judging import judging
    from relay.measure.numbers_chosen import chosen
    from relay.measure.score_rows import by_all
    from relay.measure.scores import caption
    from relay.tui.tables import judging_table, score_table
    from relay.twin.effect import effect

    found, changed, apart = by_all(run), effect(run), judging(run)
    yield score_table(title_of(run.meta), found, spoiled(run))
    yield from _twin(run, changed)
    yield from gained(run, prices)
    yield from credited(run)
    if apart:
        yield judging_table(apart)
    yield from _distances(run)
    yield from _supervised(run)
    for note in _notes(run, changed.looked.told):
        yield Note(note)
    yield Caption(f"{_by(run)}{chosen(run)}{caption(found)}")


def _twin(run: "Run", changed: "Effect") -> "Iterator[Table | Note]":
    """The tables of twin tests, and of tests that were declared."""
    from relay.measure.declared import answers
    from relay.tui.tables import control_table
    from relay.tui.tested_table import tests_table
    from relay.tui.twin_tables import effect_table, strata_table
    from relay.twin.control import control, verdict
    from relay.twin.strata import strata

    if changed.alone and changed.cells:
        yield effect_table(changed)
    if rates := strata(run):
        yield strata_table(rates)
    if tried := answers(run):
        yield tests_table(tried)
    if handed := control(run):
        yield control_table(handed)
        yield Note(verdict(handed))


def _supervised(run: "Run") -> "Iterator[Table | Note | Caption]":
    """Watchers as detectors, and unsafe steers, where problems say what is forbidden."""
    from relay.measure.safety import safety, walk_aways, watched
    from relay.tui.safety import CAPTION, WALKED, safety_table, trips_table, walk_away_table

    read = watched(run)
    if found := safety(run, read):
        yield safety_table(found)
        yield trips_table(found)
        yield Caption(CAPTION)
    if steered := walk_aways(run, read):
        yield walk_away_table(steered)
        yield Caption(WALKED)


def _distances(run: "Run") -> "Iterator[Table | Note | Caption]":
    from relay.measure.distances import distances
    from relay.tui.distances import CAPTION, cost_told, distance_table

    if found := distances(run):
        yield distance_table(found)
        yield Note(cost_told(found))
        yield Caption(CAPTION)


def guides(runs: "Sequence[Run]") -> "Iterator[Table | Note]":
    """Where several of these runs guide one model, their table by guide."""
    from relay.tui.twin_tables import guides_table, percent
    from relay.twin.guides import guides_of

    for found in guides_of(list(runs)):
        yield guides_table(found)
        means = f"mean over guides {percent(found.over_guides)}, over n {percent(found.over_n)}"
        yield Note(f"{means}. {found.told}")


def spoiled(run: "Run") -> "dict[tuple[str, str], Spoiled]":
    """What is left of each cell without its spoilers, by verifier and cell; empty where they are not known."""
    from relay.measure.spoiled import corrections

    return {(verifier, each.cell): each for verifier in run.verifiers for each in corrections(run, verifier)}


def _notes(run: "Run", looked: str) -> list[str]:
    from relay.twin.ceiling import harm
    from relay.twin.ceiling import verdict as ceiling

    meta = run.meta
    told = [*meta.get("notes", []), *failures_told(meta.get("failures", {})), *_incomplete(run)]
    told += [*([ceiling(harmed)] if (harmed := harm(run)) else []), looked]
    return [note for note in told if note]


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


def _incomplete(run: "Run") -> list[str]:
    from relay.measure.judging import ungraded

    if run.meta["phase"] != "done":
        return []
    found = ((verifier, ungraded(run, verifier)) for verifier in run.verifiers)
    return [f"{n:,} answers have no verdict by {v} yet; --regrade goes on" for v, n in found if n]


def _by(run: "Run") -> str:
    """Whose verdicts these are."""
    own, *others = run.verifiers or [""]
    if not own:
        return ""
    return f"Verdicts by {own}" + (f", and once more by {', '.join(others)}. " if others else ". ")
