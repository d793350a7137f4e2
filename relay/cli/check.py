"""relay check: read a scenario, say all that is wrong with it or all that it will do."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from relay.cli.options import Preset, Sets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.language.reading import Reading
    from relay.language.scenario import Scenario
    from relay.language.telling import Fault


def check(
    scenario: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="A scenario file, or the name of a canned one.")
    ] = "",
    set_: Sets = [],  # noqa: B006  typer copies it
    preset: Preset = "",
    expand: Annotated[bool, typer.Option("--expand", help="Print the scenario with every default said.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of scenarios, for editors.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
) -> None:
    """Find a scenario's mistakes, or say what a run of it will do and cost at most."""
    from json import dumps

    from relay.errors import UserError

    if bool(scenario) == schema:
        raise UserError("relay check: takes a scenario, or --schema (one of the two)")
    if schema:
        from relay.language.schema import schema as json_schema

        print(dumps(json_schema(), indent=2, ensure_ascii=False))
        return
    from relay.language.reading import parse_sets, read
    from relay.tui.safe import visible

    reading = read(scenario, parse_sets(set_), preset)
    if expand:
        from relay.language.expanding import expanded
        from relay.language.yaml_words import write
        from relay.tui.safe import escaped

        print(dumps(expanded(reading)) if json else escaped(write(expanded(reading))).rstrip("\n"))
        return
    if faults := list(_of_models(reading)):
        from relay.language.reading import placed

        raise UserError.of(placed(faults, reading.places, reading.source))
    plan = forecast(reading)
    print(dumps(plan) if json else visible("\n".join(_lines(plan))))


def forecast(reading: "Reading") -> dict[str, Any]:
    """What a run of this scenario does, and how much at most. Raises UserError for problems that cannot be read."""
    from relay.prepare.problem_sets import problems_of

    scenario = reading.cells[0].scenario
    loaded = problems_of(reading)
    problems = len(loaded.problems)
    select = scenario.select
    kept = min(problems, select.limit or problems) if select else problems
    pooled = sorted(name for name in _pooled(reading) if scenario.models[name].writes)  # others are there already
    samples = scenario.pool.samples if scenario.pool else 0
    most = {cell.name: _most_tokens(cell.scenario) for cell in reading.cells}
    rollouts = kept * scenario.most_samples
    return {
        "title": scenario.title,
        "source": reading.source,
        "problems": problems,
        "problems_selected_at_most": kept if select else None,
        "samples": scenario.most_samples,
        "adaptive": scenario.adaptive and scenario.adaptive.model_dump(),
        "cells": [cell.name for cell in reading.cells],
        "rollouts_a_cell": rollouts,
        "rollouts": rollouts * len(reading.cells),
        "tokens_a_rollout_at_most": max(most.values()),
        "tokens_at_most": rollouts * sum(most.values()),
        "pool_models": pooled,
        "pool_samples_at_most": problems * samples * len(pooled),
        "pool_tokens_at_most": problems * len(pooled) * samples * _pool_tokens(scenario),
        "notes": [*loaded.notes, *_races(scenario)],
        "models": {name: _model(reading, name, max(most.values())) for name in scenario.models},
    }


def _of_models(reading: "Reading") -> "Iterator[Fault]":
    """What is wrong with the models that a run of it would open, as far as can be told without them."""
    from relay.prepare.jobs import cell_plans
    from relay.prepare.run import judges_of, used_models

    cells = cell_plans(reading)
    for name in sorted(used_models(reading, cells) | judges_of(reading, cells)):
        for fault in reading.cells[0].scenario.models[name].faults():
            yield fault._replace(path=("models", name, *fault.path))


def _races(scenario: "Scenario") -> list[str]:
    """Nodes where time decides."""
    which = "which one that is depends on time, and another run may pick another"
    races = [name for name, node in scenario.graph.nodes.items() if node.races()]
    return [f"{name!r} goes on from the first pen to rest: {which}" for name in races]


def _pool_tokens(scenario: "Scenario") -> int:
    return (scenario.pool and scenario.pool.tokens) or scenario.budget.tokens


def _pooled(reading: "Reading") -> set[str]:
    """The models of which the pool must hold samples."""
    select = reading.cells[0].scenario.select
    needs = [
        node.need(name)
        for cell in reading.cells
        for name, node in cell.scenario.graph.nodes.items()
        if name not in cell.without
    ]
    return (
        {need.model for need in needs if need}
        | {rule.solved for rule in (select.problems if select else ())}
        | ({select.evenly} if select and select.evenly else set())
    )


def _most_tokens(scenario: "Scenario") -> int:
    """The most that one rollout may spend: its budget, or less when every way through the graph is shorter."""
    from relay.language.graph import most_tokens

    return min(scenario.budget.tokens, most_tokens(scenario.graph) or scenario.budget.tokens)


def _model(reading: "Reading", name: str, tokens: int) -> dict[str, Any]:
    scenario = reading.cells[0].scenario
    model = scenario.models[name]
    writes = any(
        name in node.models()
        for cell in reading.cells
        for each, node in cell.scenario.graph.nodes.items()
        if each not in cell.without
    )
    most = max(tokens if writes else 0, _pool_tokens(scenario) if scenario.pool and model.writes else 0)
    return {"engine": model.engine, "context": model.context, "writes": writes, "tokens_after_the_question": most}


def _samples(plan: dict[str, Any]) -> str:
    said = f"{plan['samples']:,} of each problem and cell"
    if not (how := plan["adaptive"]):
        return said
    until = f"until its 95 % interval is no wider than {how['adaptive']:g}"
    return f"at most {said}, {until}; at most {how['batch']:,} new problems a round"


def _lines(plan: dict[str, Any]) -> list[str]:
    cells, selected = plan["cells"], plan["problems_selected_at_most"]
    told = ", ".join(cells[:12]) + (f" and {len(cells) - 12} more" if len(cells) > 12 else "")
    bound = "at most " if selected is not None or plan["adaptive"] else ""
    rules = "" if selected is None else f", of which at most {selected:,} are selected"
    rows = [
        ("problems", f"{plan['problems']:,}{rules}"),
        ("samples", _samples(plan)),
        ("cells", f"{len(cells):,}: {told}" if cells != ["all"] else "1: there is no sweep"),
        (
            "rollouts",
            f"{bound}{plan['rollouts']:,}" + f", {bound}{plan['rollouts_a_cell']:,} a cell" * (len(cells) > 1),
        ),
        ("tokens", f"at most {plan['tokens_at_most']:,}, and {plan['tokens_a_rollout_at_most']:,} a rollout"),
    ]
    if plan["pool_models"]:
        models, n = ", ".join(plan["pool_models"]), plan["pool_samples_at_most"]
        rows.append(("pool", f"at most {n:,} samples by {models}, of at most {plan['pool_tokens_at_most']:,} tokens"))
    for name, model in plan["models"].items():
        if not (model["writes"] or model["tokens_after_the_question"]):
            rows.append((f"model {name}", f"{model['engine']}, writes nothing in this run"))
            continue
        has = f"{model['context']:,}" if model["context"] else "what the model allows"
        needs = f"up to {model['tokens_after_the_question']:,} tokens after the question"
        short = model["context"] is not None and model["context"] <= model["tokens_after_the_question"]
        late = "; a rollout that outgrows it ends as 'context full'" if short else ""
        rows.append((f"model {name}", f"{model['engine']}, context {has}; {needs}{late}"))
    rows += [("note", note) for note in plan["notes"]]
    width = max(len(head) for head, _ in rows)
    title = f"{' '.join(plan['title'].split())} ({plan['source']})" if plan["title"] else plan["source"]
    return [f"{title}: no mistakes", *(f"  {head:<{width}}  {words}" for head, words in rows)]
