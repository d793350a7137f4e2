"""Which problems a scenario is about: where they come from, and which are kept by how often models solve them alone."""

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from relay import registry
from relay.language.amounts import NOTHING_OF_IT, Length, Tokens
from relay.language.shapes import Count, Frozen, Kind, OneOf, OneOrMore, Says, Scalar, Text, Whole, wrong
from relay.language.verbs import PooledModel


def _set_or_file(source: str) -> str:
    sets = registry.names(registry.PROBLEMS)
    if source in sets or source.partition(":")[0] in sets or "/" in source or "." in source:
        return source
    raise wrong(
        f"there is no problem set {source!r}",
        sets,
        instead="'relay problems' lists the sets; a file has a slash or a dot",
    )


class Problems(Frozen):
    """Which problems. Short: the name of a set, or a file (a slash or a dot shows it)."""

    from_: Annotated[str, AfterValidator(_set_or_file), Field(alias="from")]
    path: Text | None = None  # a file or folder to read a set of the hub's from
    split: Text | None = None  # of a set of the hub's, or of a folder; None: the usual one
    limit: Count | None = None
    shuffle: bool = False
    fields: dict[Literal["id", "question", "answer"], str] = Field({})  # a file's columns
    where: dict[str, OneOrMore[Scalar]] = Field({})  # column: its good values
    seed: Whole = 0  # which draw of a set without an end; the order of options


def _all_of(source: str) -> Problems:
    return Problems.model_validate({"from": source})


AnyProblems: TypeAlias = Annotated[
    Problems,
    OneOf(
        Kind("<name>", Annotated[str, AfterValidator(_set_or_file), AfterValidator(_all_of)], of=(str,)),
        Kind("<problems>", Problems, of=(dict,)),
    ),
]


class Pool(Frozen):
    """Solo trajectories sampled before the run and kept for others."""

    samples: Count = 8
    tokens: Count | None = None  # of each sample; None: what the budget gives a rollout


def _of_the_pool(ratio: str, info: ValidationInfo) -> str:
    k, n = map(int, ratio.split("/"))
    samples = (info.context or {}).get("samples")
    if k > n:
        raise wrong(f"{k} of {n} cannot be")
    if isinstance(samples, int) and n != samples:
        raise wrong(f"the pool holds {samples} samples, not {n}", instead=f"write it as ../{samples}")
    return ratio


Ratio: TypeAlias = Annotated[
    Annotated[str, Field(pattern=r"^[0-9]{1,6}/[0-9]{1,6}$"), Says("a share of the pool's samples, such as 4/8")],
    AfterValidator(_of_the_pool),
]


class Solved(Frozen):
    """Problems of which a model solves so many pool samples."""

    solved: PooledModel
    at_least: Ratio | None = None
    at_most: Ratio | None = None
    as_long_as: Length = NOTHING_OF_IT  # a right sample's thinking: so many tokens

    @model_validator(mode="after")
    def _bounds(self) -> "Solved":
        if self.least is None and self.most is None:
            raise wrong("'at_least' or 'at_most' is missing")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise wrong(f"no problem is solved at least {self.at_least} and at most {self.at_most}", at=("at_most",))
        if not isinstance(self.as_long_as, Tokens) and self.as_long_as != NOTHING_OF_IT:
            instead = "write it as {tokens: 4096}"
            raise wrong(
                "which problems are selected cannot hang on a share of theirs", at=("as_long_as",), instead=instead
            )
        if isinstance(self.as_long_as, Tokens) and self.most == 0:
            raise wrong("no sample is right of a problem that is never solved", at=("as_long_as",))
        return self

    @property
    def tokens(self) -> int:
        """Of the thinking of a right sample, at least so many."""
        return self.as_long_as.tokens if isinstance(self.as_long_as, Tokens) else 0

    @property
    def least(self) -> int | None:
        """At least so many samples."""
        return int(self.at_least.split("/")[0]) if self.at_least else None

    @property
    def most(self) -> int | None:
        """At most so many samples."""
        return int(self.at_most.split("/")[0]) if self.at_most else None


class Select(Frozen):
    """Which problems to keep, by how often models solve them alone; several rules must all hold."""

    problems: OneOrMore[Solved]
    limit: Count | None = None
    evenly: PooledModel | None = None  # of this model's solve rates as many problems each as there are, where it can be

    @model_validator(mode="after")
    def _of_so_many(self) -> "Select":
        if self.evenly is not None and self.limit is None:
            raise wrong("has no meaning without a limit: all that fit are kept", at=("evenly",), instead="add `limit:`")
        return self
