"""The engine that says what it is told, in real token ids: for tests, for examples, for trying a graph."""

import asyncio
import hashlib
import json
import math
import uuid
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from relay.engine import Delta, Request, Words
from relay.errors import EngineError, Mistake, UserError
from relay.language.scenario import Model
from relay.language.shapes import Kind, OneOf, OneOrMore
from relay.seam.templates import Template
from relay.seam.tokens import Tokenizer
from relay.trajectory import Usage

SHIPPED = Path(__file__).with_name("scripted-tokenizer.json")
TEMPLATE = (
    "{% for turn in messages %}<|{{ turn.role }}|>\n{{ turn.content }}\n{% endfor %}<|assistant|>\n"
    "{% if enable_thinking is not defined or enable_thinking %}<think>\n{% endif %}"
)
ENDS = ("<|end|>", "<|im_end|>", "<|eot_id|>", "<end_of_turn>", "</s>", "<|endoftext|>")  # what may end a turn
OTHERS = "*"  # the problems that have no script of their own

Says = Callable[[Request], str | Sequence[int]]
Probable = Callable[[Sequence[int], int], float]
Script = tuple[str, ...]


class Scripted:
    """An engine whose visits have their texts written beforehand; what a cut leaves of a text is never said."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        template: Template,
        says: Says,
        *,
        delta: Literal["segment", "token"] = "segment",
        context: int = 32768,
        seconds: float = 0.0,
        entropy: Sequence[float] = (),
        facts: Mapping[str, str] | None = None,
        probable: Probable | None = None,
    ) -> None:
        """`says` gives the text of a call, parsed as the template is ("</think>" closes), or its ids; the id that ends
        a turn follows. `seconds` is how long a call takes, `entropy` how unsure it is, visit by visit. `facts` say
        which script it is; without them no other engine is taken for this one, and its pool samples are not used
        again. `probable` gives the log-probability of an id after those before it; by default each is as probable as
        any other.
        """
        if not tokenizer.eos:
            raise UserError("a scripted model needs a tokenizer with an id that ends a turn")
        self.tokenizer = tokenizer
        self.template = template
        self.context = context
        self.facts: Mapping[str, str] = {
            "engine": "scripted",
            **(facts if facts is not None else {"script": uuid.uuid4().hex}),
        }
        self.rows = 256
        self._says = says
        self._by_token = delta == "token"
        self._seconds = seconds
        self._entropy = entropy
        self._probable = probable or (lambda before, i: -math.log(tokenizer.size))
        self._end = min(tokenizer.eos)
        self._spelled = lru_cache(maxsize=4096)(self._spell)

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Say what this visit says, less the banned ids, up to the cut."""
        await (asyncio.sleep(self._seconds) if self._seconds and not self._by_token else _BREATH)
        cut, computed = request.cut, len(request.prompt)
        if computed >= self.context:
            raise EngineError(f"a prompt of {computed} tokens does not fit into a context of {self.context}")
        said = self._says(request)
        ids = self._spelled(said if type(said) is str else tuple(said), request.banned)[: cut.tokens]
        entropy = self._entropy[min(request.purpose.visit, len(self._entropy)) - 1] if self._entropy else None
        if not self._by_token and cut.silent(ids):
            cut.feed(ids)
            yield Delta(ids, Usage(computed, decoded=len(ids)), entropy=entropy)
            return
        last, each = 0, self._seconds / len(ids) if self._by_token else 0.0
        while not cut.feed(ids[last : last + 1]):
            if self._by_token:
                await (asyncio.sleep(each) if each else _BREATH)
                yield Delta(ids[last : last + 1])
            last += 1
        yield Delta(ids[last if self._by_token else 0 : last + 1], Usage(computed, decoded=last + 1), entropy=entropy)

    async def score(self, prompt: Sequence[int], continuations: Sequence[Sequence[int]]) -> list[tuple[float, ...]]:
        """The natural log-probability of each id of each continuation of this prompt."""
        await (asyncio.sleep(self._seconds) if self._seconds else _BREATH)
        longest = len(prompt) + max(map(len, continuations), default=0)
        if not prompt or not all(continuations) or longest > self.context:
            raise EngineError(f"cannot score {longest} tokens in a context of {self.context}, or nothing at all")
        return [tuple(self._probable((*prompt, *c[:k]), i) for k, i in enumerate(c)) for c in continuations]

    async def aclose(self) -> None:
        """It holds nothing."""

    def _spell(self, said: str | tuple[int, ...], banned: frozenset[int]) -> tuple[int, ...]:
        ids = self.tokenizer.encode_template(said) if isinstance(said, str) else said
        return (*(i for i in ids if i not in banned), self._end)


class ScriptedModel(Model):
    """A model that says what the scenario says, visit by visit; the last text serves all later visits.

    In a text, {question}, {answer} and {sample} stand for those of the problem at hand.
    """

    engine: Literal["scripted"] = "scripted"
    says: Annotated[
        Script | dict[str, Script],
        OneOf(
            Kind("<texts>", OneOrMore[str], of=(str, list, tuple)),
            Kind("<by problem>", Annotated[dict[str, OneOrMore[str]], Field(min_length=1)], of=(dict,)),
        ),
    ]  # the text of each visit, for all problems or by problem id ("*": all others)
    tokenizer: str | None = None  # a tokenizer.json; None: the one that ships with relay
    delta: Literal["segment", "token"] = "segment"  # what it yields at a time
    seconds: Annotated[float, Field(ge=0)] = 0.0  # how long a call takes
    entropy: OneOrMore[Annotated[float, Field(ge=0)]] | None = None  # how unsure it is, visit by visit, in nats

    def problem_ids(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Those that have a script of their own."""
        if isinstance(self.says, dict):
            yield from ((("says", problem), problem) for problem in self.says if problem != OTHERS)

    async def words(self) -> Words:
        """Those of its engine, which has no weights."""
        engine = await self.open()
        return Words(engine.tokenizer, engine.template, engine.context)

    async def open(self, *, deterministic: bool = False) -> Scripted:
        """The engine; it is deterministic in any case."""
        tokenizer = _from_file(self.tokenizer) if self.tokenizer else shipped()
        own = TEMPLATE if "<|user|>" in tokenizer.special else None
        template = Template(tokenizer, own, thinking=self.thinking)
        script = json.dumps(self.says, sort_keys=True)
        facts = {"script": hashlib.blake2b(script.encode(), digest_size=8).hexdigest()}
        return Scripted(
            tokenizer,
            template,
            speaker(self.says),
            delta=self.delta,
            context=self.context or 32768,
            seconds=self.seconds,
            entropy=self.entropy or (),
            facts=facts,
        )


def speaker(says: Sequence[str] | Mapping[str, Sequence[str]]) -> Says:
    """What each call says, from the texts of the visits. Raises EngineError at a problem that has none."""
    scripts = says if isinstance(says, Mapping) else {OTHERS: says}

    def say(request: Request) -> str:
        problem, sample, _, visit, _ = request.purpose
        script = scripts.get(problem.id) or scripts.get(OTHERS)
        if not script:
            raise EngineError(f"the script has no text for problem {problem.id!r} and none for {OTHERS!r}")
        text = script[min(visit, len(script)) - 1]
        if "{" in text:
            for name, value in (("question", problem.question), ("answer", problem.answer), ("sample", str(sample))):
                text = text.replace(f"{{{name}}}", value)
        return text

    return say


def shipped() -> Tokenizer:
    """The small byte-level tokenizer that ships with relay."""
    return Tokenizer.from_file(SHIPPED, ENDS[:1])


def _from_file(path: str) -> Tokenizer:
    special = Tokenizer.from_file(path).special
    ends = [end for end in ENDS if end in special]
    if not ends:
        raise UserError(Mistake(path, "has no token that ends a turn", f"one of {', '.join(ENDS)}"))
    return Tokenizer.from_file(path, ends[:1])


class _Breath:
    """The cheapest true suspension: the event loop runs once. As asyncio.sleep(0), without its coroutine."""

    def __await__(self) -> Generator[None, None, None]:
        yield


_BREATH = _Breath()
