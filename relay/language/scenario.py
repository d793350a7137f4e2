"""The scenario file as types: `relay/1`, one verb a node, every default said in the types."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from relay.language.graphs import Edge, GraphSpec, Used
from relay.language.models import Engines, Model
from relay.language.prices import Prices
from relay.language.samples import Adaptive, Samples
from relay.language.selecting import AnyProblems, Pool, Problems, Select, Solved
from relay.language.shapes import Count, Frozen, Name, OneOrMore, Text, Whole, wrong
from relay.language.sweeps import Let, Sweep
from relay.language.verbs import (
    ENDS,
    Entered,
    GivenText,
    ModelName,
    Need,
    Node,
    NodeName,
    Opening,
    Pick,
    PooledModel,
    PoolPick,
    Target,
    Until,
    UntilText,
)
from relay.language.verifying import MATH, NONE, AnyVerify, Verify

__all__ = [
    "EACH_AUTHOR", "ENDS", "Adaptive", "Budget", "Edge", "Entered", "GivenText", "GraphSpec", "Model", "ModelName",
    "Need", "Node",
    "NodeName", "Opening", "Pick", "Pool", "PoolPick", "PooledModel", "Problems", "SamplingSpec", "Scenario", "Select",
    "Solved", "Target", "Tests", "Until", "UntilText", "Verify",
]  # fmt: skip


class Budget(Frozen):
    """What one pen may spend along its path before the rollout ends."""

    tokens: Count = 16384
    hops: Count = 2000
    seconds: Annotated[float, Field(gt=0)] = 600.0


class SamplingSpec(Frozen):
    """How the next token is drawn."""

    temperature: Annotated[float, Field(ge=0)] = 0.6
    top_p: Annotated[float, Field(gt=0, le=1)] = 0.95


class Comparison(Frozen):
    """Two cells, by name."""

    cell: Text
    against: Text


class Tests(Frozen):
    """What will be asked of the cells; said before the run, so that what is seen cannot choose it."""

    named: OneOrMore[Comparison] = ()  # their p-values are adjusted together, after Holm
    grid: Text | None = None  # every other cell against this one; after Benjamini and Hochberg


EACH_AUTHOR = "without each author"
_OF_A_MODEL = re.compile(r"(solo|self-consistency ([0-9]+) of|best of ([0-9]+) of) (.+)")
MOST_VOTES = 1000


def _baseline(said: str, info: ValidationInfo) -> str:
    """As `relay.language.baselines` lists them."""
    context = info.context or {}
    models, nodes = context.get("model"), context.get("node")
    if found := _OF_A_MODEL.fullmatch(said):
        times = int(found[2] or found[3] or 2)
        if not 2 <= times <= MOST_VOTES:
            raise wrong(f"{times:,} solos cannot vote", instead=f"2 to {MOST_VOTES:,} can")
        if models is None or found[4] in models:
            return said
    elif said == EACH_AUTHOR or (said.startswith("without ") and (nodes is None or said[8:] in nodes)):
        return said
    ways = ("solo", "self-consistency 4 of", "best of 4 of")
    good = [f"{way} {model}" for way in ways for model in sorted(models or ())]
    good += [EACH_AUTHOR, *(f"without {node}" for node in sorted(nodes or ()))]
    raise wrong(f"should be 'solo' and the name of a model, or another baseline, not {said!r}", good)


class Scenario(Frozen):
    """A scenario: who may write after whom, about what, until when, and what is counted."""

    relay: Literal[1]  # the version of the language
    title: str = ""
    let: Let = Field({})  # values by name, for "{name}" anywhere below
    models: Annotated[dict[Name, Annotated[Model, Engines()]], Field(min_length=1)]
    problems: AnyProblems
    pool: Pool | None = None
    graph: GraphSpec
    graphs: dict[Name, Used] = Field({})  # graphs that stand in this one's nodes with `use:`
    budget: Budget = Budget()
    sampling: SamplingSpec = SamplingSpec()
    samples: Samples = 1  # continuations of each problem and cell
    seed: Whole = 0
    verify: AnyVerify = MATH
    unfinished: Literal["wrong", "graded"] = "wrong"  # a thinking that was never closed
    sweep: Sweep | None = None
    select: Select | None = None
    compare: tuple[Annotated[str, AfterValidator(_baseline)], ...] = ()  # "solo MODEL", "without NODE", ...
    tests: Tests | None = None
    prices: Prices = Field({})  # what each model is paid with, for reports and forecasts

    @property
    def adaptive(self) -> Adaptive | None:
        """How it is decided how many continuations there are; None: it is said."""
        return self.samples if isinstance(self.samples, Adaptive) else None

    @property
    def most_samples(self) -> int:
        """Continuations of each problem and cell, at most."""
        return self.samples.at_most if isinstance(self.samples, Adaptive) else self.samples

    @model_validator(mode="after")
    def _written_by_those_who_can(self) -> "Scenario":
        for name, node in self.graph.nodes.items():
            for model in node.models():
                if model in self.models and not self.models[model].writes:
                    what = f"{model!r} cannot write: it is only recorded"
                    instead = "its solos can be taken with 'insert' and 'opens_with'"
                    raise wrong(what, at=("graph", "nodes", name), instead=instead)
        return self

    @model_validator(mode="after")
    def _judged_by_those_who_can(self) -> "Scenario":
        for model in self.verify.models():
            if model in self.models and not self.models[model].writes:
                what = f"{model!r} cannot judge: it is only recorded"
                raise wrong(what, at=("verify",), instead="name another model")
        return self

    @model_validator(mode="after")
    def _graded_where_it_matters(self) -> "Scenario":
        if self.verify.name == NONE:
            instead = "name a verifier in 'verify'"
            if self.adaptive is not None:
                raise wrong("with 'verify: none' no interval has a width", at=("samples",), instead=instead)
            if self.select is not None:
                raise wrong("with 'verify: none' no solo is correct", at=("select",), instead=instead)
            for name, node in self.graph.nodes.items():
                need = node.need(name)
                if need is not None and need.where != "any":
                    at = ("graph", "nodes", name)
                    raise wrong(f"with 'verify: none' no solo is {need.where}", at=at, instead=instead)
        return self
