"""What stands behind a node: the verbs, found through their entry points. A third party's derives from `Node`."""

from abc import abstractmethod
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, TypeAlias

from pydantic import AfterValidator, ValidationInfo

from relay import registry
from relay.language.amounts import (
    NOTHING_OF_IT,
    PARAGRAPHS,
    SENTENCES,
    TOKENS,
    Amount,
    Cut,
    Length,
    Paragraphs,
    Sentences,
    Share,
    Tokens,
    Unit,
)
from relay.language.shapes import Count, Frozen, Kind, Known, OneOf, Text, Whole, wrong

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from relay.events import Tokens as Grew
    from relay.language.watching import Watches
    from relay.node import Act, Desk

ENDS = ("end", "refuse", "join")


def _pooled(model: str, info: ValidationInfo) -> str:
    if info.context and info.context.get("samples", 0) is None:
        raise wrong("this takes from a pool, and there is none", instead="write 'pool: {samples: 8}' at the top level")
    return model


NodeName: TypeAlias = Annotated[str, Known("node")]
ModelName: TypeAlias = Annotated[str, Known("model")]
PooledModel: TypeAlias = Annotated[str, Known("model"), AfterValidator(_pooled)]
Outcome: TypeAlias = Literal["correct", "wrong", "any"]
Entered: TypeAlias = Annotated[str, Known("node", enters=True)]
Target: TypeAlias = Annotated[str, Known("node", *ENDS, enters=True)]


class Need(NamedTuple):
    """What a node takes from the pool at a rollout's start."""

    node: str
    model: str
    of: str  # "this problem", "another problem" or "any other problem"
    where: str  # "correct", "wrong" or "any"
    among: int | None = None  # so many different solos serve all rollouts; None: as many as there are
    as_long_as: Share | Tokens = NOTHING_OF_IT  # its thinking: that share of the solos is shorter, or so many tokens


class Node(Frozen):
    """A step of the graph. The field named like the verb comes first and says who or what."""

    def models(self) -> "Iterable[str]":
        """The models that this node calls."""
        return ()

    def weighs(self) -> "Iterable[str]":
        """Those of them that must say how probable a text is."""
        return ()

    def need(self, name: str) -> Need | None:
        """What this node, which bears this name, takes from the pool."""
        return None

    def ends_turns(self) -> bool:
        """Whether a model writes here, whose turn can end: only such a node can answer."""
        return False

    def starts(self) -> str | None:
        """The node at which pens start when one comes here."""
        return None

    def picks(self) -> bool:
        """Whether a branch's pens end here, and one of them is gone on from."""
        return False

    def races(self) -> bool:
        """Whether the first of these pens to rest is the one, and the others are stopped."""
        return False

    def leaves(self) -> bool:
        """Whether nothing is done here, behind a graph that is used: no scenario has such a node, `use` becomes one."""
        return False

    def rules(self) -> bool:
        """Whether it gives a label or a score, for edges to go by."""
        return False

    def may_say(self) -> tuple[str, ...]:
        """The labels that it may give; none: it gives none, or any."""
        return ()

    def watches(self) -> "Watches | None":
        """What it reads while others write."""
        return None

    def writes_anew(self) -> bool:
        """Whether one more visit gives another text: where a person takes one back, such a node goes on from there."""
        return self.ends_turns()

    def asks(self) -> bool:
        """Whether a person is asked here."""
        return False

    def most_tokens(self) -> int | None:
        """At most so many tokens at one visit; None: only the budget limits it."""
        return None

    @abstractmethod
    def act(self, desk: "Desk") -> "Act | AsyncGenerator[Grew | Act, None]":
        """One visit: an `Act`, or any number of `Tokens` events and, last, one `Act`."""


class Opening(Frozen):
    """The first part of a pooled solo on this problem, in place of the first visit's writing."""

    pool: PooledModel
    where: Outcome = "any"
    as_long_as: Length = NOTHING_OF_IT  # its thinking: as that share of the solos on the run's problems, or so long
    take: Amount = Share(share=1)
    unit: Unit = "tokens"  # what a share counts in
    cut: Cut = "nearest"
    keep_paragraphs: Whole = 0  # at least so many, however little `take` is; but never all of the thought


class UntilText(Frozen):
    """Until this text has been written; it is kept."""

    text: Text


Until: TypeAlias = Annotated[
    str | UntilText | Sentences | Tokens | Paragraphs,
    OneOf(
        Kind("<word>", Literal["answered", "closing"], of=(str,)),
        Kind("<text>", UntilText, "text"),
        SENTENCES,
        TOKENS,
        PARAGRAPHS,
    ),
]


class PoolPick(Frozen):
    """A solo from the pool: on this problem or on another one."""

    pool: PooledModel
    of: Literal["this problem", "another problem", "any other problem"]  # "another": with another answer
    where: Outcome = "any"
    as_long_as: Length = NOTHING_OF_IT  # its thinking: as that share of the solos on the run's problems, or so long
    among: Count | None = None  # so many different solos serve all rollouts; None: as many as there are


class GivenText(Frozen):
    """A text as it stands."""

    text: Text


Pick: TypeAlias = Annotated[
    PoolPick | GivenText, OneOf(Kind("<pool>", PoolPick, "pool"), Kind("<text>", GivenText, "text"))
]


class Verbs(OneOf):
    """The registered verbs."""

    def __init__(self) -> None:
        super().__init__()

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """The verbs, each told by its key."""
        nodes = registry.load_all(registry.NODES)
        return tuple(Kind(f"<{verb}>", node, verb) for verb, node in nodes.items())

    def exact(self, value: object) -> str | None:
        """The tag of this node's verb; a verb may be a setting of another one, as a judge's `ask` is."""
        verbs = self._verbs(value)
        for kind in self.kinds if len(verbs) > 1 else ():
            if kind.key in verbs and verbs - {kind.key} <= set(kind.type.model_fields):
                return kind.tag
        return super().exact(value)

    def __call__(self, value: object) -> str | None:
        """The tag; a verb with a typo counts where what looks like a verb is a setting of it."""
        if not isinstance(value, dict):
            return super().__call__(value)
        verbs = self._verbs(value)
        for kind in self.kinds if verbs else ():
            if kind.key and kind.key not in verbs and verbs <= set(kind.type.model_fields):
                own = set(next(k.type.model_fields for k in self.kinds if k.key in verbs))
                if get_close_matches(kind.key, [str(key) for key in value if key not in own], 1):
                    return kind.tag
        return super().__call__(value)

    def _verbs(self, value: object) -> set[str]:
        return set(value) & set(self.heads) if isinstance(value, dict) else set()
