"""A methods paragraph: what was run, how, and what its intervals cover; every fact is read from the run file."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from relay.measure.declared import GRID, NAMED, asked
from relay.measure.gains import family_of, pairs
from relay.measure.numbers_chosen import chosen
from relay.measure.score_rows import by_all
from relay.measure.scores import caption
from relay.store.reader import Run
from relay.tui.safe import one_line

COUNTS = """
SELECT count(*), count(*) FILTER (WHERE stop.text = 'failed'), count(*) FILTER (WHERE stop.text = 'missing'),
       count(*) FILTER (WHERE r.stop IS NULL),
       count(*) FILTER (WHERE stop.text LIKE 'budget%' OR stop.text = 'context full')
FROM rollout r LEFT JOIN name stop ON stop.id = r.stop WHERE r.cell >= 0
"""
TOLD = ("model", "revision", "script", "adapter", "dtype", "tokenizer", "template")  # of a model, beside its engine
LONG = 300
PLAIN = re.compile(r'"([^\W_](?:[\w ./()-]*\w)?|[\d./-]+)"')  # a text that needs no quotes to be read as one


def methods(run: Run) -> list[str]:
    """Its sentences, in groups: what was run, by which models, on what, how, and what the intervals mean."""
    meta = run.meta
    tree = meta["scenario"]
    return [
        " ".join(group)
        for group in (
            [*_run(meta, tree)],
            [*_models(meta)],
            [*_problems(run, meta, tree)],
            [*_graph(run, tree)],
            [*_sampling(meta, tree)],
            [*_grading(run, meta)],
            [*_baselines(run), *_tests(run, tree)],
            [f"{chosen(run)}{caption(by_all(run))}"],
        )
        if group
    ]


def _run(meta: Mapping[str, Any], tree: Mapping[str, Any]) -> Iterator[str]:
    title = tree.get("title")
    named = f"“{_said(title)}” ({_said(meta['source'])})" if title else _said(meta["source"])
    yield f"The scenario {named} was run with relay {_said(meta['relay'])}{_when(meta)}."
    if meta["phase"] != "done":
        yield f"The run is not finished: its phase is “{_said(meta['phase'])}”."


def _when(meta: Mapping[str, Any]) -> str:
    made, ended = (
        datetime.fromtimestamp(meta[k], UTC).date().isoformat() if meta.get(k) else "" for k in ("made", "ended")
    )
    return f", begun on {made}{f' and ended on {ended}' if ended else ''} (UTC)" if made else ""


def _models(meta: Mapping[str, Any]) -> Iterator[str]:
    for name, facts in meta.get("models", {}).items():
        told = [f"{key} {_said(facts[key])}" for key in ("engine", *TOLD) if facts.get(key)]
        yield f"Model {_said(name)}: {', '.join(told)}."
    ways = {(each["author"], each["reader"]): each["policy"] for each in meta.get("handoffs", [])}
    if ways:
        told = [f"{_said(author)} to {_said(reader)} by {_said(way)}" for (author, reader), way in ways.items()]
        yield f"Handoffs: {', '.join(told)}."


def _problems(run: Run, meta: Mapping[str, Any], tree: Mapping[str, Any]) -> Iterator[str]:
    found = meta.get("problem_set", {})
    number = run.query("SELECT count(*) FROM problem")[0][0]
    facts = [f"{key} {_said(found[key])}" for key in ("path", "split", "problems", "seed", "hash") if key in found]
    where = tree["problems"].get("where") if isinstance(tree["problems"], Mapping) else None
    facts += [f"where {_data(where)}"] if where else []
    source = _said(found.get("from") or tree["problems"])
    about = f" ({', '.join(facts)})" if facts else ""
    yield f"{number:,} problems of {source}{about} were used."
    if rules := tree.get("select"):
        sampled = run.query("SELECT count(DISTINCT problem) FROM solved")[0][0]
        of = f", from {sampled:,} that were sampled" if sampled else ""
        yield f"They were selected by {_data(rules)}{of}; values in braces are those of the sweep or of `let`."
    if pool := tree.get("pool"):
        yield f"Solo samples kept for selection and steers: {_data(pool)}."


def _graph(run: Run, tree: Mapping[str, Any]) -> Iterator[str]:
    nodes = [f"{_said(name)} {_data(node)}" for name, node in tree["graph"]["nodes"].items()]
    yield f"The graph starts at {_said(tree['graph']['start'])}; its nodes: {', '.join(nodes)}."
    if sweep := tree.get("sweep"):
        yield f"Cells: {len(run.cells)}, by the sweep {_data(sweep)}."
    if let := tree.get("let"):
        yield f"Values: {_data(let)}."


def _sampling(meta: Mapping[str, Any], tree: Mapping[str, Any]) -> Iterator[str]:
    number, wanted = meta.get("samples", tree.get("samples", 1)), tree.get("samples", 1)
    if isinstance(wanted, Mapping):
        yield f"Rollouts were added in rounds until intervals were narrow ({_data(wanted)}), on their widths alone."
    else:
        yield f"Each problem was continued {number} time{'s' if number != 1 else ''} in every cell."
    if sampling := tree.get("sampling"):
        yield f"Sampling: {_data(sampling)}."
    own = {name: model["sampling"] for name, model in tree["models"].items() if model.get("sampling")}
    own |= {name: node["sampling"] for name, node in tree["graph"]["nodes"].items() if node.get("sampling")}
    for name, sampling in own.items():
        yield f"Sampling of {_said(name)}: {_data(sampling)}."
    if budget := tree.get("budget"):
        yield f"Budget of a pen: {_data(budget)}."
    yield f"Seed: {tree.get('seed', 0)}; it fixes which problems, distractors and chances are drawn, not which tokens."


def _grading(run: Run, meta: Mapping[str, Any]) -> Iterator[str]:
    total, failed, missing, unfinished, cut = run.query(COUNTS)[0]
    yield f"Rollouts: {total:,}."
    told = {
        "failed": failed, "left out since a unit that the scenario asks for was missing": missing,
        "still open": unfinished, "ended by a budget or the context, and graded all the same": cut,
    }  # fmt: skip
    for what, number in told.items():
        if number:
            yield f"{number:,} {'was' if number == 1 else 'were'} {what}."
    for name, how in meta.get("verifiers", {}).items():
        yield f"Graded by {_said(name)}{'' if how == name else f' ({_data(how)})'}."
    if meta.get("sandbox"):
        yield f"Programs that models wrote ran in {_said(meta['sandbox'])}."
    for note in meta.get("notes", []):
        yield f"Noted: {_said(note).rstrip('.')}."


def _baselines(run: Run) -> Iterator[str]:
    """What each cell was compared with, on the same problems."""
    wanted = pairs(run)
    if not wanted:
        return
    bases = dict.fromkeys(base for _, base in wanted)
    cells = {cell for cell, _ in wanted}
    yield (
        f"{len(cells):,} cell{'s were' if len(cells) > 1 else ' was'} compared with {len(bases)} "
        f"baseline{'s' * (len(bases) > 1)} that ran on "
        f"the same problems with as many samples ({', '.join(map(_said, bases))}), paired by problem; p-values of "
        f"these {len(wanted)} comparisons were adjusted by {family_of(cells)}, and equality within 3 "
        "points was tested by two one-sided tests at 5 %."
    )


def _tests(run: Run, tree: Mapping[str, Any]) -> Iterator[str]:
    wanted = [*asked(tree.get("tests") or {}, run.cells)]
    for family in (NAMED, GRID):
        if mine := [each for each in wanted if each.family == family]:
            pairs = "; ".join(f"{_said(each.cell)} against {_said(each.against)}" for each in mine)
            yield f"Declared before the run, p-values adjusted by {family}: {pairs}."
    if not wanted:
        yield "No test was declared before the run."


def _said(value: Any) -> str:
    return one_line(str(value), LONG)


def _data(value: Any) -> str:
    """As the scenario says it: quotes stand where they are needed, so that blanks at an end are seen."""
    from json import dumps

    return one_line(PLAIN.sub(r"\1", dumps(value, ensure_ascii=False)), LONG)
