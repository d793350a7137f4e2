"""The engine `simulated`: a model with known solve rates and known answers to steers, in virtual time."""

import hashlib
import json
import random
from array import array
from collections.abc import AsyncGenerator, Iterator, Mapping
from functools import lru_cache, partial
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from relay.clock import clock
from relay.engine import Delta, Purpose, Request, Words
from relay.engine.drawn_scores import drawn_scores
from relay.engine.replica import Cache, Replicas, Speed
from relay.engine.scoring import Score
from relay.engine.scripted import TEMPLATE, shipped
from relay.errors import EngineError, UserError
from relay.language.scenario import Model
from relay.language.shapes import Count, Fraction, Frozen, Says, Whole
from relay.problems import Problem
from relay.seam.templates import Template
from relay.simulate.rates import Rates, beta, logit_normal
from relay.simulate.reasoner import Behaviour, Reasoner, solo_tokens
from relay.simulate.steps import FILLER, Situation, Step, read, spelled, tag
from relay.simulate.study import Lengths
from relay.trajectory import Usage

STEPS = 50  # sentences of a thought, where it is long enough
SHORTEST = 24  # tokens of a sentence
LATE = "budget seconds"
Inside = Annotated[float, Field(gt=0, lt=1)]
Spread = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Curve = dict[Annotated[str, Field(pattern=r"^(0|1|0?\.[0-9]+)$"), Says("a share from 0 to 1")], Inside]


class Solves(Frozen):
    """How often the model solves the problems of a set by itself."""

    mean: Inside = 0.6
    icc: Inside = 0.4  # the correlation of two solos of one problem: 0 all problems alike, 1 always or never
    shape: Literal["logit-normal", "beta"] = "logit-normal"

    def rates(self) -> Rates:
        """The population."""
        return (beta if self.shape == "beta" else logit_normal)(self.mean, self.icc)


class Distracted(Frozen):
    """How much the effects of distractions differ, in log-odds."""

    sd: Spread = 0.0  # between distractions
    problem_sd: Spread = 0.0  # of one distraction, between problems


class Long(Frozen):
    """The length of a solo: log-normal."""

    mean: Positive = 400.0  # tokens
    sd: Spread = 0.3  # of the logarithm, between solos of one problem
    problem_sd: Spread = 0.3  # of the logarithm, between problems


class Fast(Frozen):
    """What one server does in a second of virtual time."""

    decode: Positive = 50.0  # tokens of one call, a second
    prefill: Positive = 5000.0  # prompt tokens, a second
    latency: Spread = 0.05  # seconds before anything else


class SimulatedModel(Model):
    """A model that is known: what the runtime, the pool and the tables make of it can be compared with the truth."""

    engine: Literal["simulated"] = "simulated"
    solves: Solves = Solves()
    recovers: Curve = Field(default={})  # accuracy after a distraction, by the share of its own thought that it keeps
    guided: Curve = Field(default={})  # accuracy after another's right thought on the problem, by the share of that
    distractors: Distracted = Distracted()
    slope_sd: Spread = 0.0  # how much problems differ in what a steer does to them, in log-odds
    states: Fraction | None = None  # from this share of a thought on its sentences state the answer
    tokens: Long = Long()
    speed: Fast = Fast()
    rows: Count = 64  # calls at once on one server
    replicas: Count = 1
    seed: Whole = 0  # which problems are hard for it

    async def words(self) -> Words:
        """Those of its engine, which has no weights."""
        tokenizer = shipped()
        return Words(tokenizer, Template(tokenizer, TEMPLATE, thinking=self.thinking), self.context or 32768)

    async def open(self, *, deterministic: bool = False) -> "Simulated":
        """The engine; it is deterministic in any case."""
        return Simulated(self.known(), await self.words())

    def known(self) -> "Known":
        """What the engine is told."""
        d, t, s = self.distractors, self.tokens, self.speed
        whole = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        name = hashlib.blake2b(whole.encode(), digest_size=8).hexdigest()
        return Known(
            name,
            Behaviour(
                self.solves.rates(), _by_share(self.recovers), _by_share(self.guided), d.sd, d.problem_sd,
                self.slope_sd, self.seed,
            ),
            Lengths(t.mean, t.sd, t.problem_sd, 1 << 20),
            Speed(s.decode, s.prefill, s.latency),
            self.rows, self.replicas, self.states,
        )  # fmt: skip


class Known(NamedTuple):
    """All there is to know of a simulated model."""

    name: str  # what tells it from others
    behaviour: Behaviour
    lengths: Lengths
    speed: Speed = Speed()
    rows: int = 64
    replicas: int = 1
    states: float | None = None


class Simulated:
    """An engine whose words are made up and whose rightness is drawn, by known chances, from what its prompt says."""

    def __init__(self, known: Known, words: Words) -> None:
        if not words.tokenizer.eos:
            raise UserError("a simulated model needs a tokenizer with an id that ends a turn")
        self.tokenizer, self.template, self.context = words
        self.rows = known.rows * known.replicas
        self.facts: Mapping[str, str] = {"engine": "simulated", "script": known.name}
        self.reasoner = Reasoner(known.behaviour)
        self.scoreless = ""  # only for a purpose: no text is measured by what is drawn
        self._known = known
        self._tag = tag(known.name)
        self._replicas = Replicas(self.rows, known.speed)
        self._cache = Cache()
        self._end = min(words.tokenizer.eos)
        self._encoded = lru_cache(maxsize=1 << 16)(lambda text: tuple(words.tokenizer.encode(text)))

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Go on from what the prompt says, up to the cut, for as long as it would take."""
        prompt, cut, speed = request.prompt, request.cut, self._known.speed
        if len(prompt) >= self.context:
            raise EngineError(f"a prompt of {len(prompt)} tokens does not fit into a context of {self.context}")
        ids = [i for i in self._says(request) if i not in request.banned][: cut.tokens]
        problem, sample, _, _, pen = request.purpose
        keys = (problem.id, (problem.id, sample, request.cell, pen))
        cached = self._cache.cached(prompt, *keys)
        now = clock().now
        wait = self._replicas.wait(now)
        left = request.seconds - wait  # without end for who sets no limit
        late = left < speed.seconds(len(prompt) - cached, len(ids))
        if late:
            del ids[speed.decoded_in(left, len(prompt) - cached) :]
        decoded = _fed(request, ids)
        seconds = wait + speed.seconds(len(prompt) - cached, decoded)
        if late and not cut.ended:
            cut.expire(LATE)
            seconds = request.seconds
        self._cache.keep((*prompt, *ids[:decoded]), *keys)
        self._replicas.take(now + seconds)
        await clock().until(now + seconds)
        yield Delta(tuple(ids[:decoded]), Usage(len(prompt) - cached, cached, decoded, seconds=max(seconds, 1e-6)))

    def scores_for(self, purpose: Purpose, cell: str) -> Score:
        """How probable it finds what a judge may say: drawn anew at each visit."""
        return partial(drawn_scores, self._known.name, self._replicas, purpose)

    async def aclose(self) -> None:
        """It holds nothing."""

    def _says(self, request: Request) -> Iterator[int]:
        """The rest of its turn, in ids."""
        problem, tokenizer = request.purpose.problem, self.tokenizer
        mine = tag(problem.id)
        seen = hashlib.blake2b(array("q", request.prompt), digest_size=8).hexdigest()
        draws = random.Random(f"{request.seed} {seen}")  # the same prompt is answered alike, another one anew
        situation = read(tokenizer.text_of(request.prompt), mine, self._tag)
        right = self._is_right(mine, situation, draws.random())
        think = tokenizer.think
        open_ = think is not None and think.open in request.prompt and think.close not in request.prompt
        if open_ or think is None:
            yield from self._thought(problem, mine, situation, right, draws.random())
        if open_ and think is not None:
            if think.close in request.banned:
                yield self._end
                return
            yield think.close
        yield from self._encoded(f"\n\nThe answer is {stated(problem, right=right)}.")
        yield self._end

    def _is_right(self, problem: str, situation: Situation, u: float) -> bool:
        """Whether its answer will be right: decided when it begins, and again after every steer."""
        if situation.mine and situation.last is not None:
            return situation.last.right
        return u < self.reasoner.chance(problem, situation)

    def _thought(self, problem: Problem, mine: str, situation: Situation, right: bool, u: float) -> Iterator[int]:
        """The sentences from where its own thought, or another's on this problem, ends."""
        length = solo_tokens(self._known.lengths, mine, self._known.behaviour.seed, u)
        steps = max(1, min(STEPS, length // SHORTEST))
        last, done = situation.last, situation.own
        if last is not None and last.problem == mine:
            done = max(done, last.number / last.of)
        if situation.mine and last is not None:
            steps = last.of
        filler = self._encoded(FILLER)
        for number in range(round(done * steps) + 1, steps + 1):
            head, tail = spelled(Step(mine, self._tag, number, steps, right))
            ids = [*self._encoded(head), *self._encoded(tail)]
            if self._known.states is not None and number > self._known.states * steps:
                ids += self._encoded(f" So it is {stated(problem, right=right)}")
            room = length * number // steps - length * (number - 1) // steps - len(ids) - 1
            yield from ids
            yield from (filler * (max(0, room) // len(filler) + 1))[: max(0, room)]
            yield from self._encoded(".")


def stated(problem: Problem, *, right: bool) -> str:
    """An answer as it is written down: the reference, or one that no verifier takes for it. Raises EngineError."""
    answer = problem.answer.strip()
    if problem.kind == "code":
        raise EngineError("a simulated model writes no programs: choose problems whose answer is a value")
    if right:
        return f"\\boxed{{{answer}}}" if problem.kind == "math" else answer
    if problem.kind == "choice" and len(answer) == 1:
        return "B" if answer.upper() == "A" else "A"
    if problem.kind == "math":
        other = str(int(answer) + 1) if answer.lstrip("-").isdecimal() else "-987654321"
        return f"\\boxed{{{other}}}"
    return f"not {answer[::-1]} at all" if problem.kind == "text" else "-987654321"


def _fed(request: Request, ids: list[int]) -> int:
    """How many of these ids the cut took."""
    cut = request.cut
    if cut.silent(ids):
        cut.feed(ids)
        return len(ids)
    return next((n for n, i in enumerate(ids, 1) if cut.feed((i,))), len(ids))


def _by_share(curve: Mapping[str, float]) -> dict[float, float]:
    return {float(share): accuracy for share, accuracy in curve.items()}
