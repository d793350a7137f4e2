"""Engines: what turns prompt ids into more ids. One verb, `extend`, and `aclose`.

A wrapper (throttle, retry, record) is an engine that holds an engine. An engine kind is found by its
name through the entry-point group `relay.engines`; built-ins register the way a third party does.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from relay.problems import Problem
from relay.trajectory import Usage

if TYPE_CHECKING:
    from relay.seam.cuts import Cut
    from relay.seam.templates import Template
    from relay.seam.tokens import Tokenizer


class Purpose(NamedTuple):
    """What a call is for; with the run's seed it names every random draw. Never the cell."""

    problem: Problem
    sample: int
    node: str
    visit: int
    pen: str


class Sampling(NamedTuple):
    """How the next token is drawn."""

    temperature: float = 0.6  # 0: the most probable token
    top_p: float = 0.95


class Request(NamedTuple):
    """One call of an engine: continue these ids until the cut says so."""

    prompt: list[int]
    cut: "Cut"
    sampling: Sampling
    seed: int  # 63 bits, from (seed, problem, sample, purpose)
    banned: frozenset[int]  # ids that may not be drawn (closing the thinking, for most)
    purpose: Purpose
    logprobs: bool = False  # whether deltas carry the log-probability of each id
    cell: str = ""  # the name of the cell; for recordings alone, no draw may hang on it
    watched: bool = False  # somebody reads along: deltas as they come, not all ids at the end
    entropy: bool = False  # whether the first delta says how unsure the model was of its first id
    urgent: bool = False  # somebody waits for it, and it is short: a judge's call goes before a writer's
    seconds: float = inf  # that the pen may still take; for engines in virtual time, on others the deadline acts


class Delta(NamedTuple):
    """Some more ids. The last delta of a call carries the usage."""

    ids: tuple[int, ...]
    usage: Usage | None = None
    logprobs: tuple[float, ...] = ()  # of each id, natural, among those allowed, at temperature 1; where asked for
    entropy: float | None = None  # in nats, of what the call's first id is drawn from at temperature 1; where asked for


class Words(NamedTuple):
    """How a model reads and spells: all of an engine that needs no weights."""

    tokenizer: "Tokenizer"
    template: "Template"
    context: int  # tokens of prompt and continuation together


@runtime_checkable
class Scores(Protocol):
    """What an engine may do besides: say how probable given ids are. For judges and for reading a text's surprise."""

    async def score(self, prompt: Sequence[int], continuations: Sequence[Sequence[int]]) -> list[tuple[float, ...]]:
        """The natural log-probability of each id of each continuation of this prompt. Nothing is drawn.

        Raises EngineError when the model fails, or cannot read so much.
        """
        ...


@runtime_checkable
class Telling(Protocol):
    """What an engine may have besides: things that the user should know of it."""

    @property
    def notes(self) -> Sequence[str]:
        """One sentence each."""
        ...


@runtime_checkable
class Failing(Protocol):
    """What an engine whose calls can fail has besides: how often they did."""

    @property
    def failures(self) -> Mapping[str, int]:
        """Tries that failed, by kind ("429", "reset"), those included that another try mended."""
        ...

    @property
    def given_up(self) -> int:
        """Calls that were given up, each with its rollout."""
        ...


class Engine(Protocol):
    """A model that continues ids.

    `extend` feeds every new id to `request.cut` in order and ends as soon as `cut.feed` returns True.
    Leaving its iterator early (`aclosing`) aborts the request. It raises EngineError when the model fails.
    """

    @property
    def tokenizer(self) -> "Tokenizer":
        """What turns its text into ids."""
        ...

    @property
    def template(self) -> "Template":
        """What turns a question into the head of its prompts."""
        ...

    @property
    def context(self) -> int:
        """How many tokens prompt and continuation may have together."""
        ...

    @property
    def rows(self) -> int:
        """How many calls at once keep it busy."""
        ...

    @property
    def facts(self) -> Mapping[str, str]:
        """What made it: model, revision, dtype, device, versions; kept in the run file."""
        ...

    def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Continue the prompt; an async generator of deltas."""
        ...

    async def aclose(self) -> None:
        """Give back what it holds."""
        ...
