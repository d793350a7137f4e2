"""The verb `write`: a model goes on."""

from asyncio import CancelledError
from collections.abc import AsyncGenerator, Callable, Iterable
from functools import cached_property
from time import perf_counter
from typing import Annotated, Literal, NamedTuple

from relay.draws import generator
from relay.engine import Request
from relay.errors import EngineError
from relay.events import Tokens
from relay.language.amounts import NOTHING_OF_IT, Paragraphs, Sentences
from relay.language.amounts import Tokens as TokenAmount
from relay.language.scenario import ModelName, Need, Node, Opening, Until, UntilText
from relay.language.shapes import Kind, OneOf, OneOrMore
from relay.node import Act, Desk, Hand, missing, taken
from relay.node.people import NO_PEOPLE
from relay.node.watching import NOBODY, Nobody, Watching, watching_of
from relay.seam.cuts import Cut
from relay.seam.handoff import Prompt
from relay.seam.watched import TRIPPED
from relay.trajectory import Segment, Usage
from relay.walk import VETOED, Extra, StopReason


class Stops(NamedTuple):
    """What ends a visit: the earliest of these."""

    tokens: int | None = None
    sentences: int | None = None
    paragraphs: int | None = None
    texts: tuple[str, ...] = ()
    answered: bool = False  # the other stops do not hold in the answer
    closing: bool = False  # before the thinking would be closed


ONLY_THE_TURN = Stops(answered=True)
CLOSING = "closing"
Writers = Annotated[
    str | tuple[str, ...],
    OneOf(Kind("<model>", ModelName, of=(str,)), Kind("<turns>", OneOrMore[ModelName], of=(list, tuple))),
]


class Write(Node):
    """A model goes on, until the earliest of these; without `until`, to the end of its turn."""

    write: Writers
    order: Literal["as written", "by seed"] = "as written"  # of several writers, who take turns visit by visit
    opens_with: Opening | None = None  # in place of the first visit's writing
    until: OneOrMore[Until] | None = None

    def models(self) -> Iterable[str]:
        """Those that write."""
        return (self.write,) if isinstance(self.write, str) else self.write

    def need(self, name: str) -> Need | None:
        """The solo that it opens with."""
        opening = self.opens_with
        if opening is None or _is_nothing(opening):
            return None
        return Need(name, opening.pool, "this problem", opening.where, as_long_as=opening.as_long_as)

    def ends_turns(self) -> bool:
        """A model's turn can end here."""
        return True

    def most_tokens(self) -> int | None:
        """The tokens that `until` allows; an opening may be longer than that."""
        return None if self.opens_with else self.stops.tokens

    @cached_property
    def stops(self) -> Stops:
        """What ends a visit."""
        until = self.until or ()
        return Stops(
            min((u.tokens for u in until if isinstance(u, TokenAmount)), default=None),
            min((u.sentences for u in until if isinstance(u, Sentences)), default=None),
            min((u.paragraphs for u in until if isinstance(u, Paragraphs)), default=None),
            tuple(u.text for u in until if isinstance(u, UntilText)),
            "answered" in until,
            CLOSING in until,
        )

    def act(self, desk: Desk) -> Act | AsyncGenerator[Tokens | Act, None]:
        """Write until the cut says so; or replay the opening."""
        if self.opens_with is not None and desk.visit == 1:
            return self._replay(self.opens_with, desk)
        return self._write(desk)

    def writer(self, desk: Desk) -> str:
        """Whose turn it is: the model that a branch dealt to this pen, or the next one by visit."""
        dealt = desk.pen.dealt.get(desk.pen.node)
        if dealt is not None or isinstance(self.write, str):
            return dealt or str(self.write)
        turns = list(self.write)
        if self.order == "by seed":  # one order for the whole rollout, whichever pen asks
            stage = desk.stage
            generator(stage.seed, stage.problem.id, stage.sample, "order", desk.pen.node).shuffle(turns)
        return turns[(desk.visit - 1) % len(turns)]

    async def _write(self, desk: Desk) -> AsyncGenerator[Tokens | Act, None]:
        model = self.writer(desk)
        hand = desk.hand(model)
        prompt = desk.reader(model).prompt(desk.pen.trajectory)
        room = hand.engine.context - len(prompt.ids)
        if room < 1:
            why = f"{model}: {len(prompt.ids)} prompt tokens leave no room in {hand.engine.context}"
            yield Act(rest=StopReason.CONTEXT, why=why)
            return
        watching = watching_of(desk, model)
        cut = self._cut(desk, hand, room, watching.make)
        usage, began, deadline = Usage(), perf_counter(), desk.deadline
        unsure, entropy = desk.pen.node in desk.stage.graph.unsure, None
        ticks = desk.stage.ticks
        seen = -1 if ticks is None else ticks.n
        stage, banned = desk.stage, _banned(desk, hand, self.stops)
        watched, seconds = ticks is None or ticks.watched or watching.asks, stage.limits.seconds - desk.pen.seconds
        request = Request(
            prompt.ids, cut, stage.sampling, desk.seed("write"), banned, desk.purpose, cell=stage.cell,
            watched=watched, entropy=unsure, logprobs=stage.logprobs, seconds=seconds,
        )  # fmt: skip
        deltas, people = hand.engine.extend(request), stage.people or NO_PEOPLE
        people.begins(stage.rollout, desk.pen, cut, deadline)
        try:
            deadline.arm()
            async for delta in deltas:
                if delta.usage is not None:
                    usage = delta.usage
                if unsure and delta.entropy is not None:
                    entropy = delta.entropy
                if ticks is None or ticks.n != seen:
                    seen = -1 if ticks is None else ticks.n
                    deadline.disarm()
                    yield Tokens(desk.pen.path, desk.pen.node, desk.visit, len(cut.ids), cut.text)
                    deadline.arm()
                if watching.heed() or people.stops(stage.rollout, desk.pen):
                    await deltas.aclose()
                    break
        except BaseException as error:
            deadline.disarm()
            await deltas.aclose()  # leaving early aborts the request; an exhausted generator needs no closing
            if not isinstance(error, CancelledError) or not deadline.took():
                await watching.aclose()
                raise
            if deadline.expired and not watching.stops:
                cut.expire(StopReason.SECONDS)
        finally:
            deadline.disarm()
            people.ends(stage.rollout, desk.pen)
        if people.stops(stage.rollout, desk.pen) and not watching.stops:
            cut.expire(VETOED)
        act = await self._read(desk, model, prompt, cut, watching, usage, began)
        yield _unsure(act, entropy, cut, model) if unsure else act

    async def _read(
        self, desk: Desk, model: str, prompt: Prompt, cut: Cut, watching: Watching | Nobody, usage: Usage, began: float
    ) -> Act:
        """What was written, when all watchers have read it: what they leave of it, and where that sends the pen."""
        usage = Usage(usage.computed, usage.cached, 0, 0, usage.seconds or round(perf_counter() - began, 3))
        vetoed = cut.stopped == VETOED
        if watching is NOBODY and not vetoed:
            return self._wrote(desk, model, prompt, cut, usage)
        rest, why = await watching.done() if not vetoed else await watching.given_up()
        trip = watching.settled() if rest is None and not vetoed else None
        stopped = vetoed or trip is not None
        if stopped and not usage.computed + usage.cached:  # before its engine said what was cached
            usage = usage._replace(computed=len(prompt.ids))
        act = self._wrote(desk, model, prompt, cut, usage)
        beside, usage = watching.beside(act.usage)
        return act._replace(usage=usage, rest=rest, why=why, beside=beside, trip=trip)

    def _cut(self, desk: Desk, hand: Hand, room: int, make: Callable[..., Cut]) -> Cut:
        stops = self.stops
        if stops.answered and desk.pen.trajectory.closed:
            stops = ONLY_THE_TURN
        tokens, sentences, paragraphs, texts, *_ = stops
        limit, why = (tokens, "tokens") if tokens is not None else (desk.tokens_left, str(StopReason.TOKENS))
        if desk.tokens_left < limit:
            limit, why = desk.tokens_left, str(StopReason.TOKENS)
        if room < limit:
            limit, why = room, str(StopReason.CONTEXT)
        think = hand.engine.tokenizer.think
        if stops.closing and think is not None:  # to look at every token: it may be the one that closes
            texts = (*texts, hand.engine.tokenizer.text_of([think.close]))
        return make(
            hand.engine.tokenizer,
            tokens=limit,
            why_tokens=why,
            sentences=sentences,
            paragraphs=paragraphs,
            texts=texts,
            closes=desk.may_answer,
            after=desk.pen.trajectory,
        )

    def _wrote(self, desk: Desk, model: str, prompt: Prompt, cut: Cut, usage: Usage) -> Act:
        s = cut.settle()
        if self.stops.closing and s.stop == "closed_by_force":
            s = s._replace(stop=CLOSING)
        usage = Usage(usage.computed, usage.cached, len(s.ids) - s.recoded, s.thrown, usage.seconds)
        ended = s.turn_ended and desk.may_answer
        if not s.text and (s.turn_ended or s.stop == TRIPPED):
            return Act(usage=usage, recoded=prompt.recoded, turn_ended=ended)
        print_ = desk.tokenizer(model).fingerprint
        segment = Segment(desk.pen.node, model, s.text, s.ids, print_, s.stop, s.matched, s.closed)
        return Act(segment, usage, recoded=prompt.recoded, turn_ended=ended)

    def _replay(self, opening: Opening, desk: Desk) -> Act:
        solo = desk.solo
        if _is_nothing(opening):
            return Act()
        if solo is None:
            return missing(self.need(desk.pen.node), desk)
        tokenizer = desk.tokenizer(opening.pool)
        piece = taken(solo, opening.take, opening.cut, tokenizer, opening.unit)
        if opening.keep_paragraphs:
            least = taken(solo, Paragraphs(paragraphs=opening.keep_paragraphs), opening.cut, tokenizer)
            if len(piece.text) < len(least.text) < solo.thought:  # all of a thought is more than its opening
                piece = least
        if not piece.text:
            return Act(source=solo.source)
        segment = Segment(desk.pen.node, opening.pool, piece.text, piece.ids, solo.tokenizer, "replayed")
        return Act(segment, source=solo.source)


def _is_nothing(opening: Opening) -> bool:
    return opening.take == NOTHING_OF_IT and not opening.keep_paragraphs


def _banned(desk: Desk, hand: Hand, stops: Stops) -> frozenset[int]:
    """Only a node named by `answer:` may close the thinking, and once; nobody writes an id that ends a reader's turn.

    Where the closing ends the visit it may be tried: the cut takes it back.
    """
    think = hand.engine.tokenizer.think
    if think is None or stops.closing or (desk.may_answer and not desk.pen.trajectory.closed):
        return hand.others_ends
    return hand.others_ends | {think.close}


def _unsure(act: Act, entropy: float | None, cut: Cut, model: str) -> Act:
    """The act with how unsure its author was of its first id."""
    if entropy is not None:
        return act._replace(extra=Extra(entropy=entropy))
    if cut.ids and cut.stopped not in (VETOED, StopReason.SECONDS):  # else it may have had no time to say so
        raise EngineError(f"{model} cannot say how unsure it is: no edge can go by its entropy")
    return act
