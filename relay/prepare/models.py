"""Opening a run's models, what makes each of them what it is, and the refusal of any other in their place."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager

from relay.batch import Tally
from relay.engine import Engine, Failing, Telling
from relay.engine.scoring import scoreless
from relay.errors import Mistake, UserError
from relay.language.scenario import Model, Scenario
from relay.prepare.jobs import CellPlan
from relay.prepare.run import Watcher
from relay.store.writer import RunWriter

GIVEN_UP = "given up"  # beside the kinds of failures: calls of which the last try failed too
KEEP = "INSERT OR REPLACE INTO meta VALUES (?, ?)"
PASSING = ("torch", "transformers", "vllm", "device", "server")  # how facts begin that may differ when a run goes on


async def load_models(
    scenario: Scenario,
    names: Iterable[str],
    given: Mapping[str, Engine],
    watcher: Watcher,
    stack: AsyncExitStack,
    deterministic: bool = False,
) -> dict[str, Engine]:
    """The engines of these models, open until the stack ends, beside those that are given."""
    opened, twins = dict(given), dict[str, str]()
    alone: dict[str, Model] = {}
    for name in sorted(set(names) - set(given)):
        model = scenario.models[name]
        twin = next((n for n in (*opened, *alone) if scenario.models[n] == model), None)
        if twin is None:
            alone[name] = model
        else:  # the same model under two names is loaded once
            twins[name] = twin
    kinds: dict[type[Model], None] = dict.fromkeys(type(model) for model in alone.values())
    for kind in kinds:
        beside = await kind.side_by_side({name: model for name, model in alone.items() if type(model) is kind})
        for name, model in beside.items():
            watcher.phase(f"loading {name}", Tally())
            opened[name] = await model.open(deterministic=deterministic)
            stack.push_async_callback(opened[name].aclose)
            for note in notes_of({name: opened[name]}):
                watcher.note(note)
    return opened | {name: opened[twin] for name, twin in twins.items()}


def refuse_logprobs(scenario: Scenario) -> None:
    """Engines that cannot say how probable a token was are told of before a model is loaded. Raises UserError."""
    if cannot := {name: model.engine for name, model in scenario.models.items() if not model.says_logprobs}:
        engines = ", ".join(sorted(set(cannot.values())))
        what = f"engine {engines} gives no log-probabilities: {', '.join(sorted(cannot))}"
        raise UserError(Mistake("--logprobs", what, "leave it out, or say `engine: vllm`"))


def refuse_scoreless(cells: Iterable[CellPlan], engines: Mapping[str, Engine]) -> None:
    """A node that weighs what may be said needs a model that says how probable it is. Raises UserError."""
    asked = {
        (name, node)
        for cell in cells
        for node, verb in cell.graph.nodes.items()
        if node not in cell.graph.passed
        for name in verb.weighs()
    }
    whys = {(name, node): scoreless(engines[name]) for name, node in sorted(asked) if name in engines}
    if found := [
        Mistake(f"models.{name}", f"cannot weigh the labels of {node!r} (`score: mean`): {why}")
        for (name, node), why in whys.items()
        if why
    ]:
        raise UserError.of(found)


def notes_of(engines: Mapping[str, Engine]) -> list[str]:
    """What the user should know of these models."""
    return [f"{name}: {note}" for name, e in _each_once(engines) if isinstance(e, Telling) for note in e.notes]


@contextmanager
def counting_failures(writer: RunWriter, engines: Mapping[str, Engine]) -> Iterator[Callable[[], None]]:
    """Whatever ends it, the run file says how often calls failed, in earlier sessions of the run too.

    What it gives notes the failures so far for the next flush: a process that is killed says nothing at its end.
    """
    before = writer.meta("failures") or {}
    told = before

    def note() -> None:
        nonlocal told
        if (now := _added(before, engines)) != told:
            told = now
            writer.beside(KEEP, ("failures", json.dumps(now)))

    try:
        yield note
    finally:
        if (now := _added(before, engines)) != before:
            with writer.at_once():
                writer.put_meta(failures=now)


def _added(before: Mapping[str, Mapping[str, int]], engines: Mapping[str, Engine]) -> dict[str, Counter[str]]:
    """The failures of earlier sessions and of these engines."""
    now = {name: Counter(found) for name, found in before.items()}
    for name, engine in _each_once(engines):
        if isinstance(engine, Failing) and engine.failures:
            now.setdefault(name, Counter()).update({**engine.failures, GIVEN_UP: engine.given_up})
    return now


def _each_once(engines: Mapping[str, Engine]) -> Iterator[tuple[str, Engine]]:
    """A model that is loaded once under two names stands under the first."""
    seen = set()
    for name, engine in engines.items():
        if id(engine) not in seen:
            seen.add(id(engine))
            yield name, engine


def refuse_other_models(writer: RunWriter, facts: Mapping[str, Mapping[str, str]]) -> None:
    """A run goes on with the models that it began with, or not at all."""
    for name, before in (writer.meta("models") or {}).items():
        now = facts.get(name, before)
        changed = [k for k in before if not k.startswith(PASSING) and before[k] != now.get(k)]
        if changed:
            told = ", ".join(f"{k} was {before[k]} and is {now.get(k)}" for k in changed)
            raise UserError(
                Mistake(
                    f"{writer.path}: model {name!r}", f"is not the one the run began with: {told}", "start a new run"
                )
            )


def facts_of(engines: Mapping[str, Engine]) -> dict[str, dict[str, str]]:
    """What made each model's tokens, as the run file keeps it."""
    return {
        name: {**e.facts, "tokenizer": e.tokenizer.fingerprint, "template": e.template.fingerprint}
        for name, e in engines.items()
    }
