"""Recorded models in a run: who counts their tokens, and their trajectories as a run uses them."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import tokenizers

from relay.engine import Engine
from relay.engine.recorded import Recorded, RecordedModel
from relay.errors import Mistake, UserError
from relay.language.reading import Reading, placed
from relay.language.scenario import Scenario
from relay.language.telling import Fault, did_you_mean
from relay.language.verifying import NONE
from relay.pool import Pool, Solo
from relay.problems import Problem
from relay.seam.tokens import CLOSE, Tokenizer
from relay.store.recordings import Recording, recorded_models, recording, verifiers


class RecordedPlan(NamedTuple):
    """What the pool holds of one recorded model."""

    model: str  # its name in the run
    engine: Engine
    address: str
    samples: int  # at most so many of each problem are used


def recordings(reading: Reading, names: Sequence[str], path: Path) -> dict[str, Recording]:
    """What the pool holds of the recorded models of these names. Raises UserError for what was never imported."""
    if not names:
        return {}
    found: dict[str, Recording] = {}
    faults: list[Fault] = []
    with closing(Pool(path)) as pool:
        for name in names:
            model = _model(reading.cells[0].scenario, name)
            here = _here(pool, model)
            if here is None and model.address is not None:
                what = f"the pool holds no solos at {model.address}"
                faults.append(Fault(("models", name, "address"), what, "`relay pool` lists what it holds"))
            elif here is None:
                near = did_you_mean(model.model, recorded_models(pool))
                what = f"the pool holds no recorded model {model.model!r}"
                faults.append(Fault(("models", name, "model"), what, near or "`relay pool import FILE` puts it there"))
            else:
                found[name] = here
    if faults:
        raise UserError(*placed(faults, reading.places, reading.source))
    return found


def engines(reading: Reading, found: Mapping[str, Recording], opened: Mapping[str, Engine]) -> dict[str, Engine]:
    """The recorded models as authors.

    Their tokens are those of the tokenizer given at the import; without one, those of the run's first model by name.
    """
    made: dict[str, Engine] = {}
    for name, (_, own) in found.items():
        tokenizer = opened[min(opened)].tokenizer if own is None else _read(own)
        model = _model(reading.cells[0].scenario, name)
        made[name] = Recorded(model.model, tokenizer, model.address or "")
    return made


def _read(tokenizer: str) -> Tokenizer:
    return Tokenizer.from_rust(tokenizers.Tokenizer.from_str(tokenizer))


def _model(scenario: Scenario, name: str) -> RecordedModel:
    model = scenario.models[name]
    assert isinstance(model, RecordedModel)  # the only kind that does not write
    return model


def _here(pool: Pool, model: RecordedModel) -> Recording | None:
    """Where its trajectories are: those imported under its name, or those at its address."""
    if model.address is None:
        return recording(pool, model.model)
    there = pool.db.execute("SELECT 1 FROM made WHERE address = ?", (model.address,)).fetchone()
    return there and Recording(model.address, None)


def plan_of(scenario: Scenario, name: str, engine: Engine, pool: Pool, problems: Iterable[Problem]) -> RecordedPlan:
    """What this run may use of a recorded model. Raises UserError where there is nothing that it could use."""
    model = _model(scenario, name)
    assert scenario.pool is not None  # reading refuses a pool's use without `pool:`
    here = _here(pool, model)
    assert here is not None  # its engine was made from it
    plan = RecordedPlan(name, engine, here.address, scenario.pool.samples)
    graders = verifiers(pool, here.address)
    if scenario.verify.name not in (NONE, *graders):
        by = " and ".join(graders)
        what = f"the recorded solos of {model.model!r} were graded by {by}, not {scenario.verify.name!r}"
        instead = f"write 'verify: {graders[0]}'; `relay report RUN --regrade` grades the run once more"
        raise UserError(Mistake("verify", what, instead))
    if not any(pool.outcomes(here.address, p, plan.samples) for p in problems):
        what = f"nothing of {model.model!r} is recorded on any of these problems, which are known by their texts"
        raise UserError(Mistake("problems", what, "take the file that was imported"))
    return plan


def with_ids(solo: Solo, tokenizer: Tokenizer) -> Solo:
    """A recorded trajectory in its author's ids; characters that these cannot spell are left out of it."""
    thought, rest = solo.text[: solo.thought], solo.text[solo.thought :]
    ids = tokenizer.encode(thought)
    thought = tokenizer.text_of(ids)
    closing = [tokenizer.think.close] if tokenizer.think and rest.startswith(CLOSE) else []
    after = tokenizer.encode(rest.removeprefix(CLOSE) if closing else rest)
    ids += [*closing, *after]
    return solo._replace(
        text=tokenizer.text_of(ids), ids=tuple(ids), tokenizer=tokenizer.fingerprint, thought=len(thought)
    )
