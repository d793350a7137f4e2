"""The engine `replay`: a model that says once more what it said in a run, exact to the token, without being there."""

import math
from asyncio import Event, sleep
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate, islice
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from relay.engine import Delta, Purpose, Request, Words
from relay.engine.scoring import Score, Scored
from relay.errors import EngineError, UserError
from relay.language.scenario import Model
from relay.language.shapes import Text, wrong
from relay.language.telling import Fault, did_you_mean
from relay.replay.finding import OUTSIDE, Finder, Played
from relay.replay.prompts import Prompts
from relay.replay.source import Source
from relay.replay.words import words_of
from relay.seam.cuts import Cut, Settled
from relay.seam.watched import WatchedCut

LIMITS = ("tokens", "budget tokens", "context full")  # stops at so many tokens
PIECE = 0.02  # seconds between two deltas of a call that is played at a speed


class ReplayModel(Model):
    """A model of a run file, which says there what it said."""

    engine: Literal["replay"] = "replay"
    run: Text  # the run file, from where relay is started
    model: Text  # the model's name in that run
    speed: Annotated[float, Field(ge=0)] = 0.0  # 1: as fast as it was, 2: twice as fast; 0: at once

    @model_validator(mode="after")
    def _only_played(self) -> "ReplayModel":
        for key in ("context", "thinking"):
            if getattr(self, key) is not None:
                raise wrong(f"a replayed model has the {key!r} of its run", at=(key,), instead="leave it out")
        return self

    def faults(self) -> Iterator[Fault]:
        """Whether the run is there, and has the model."""
        try:
            source = Source(Path(self.run))
        except UserError as error:
            yield from (Fault(("run",), f"{m.where}: {m.what}", m.instead) for m in error.mistakes)
            return
        there = sorted(source.meta.get("models") or {})
        source.close()
        if self.model not in there:
            near = did_you_mean(self.model, there) or f"there are {', '.join(there)}"
            yield Fault(("model",), f"{self.model!r} is not one that {self.run} used", near)

    async def words(self) -> Words:
        """Those of the model in its run."""
        source = Source(Path(self.run))
        try:
            return await words_of(source, self.model)
        finally:
            source.close()

    async def open(self, *, deterministic: bool = False) -> "Replay":
        """The engine; it is deterministic in any case. Raises UserError where the run cannot be played."""
        source = Source(Path(self.run))
        try:
            words = await words_of(source, self.model)
            tokenizers = {self.model: words.tokenizer}
            for other in set(source.meta["models"]) - {self.model}:
                try:
                    tokenizers[other] = (await words_of(source, other)).tokenizer
                except UserError:  # its texts cannot be read: then nobody says where a prompt differs
                    continue
            prompts = Prompts(source, tokenizers)
        except BaseException:
            source.close()
            raise
        return Replay(source, self.model, words, Finder(source, self.model, words.tokenizer, prompts), self.speed)


class Replay:
    """An engine that plays a run file."""

    def __init__(self, source: Source, model: str, words: Words, finder: Finder, speed: float = 0.0) -> None:
        self.tokenizer, self.template, self.context = words
        self.rows = 256
        facts = (source.meta.get("models") or {}).get(model, {})
        self.facts: Mapping[str, str] = {
            "engine": "replay",
            "recording": source.identity,
            "model": f"{facts.get('model') or facts.get('engine')} (replayed)",
            "name": model,
        }
        self._source = source
        self._finder = finder
        self._speed = speed

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Say what was said to this prompt for this purpose."""
        await sleep(0.0)
        played = self._finder.find(request)
        if played.ids and not 0 <= min(played.ids) <= max(played.ids) < self.tokenizer.size:
            raise EngineError(f"{self._source.path} has ids that are none of {request.purpose.node}'s model")
        cut, at, logprobs, told = request.cut, 0, played.logprobs, sum(played.deltas)
        if isinstance(cut, WatchedCut):
            cut.follows = True
        for length, seconds in self._pieces(played):
            if seconds:
                await sleep(seconds)
            piece, at = played.ids[at : at + length], at + length
            over = cut.feed(piece)
            usage = None if at < told and not over else played.usage
            yield Delta(piece, usage, logprobs[at - length : at], played.entropy)
            if over:
                break
        if played.stopped:
            await Event().wait()  # until it is stopped once more
        end = next((whole for whole in accumulate(played.deltas) if whole >= at), told)
        cut.feed(played.ids[at : end if end < told else None])  # what came in one piece with the end was thrown away
        _end(request, played, all_said=end >= told)

    def scores_for(self, purpose: Purpose, cell: str) -> Score | None:
        """What it gave this purpose in its run."""
        return None if self._source.scoreless else partial(self._scores, purpose, cell)

    @property
    def scoreless(self) -> str:
        """Why the run does not hold its scores; empty where it does."""
        return self._source.scoreless

    async def _scores(
        self, purpose: Purpose, cell: str, prompt: Sequence[int], continuations: Sequence[Sequence[int]]
    ) -> Scored:
        call = self._finder.scores(purpose, cell, prompt, continuations)
        await sleep(call.usage.seconds / self._speed if self._speed else 0.0)
        if call.failed is not None:
            await Event().wait()  # until it is stopped once more
        numbers = iter(call.logprobs)
        return [tuple(islice(numbers, length)) for length in call.deltas]

    def _pieces(self, played: Played) -> Iterator[tuple[int, float]]:
        """How many ids come at a time, and the seconds before them."""
        if not self._speed or not played.ids:
            yield from ((length, 0.0) for length in played.deltas or (0,))
            return
        each = played.usage.seconds / self._speed / len(played.ids)
        most = max(1, math.ceil(PIECE / each)) if each else len(played.ids)
        for length in played.deltas:
            for at in range(0, length, most):
                yield min(most, length - at), each * min(most, length - at)

    async def aclose(self) -> None:
        """Close the run file."""
        self._source.close()


def _end(request: Request, played: Played, *, all_said: bool) -> None:
    """End the segment as it ended, where its ids alone do not. Raises EngineError where it should not have ended."""
    cut = request.cut
    if not all_said:
        return  # this scenario cuts it earlier
    if played.failed is not None:
        raise EngineError(played.failed)
    settled = played.settled
    if settled is not None and _fits(cut, settled):
        cut.recall(settled)
    elif not cut.ended and (not played.stop or played.stop in OUTSIDE):
        cut.expire(played.stop or "engine")
    elif not cut.ended:
        node, tokens = request.purpose.node, len(cut.ids)
        what = f"the recording ends after {tokens} tokens ({played.stop}), this scenario asks for more"
        raise EngineError(f"{node}: {what}")


def _fits(cut: Cut, settled: Settled) -> bool:
    """Whether a cut that was fed all that was kept may have settled so, when it was fed what was thrown away too."""
    if cut.ended:
        return cut.settle().text == settled.text
    if settled.stop in LIMITS:
        return len(settled.ids) - settled.recoded + settled.thrown >= cut.tokens
    return settled.stop != "text"  # which the kept ids show
