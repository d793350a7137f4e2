"""The verb `judge`: a model's word on what was written, or a rule's, for the edges to go by."""

import math
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from functools import cached_property
from typing import Annotated, Literal

from pydantic import model_validator

from relay.clock import Stopwatch
from relay.engine import Request, Sampling
from relay.engine.scoring import scoring
from relay.errors import EngineError
from relay.events import Tokens
from relay.language.conditions import AnyCondition
from relay.language.scenario import Entered, ModelName, Node
from relay.language.shapes import Count, Frozen, Kind, OneOf, Text, wrong
from relay.node import Act, Desk, Hand
from relay.node.labels import Labels, worth_of
from relay.seam.cuts import Cut
from relay.trajectory import Segment, Usage
from relay.walk import PRIVATE, Extra, StopReason


class Rule(Frozen):
    """A condition as a judge: its label is "yes" or "no", its score 1 or 0."""

    rule: AnyCondition


GREEDY = Sampling(temperature=0.0)


class Judge(Node):
    """A model is asked about the thought so far and says one of the labels; nobody else reads what it says."""

    judge: Annotated[
        str | Rule,
        OneOf(Kind("<model>", ModelName, of=(str,)), Kind("<rule>", Rule, "rule")),
    ]
    ask: Text | None = None  # what it is asked, written behind the thought; a model's
    labels: Labels | None = None  # what it may say; with what each is worth, or the numbers themselves
    score: Literal["argmax", "mean"] = "argmax"  # what the label that it says is worth; or the mean of all, by chance
    tokens: Count | None = None  # at most so many of its own before the label, which then stands last
    place: Literal["thought"] | None = None  # where question and label are put; None: nobody else reads them
    ahead: Entered | None = None  # this node's next visit starts before the word is said

    @model_validator(mode="after")
    def _asked(self) -> "Judge":
        of_models = {"ask": self.ask, "labels": self.labels}
        if isinstance(self.judge, Rule):
            for key in ("ask", "labels", "tokens", "place", "ahead"):
                if getattr(self, key) is not None:
                    raise wrong(f"a rule has no {key!r}", at=(key,), instead="leave it out")
        elif self.place is not None and self.ahead is not None:
            what = "nobody can write ahead of a word that is put into the thought"
            raise wrong(what, at=("ahead",), instead="leave out 'place' or 'ahead'")
        elif lacking := [key for key, value in of_models.items() if value is None]:
            raise wrong(f"a model that judges needs {lacking[0]!r}", instead=f"add {lacking[0]!r}")
        if self.score == "mean" and (lost := [label for label, value in self.worth.items() if value is None]):
            raise wrong(f"{lost[0]!r} has no value to take the mean of", at=("labels",), instead="write {label: value}")
        return self

    @cached_property
    def worth(self) -> Mapping[str, float | None]:
        """What each label is worth; None: nothing."""
        return worth_of(self.labels)

    def models(self) -> Iterable[str]:
        """The one that is asked."""
        return () if isinstance(self.judge, Rule) else (self.judge,)

    def weighs(self) -> Iterable[str]:
        """The one that is asked, where all labels count by how probable they are."""
        return self.models() if self.score == "mean" else ()

    def rules(self) -> bool:
        """It does."""
        return True

    def may_say(self) -> tuple[str, ...]:
        """Its labels; a rule's are yes and no."""
        return ("yes", "no") if isinstance(self.judge, Rule) else tuple(self.worth)

    def act(self, desk: Desk) -> Act | AsyncGenerator[Tokens | Act, None]:
        """Ask, and keep the word."""
        if isinstance(self.judge, Rule):
            holds = self.judge.rule.test()(desk.pen, desk.luck)
            return Act(extra=Extra("yes" if holds else "no", float(holds)))
        return self._weigh(self.judge, desk) if self.score == "mean" else self._say(self.judge, desk)

    async def _say(self, model: str, desk: Desk) -> AsyncGenerator[Tokens | Act, None]:
        """One short call, greedily: the label is what it says."""
        hand, ids, asked = self._prompt(model, desk)
        tokenizer = hand.engine.tokenizer
        room = hand.engine.context - len(ids)
        if room < 1:
            yield Act(rest=StopReason.CONTEXT, why=f"{model}: {len(ids)} prompt tokens leave no room to judge")
            return
        longest = max(len(tokenizer.encode(label)) for label in self.worth) + 1  # a space may stand before it
        cut = Cut(tokenizer, tokens=min(room, (self.tokens or 0) + longest), why_tokens="tokens", closes=False)
        banned = hand.others_ends | ({tokenizer.think.close} if tokenizer.think else frozenset())
        request = Request(
            ids, cut, GREEDY, desk.seed("judge"), banned, desk.purpose, cell=desk.stage.cell, urgent=True
        )  # fmt: skip
        usage, watch = Usage(), Stopwatch()
        with desk.waiting():
            async with aclosing(hand.engine.extend(request)) as deltas:
                async for delta in deltas:
                    usage = delta.usage or usage
        s = cut.settle()
        usage = usage._replace(decoded=len(s.ids) - s.recoded, thrown=s.thrown)
        usage = usage._replace(seconds=usage.seconds or round(watch.seconds, 3))
        label = self._label(s.text)
        yield self._act(desk, model, asked, s.text, s.ids, usage, Extra(label, self.worth.get(label)))

    async def _weigh(self, model: str, desk: Desk) -> AsyncGenerator[Tokens | Act, None]:
        """How probable each label is: the mean of their values, and the most probable one."""
        hand, ids, asked = self._prompt(model, desk)
        score = scoring(hand.engine, desk.purpose, desk.stage.cell)
        if score is None:
            raise EngineError(f"{model} cannot say how probable a label is; `score: argmax` asks it to say one")
        encode, watch = hand.engine.tokenizer.encode, Stopwatch()
        with desk.waiting():
            found = await score(ids, [encode(label) for label in self.worth])
        chances = _shares([math.fsum(logprobs) for logprobs in found])
        mean = math.fsum(p * (value or 0.0) for p, value in zip(chances, self.worth.values(), strict=True))
        label = max(zip(chances, self.worth, strict=True))[1]
        usage = Usage(computed=len(ids), seconds=round(watch.seconds, 3))
        yield self._act(desk, model, asked, label, tuple(encode(label)), usage, Extra(label, mean))

    def _prompt(self, model: str, desk: Desk) -> tuple[Hand, list[int], list[int]]:
        """The model, what it reads, and the question at its end."""
        hand = desk.hand(model)
        assert self.ask is not None  # refused when it was read
        asked = hand.engine.tokenizer.encode(self.ask)
        return hand, [*desk.reader(model).prompt(desk.pen.trajectory).ids, *asked], asked

    def _act(
        self, desk: Desk, model: str, asked: list[int], text: str, ids: tuple[int, ...], usage: Usage, extra: Extra
    ) -> Act:
        if self.place is None:
            extra = extra._replace(apart=PRIVATE)
        else:
            text, ids = f"{self.ask}{text}", (*asked, *ids)
        print_ = desk.tokenizer(model).fingerprint
        return Act(Segment(desk.pen.node, model, text, ids, print_, "judged"), usage, extra=extra)

    def _label(self, said: str) -> str:
        """The label in what it said: what stands first or, where it could think first, last; empty where none does."""
        labels = sorted(self.worth, key=len, reverse=True)
        if self.tokens is None:
            said = said.lstrip()
            return next((label for label in labels if said.startswith(label)), "")
        places = [(said.rfind(label), len(label), label) for label in labels]
        place, _, label = max(places)
        return label if place >= 0 else ""


def _shares(logs: list[float]) -> list[float]:
    """Probabilities that sum to 1."""
    top = max(logs)
    weights = [math.exp(each - top) for each in logs]
    return [w / math.fsum(weights) for w in weights]
