"""The verbs: what a pen does at a node. One verb, one file, found through the entry points `relay.nodes`.

A verb is a class derived from `relay.language.scenario.Node`. Its fields are what the scenario says. Its method
`act(desk)` returns an `Act` or, where it has to wait, an async generator of `Tokens` events and, last, one `Act`.
"""

from asyncio import CancelledError
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from relay.deadline import Deadline
from relay.draws import seed_of
from relay.engine import Engine, Purpose, Sampling
from relay.errors import EngineError, TimeUpError
from relay.language.amounts import NOTHING_OF_IT, Amount, Cut, Paragraphs, Sentences, Share, Tokens, Unit
from relay.language.scenario import Need
from relay.pool import Solo
from relay.problems import Problem
from relay.seam.handoff import Reader
from relay.seam.pieces import Piece, keep, take
from relay.seam.policies import Policy
from relay.seam.templates import Head
from relay.seam.tokens import Tokenizer
from relay.trajectory import Segment, Usage
from relay.verifiers import Verifier
from relay.verifiers.workers import Pool as Workers
from relay.walk import Extra, Pen, StopReason

if TYPE_CHECKING:
    from relay.language.graph import Graph
    from relay.node.people import People


class Beside(NamedTuple):
    """What went on beside a visit while it was watched: a judge's word on it, or what was taken back of it."""

    node: str
    visit: int
    segment: Segment | None
    usage: Usage
    recoded: int
    extra: Extra


class Trip(NamedTuple):
    """A watcher stopped the visit."""

    watcher: str
    label: str  # what tripped it
    late: int  # tokens behind the place where it tripped that are settled


class Act(NamedTuple):
    """What a node did at one visit."""

    segment: Segment | None = None
    usage: Usage = Usage()
    rest: StopReason | None = None
    why: str = ""
    branches: int = 0
    starts: str = ""
    source: str = ""
    recoded: int = -1
    turn_ended: bool = False
    extra: Extra | None = None
    beside: tuple[Beside, ...] = ()
    trip: Trip | None = None


NOTHING = Act()


class Hand(NamedTuple):
    """A model as this rollout's problem meets it: the engine and the rendered head of every prompt."""

    engine: Engine
    head: Head
    others_ends: frozenset[int] = frozenset()  # ids that end the turn of a model with the same tokenizer, not its own
    policies: Mapping[str, Policy] = {}  # how it is given what others wrote, by their tokenizers' fingerprints


class Limits(NamedTuple):
    """What one pen may spend along its path."""

    tokens: int = 16384
    hops: int = 2000
    seconds: float = 600.0


WRONG = "wrong"  # of `unfinished:`; the other is "graded"


class Ticks:
    """A counter that the batch advances at each flush: an open segment is told of once a tick."""

    __slots__ = ("n", "watched")

    def __init__(self) -> None:
        self.n = 0
        self.watched = False  # whether somebody looks at open segments; else engines need not tell of them


class Stage(NamedTuple):
    """What all pens of one rollout share."""

    problem: Problem
    sample: int
    graph: "Graph"
    hands: Mapping[str, Hand]  # by model name
    seed: int
    limits: Limits = Limits()
    sampling: Sampling = Sampling()
    units: Mapping[str, Solo] = {}  # the pool sample that each node of this rollout uses
    algebra: Workers | None = None  # worker processes that compute what fractions cannot say
    ticks: Ticks | None = None  # None: somebody steps the iterator and wants every delta
    cell: str = ""  # the name of the rollout's cell
    verifier: Verifier | None = None  # the scenario's own; None: nothing is graded
    unfinished: str = WRONG  # or "graded": a thinking that was never closed
    rollout: int = -1  # its number in the run
    logprobs: bool = False  # whether writers are to say how probable each of their tokens was
    people: "People | None" = None  # those who take part; None: nobody can


class Desk:
    """Where a node works: the stage, the pen that visits, and one reader for each model."""

    __slots__ = ("_readers", "deadline", "pen", "pens", "stage", "visit")

    def __init__(
        self, stage: Stage, pen: Pen, deadline: Deadline, pens: Mapping[str, Pen] = MappingProxyType({})
    ) -> None:
        """`pens`: those of the rollout when this one set out; its own branches are at rest by then."""
        self.stage = stage
        self.pen = pen
        self.pens = pens
        self.visit = 1
        self.deadline = deadline
        self._readers: dict[str, Reader] = {}

    def turn(self, pen: Pen, visit: int) -> None:
        """The pen came to its next node."""
        self.pen = pen
        self.visit = visit

    def hand(self, model: str) -> Hand:
        """The model of this name. Raises EngineError when the run did not open it."""
        try:
            return self.stage.hands[model]
        except KeyError:
            raise EngineError(f"model {model!r} is not open in this run") from None

    def reader(self, model: str) -> Reader:
        """This pen's view of the trajectory in the model's own ids."""
        reader = self._readers.get(model)
        if reader is None:
            hand = self.hand(model)
            reader = self._readers[model] = Reader(hand.engine.tokenizer, hand.head, hand.policies)
        return reader

    @property
    def may_answer(self) -> bool:
        """Whether the node that the pen stands at may close the thinking."""
        return self.pen.node in self.stage.graph.answer

    @property
    def tokens_left(self) -> int:
        """How many tokens the pen's budget still holds."""
        return self.stage.limits.tokens - self.pen.tokens

    @property
    def solo(self) -> Solo | None:
        """The pool sample that this node uses in this rollout, if there is one."""
        return self.stage.units.get(self.pen.node)

    def tokenizer(self, model: str) -> Tokenizer:
        """The tokenizer of a model."""
        return self.hand(model).engine.tokenizer

    @property
    def some_tokenizer(self) -> Tokenizer:
        """A tokenizer for a text that has no author: that of the run's first model by name."""
        return self.tokenizer(min(self.stage.hands))

    @property
    def purpose(self) -> Purpose:
        """What a call made at this visit is for."""
        return Purpose(self.stage.problem, self.stage.sample, self.pen.node, self.visit, self.pen.path)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around a wait for an engine, in which nothing is yielded. Raises TimeUpError when the time is up."""
        try:
            self.deadline.arm()
            yield
        except CancelledError:
            if not self.deadline.took():
                raise
            raise TimeUpError("the rollout's time is up") from None
        finally:
            self.deadline.disarm()

    def luck(self, what: str = "luck") -> float:
        """A draw from 0..1 made at this visit."""
        return Random(self.seed(what)).random()

    def seed(self, what: str) -> int:
        """The seed of a draw made at this visit."""
        stage, pen = self.stage, self.pen
        return seed_of(stage.seed, stage.problem.id, stage.sample, what, pen.node, self.visit, pen.path)


def taken(solo: Solo, amount: Amount, cut: Cut, tokenizer: Tokenizer, unit: Unit = "tokens") -> Piece:
    """The first part of a pooled solo's thought; what follows the thinking is never taken."""
    thought = solo.text[: solo.thought]
    ids, _ = keep(tokenizer, solo.ids, thought.encode())
    match amount:
        case Share(share=share):
            return take(thought, ids, tokenizer, share=share, unit=unit, cut=cut)
        case Tokens(tokens=tokens):
            return take(thought, ids, tokenizer, tokens=tokens, cut=cut)
        case Sentences(sentences=sentences):
            return take(thought, ids, tokenizer, sentences=sentences)
        case Paragraphs(paragraphs=paragraphs):
            return take(thought, ids, tokenizer, paragraphs=paragraphs)


def missing(need: Need | None, desk: Desk) -> Act:
    """The pool holds no sample that this node could use: the rollout is left out, and counted."""
    assert need is not None  # only a node that needs a sample can miss one
    which = "" if need.where == "any" else f"{need.where} "
    which += "" if need.as_long_as == NOTHING_OF_IT else "long "
    why = f"no {which}sample of {need.model} on {need.of} for {desk.stage.problem.id}"
    return Act(rest=StopReason.MISSING, why=why)
