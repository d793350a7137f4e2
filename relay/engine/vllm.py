"""The engine `vllm`: a model that vLLM runs beside this process, on one GPU or several, or on CPU.

One request a call. Where only the token limit or the end of the turn can end the segment and nobody watches, vLLM says
all ids at the end; else as they come. In every case the cut decides: an id after its end is not fed.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from itertools import count
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, PrivateAttr, field_validator

from relay.engine import Delta, Engine, Request, Words
from relay.engine.background import in_thread
from relay.engine.loading import load_words
from relay.engine.naming import faults
from relay.engine.turns import Turns
from relay.engine.vllm_sampling import LABELS, URGENT, among_allowed, entropy_of, params, priority, refused, scoring
from relay.engine.vllm_starting import Started, said_by, start
from relay.engine.vllm_together import together
from relay.errors import EngineError
from relay.language.scenario import Model
from relay.language.shapes import Count, Says, wrong
from relay.language.telling import Fault
from relay.trajectory import Usage

CLOSED = "the engine was closed"
OURS = {
    "model": "model", "tokenizer": "model", "revision": "revision", "dtype": "dtype", "max_model_len": "context",
    "tensor_parallel_size": "tensor_parallel", "gpu_memory_utilization": "gpu_memory", "max_num_seqs": "batch",
    "enable_lora": "lora",
}  # fmt: skip

Fraction = Annotated[float, Field(gt=0, le=1), Says("a share of the GPU's memory, such as 0.4")]


class VllmModel(Model):
    """A model that vLLM runs, from this process."""

    engine: Literal["vllm"] = "vllm"
    model: str  # a hub id, a folder, or a name that relay knows: relay/tiny
    revision: str | None = None  # of a hub model: a branch, a tag or a commit
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"  # auto: float32 on CPU, else the model's own
    batch: Count | None = None  # sequences decoded together; None: 256 on a GPU, 32 on CPU
    tensor_parallel: Count = 1  # GPUs that share it
    gpu_memory: Fraction | None = None  # share of the GPU's memory; None: what relay gives each of a run's models
    lora: str | None = None  # an adapter: a folder, or a name of the hub
    placement: Literal["together", "take_turns"] = "together"  # take_turns: one model on the GPU, the others asleep
    args: dict[str, JsonValue] = Field(default={})  # further engine arguments, by vLLM's own names

    _turns: Turns | None = PrivateAttr(None)

    @field_validator("args")
    @classmethod
    def _not_ours(cls, args: dict[str, JsonValue]) -> dict[str, JsonValue]:
        for name in args:
            if name in OURS:
                raise wrong(f"{name!r} has a key of its own", at=(name,), instead=f"say `{OURS[name]}:`")
        return args

    @classmethod
    async def side_by_side(cls, models: Mapping[str, "VllmModel"]) -> Mapping[str, "VllmModel"]:
        """Each with its share of the GPU's memory, the smallest first; or with turns."""
        return await in_thread(partial(together, models))

    def turning(self, turns: Turns) -> "VllmModel":
        """The same, which takes these turns."""
        copy = self.model_copy()
        copy._turns = turns
        return copy

    @property
    def gguf_file(self) -> None:
        """vLLM is given no GGUF files."""
        return None

    def faults(self) -> Iterator[Fault]:
        """Whether a model of this name can be here."""
        return faults(self.model, self.gguf_file)

    async def words(self) -> Words:
        """By its files."""
        return Words(*await in_thread(partial(load_words, self)))

    async def open(self, *, deterministic: bool = False) -> Engine:
        """The engine, loaded. Deterministic: one sequence at a time, and nothing kept of what was read before."""
        if self._turns is not None:
            await self._turns.clear()
        started = await in_thread(partial(start, self, deterministic=deterministic))
        engine = Vllm(started)
        await engine.ready()
        return engine if self._turns is None else self._turns.add(engine)


class Vllm:
    """An engine that holds an AsyncLLM of vLLM."""

    def __init__(self, started: Started) -> None:
        """It belongs to the event loop that calls it first."""
        self.tokenizer = started.tokenizer
        self.template = started.template
        self.context = started.context
        self.facts: Mapping[str, str] = started.facts
        self.rows = 2 * started.batch  # calls that keep it busy: one batch under way, one waiting
        self._llm = started.llm
        self._guardian = started.guardian
        self._words = started.words
        self._lora = started.lora
        self._speculates = started.speculates
        self._numbers = count()
        self._closed = False
        self._known = range(min(self.tokenizer.size, started.words))

    async def ready(self) -> None:
        """Ask the other process whether it is there. Raises EngineError."""
        try:
            await self._llm.get_supported_tasks()
        except Exception as error:
            raise EngineError(said_by(error)) from error

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Continue the prompt; every delta carries the usage so far."""
        why = self._unfit(request.prompt, self.context - 1) or refused(request)
        if why:
            raise _failed(request, why)
        cut, size, seen = request.cut, len(request.prompt), 0
        entropy: float | None = None
        asked = params(request, self._words, speculates=self._speculates)
        try:
            async with aclosing(self._generate(request.prompt, asked, priority(request))) as outputs:
                async for output in outputs:
                    said = output.outputs[0]
                    done = self._feed(request, said.token_ids)
                    new = tuple(cut.ids[seen:])
                    logprobs = _logprobs(said, request.banned, len(new)) if request.logprobs else ()
                    if request.entropy and not seen and said.logprobs:
                        entropy = entropy_of(said.logprobs[0], request.banned)
                    seen += len(new)
                    cached = output.num_cached_tokens or 0
                    if done:
                        await outputs.aclose()  # what it would go on to decode is nobody's
                    elif output.finished and said.finish_reason not in ("stop", "length"):
                        raise _failed(request, f"vLLM ended it: {said.finish_reason}")
                    yield Delta(new, Usage(size - cached, cached, seen), logprobs, entropy)
                    if done:
                        return
        except EngineError:
            raise
        except Exception as error:  # whatever vLLM raises
            raise _failed(request, said_by(error)) from error

    async def score(self, prompt: Sequence[int], continuations: Sequence[Sequence[int]]) -> list[tuple[float, ...]]:
        """The natural log-probability of each id of each continuation of this prompt."""
        longest = len(prompt) + max(map(len, continuations), default=0)
        if not prompt or not all(continuations) or longest > self.context:
            raise EngineError(f"cannot score {longest} tokens in a context of {self.context}, or nothing at all")
        for ids in (prompt, *continuations):
            if why := self._unfit(ids, self.context):
                raise EngineError(f"cannot score: {why}")
        labels = sorted({c[0] for c in continuations})
        if len(labels) <= LABELS and all(len(c) == 1 for c in continuations):
            found = (await self._said(prompt, labels, whole=False)).outputs[0].logprobs[0] if labels else {}
            return [(float(found[c[0]].logprob),) for c in continuations]
        return list(await asyncio.gather(*(self._score(prompt, c) for c in continuations)))

    async def _score(self, prompt: Sequence[int], continuation: Sequence[int]) -> tuple[float, ...]:
        """All but the last id are read as a prompt, whose probabilities vLLM says; the last may follow it."""
        *body, last = continuation
        output = await self._said([*prompt, *body], [last], whole=bool(body))
        rows = (output.prompt_logprobs or [])[len(prompt) :]
        read = [float(row[i].logprob) for row, i in zip(rows, body, strict=True)]
        return (*read, float(output.outputs[0].logprobs[0][last].logprob))

    async def _said(self, prompt: Sequence[int], labels: Sequence[int], *, whole: bool) -> Any:
        """The one output of a request that scores. Raises EngineError."""
        try:
            async with aclosing(self._generate(list(prompt), scoring(labels, whole=whole), URGENT)) as outputs:
                async for output in outputs:
                    if output.finished and output.outputs[0].logprobs:
                        return output
        except Exception as error:
            raise EngineError(f"cannot score: {said_by(error)}") from error
        raise EngineError("cannot score: vLLM ended without a word")

    def _generate(self, prompt: list[int], asked: Any, first: int) -> AsyncGenerator[Any, None]:
        ids: Any = {"type": "token", "prompt_token_ids": prompt}
        name = str(next(self._numbers))
        outputs: AsyncGenerator[Any, None]
        outputs = self._llm.generate(ids, asked, name, priority=first, lora_request=self._lora)
        return outputs

    def _feed(self, request: Request, ids: Sequence[int]) -> bool:
        """Give these ids to the cut, no further than its end."""
        cut = request.cut
        if ids and max(ids) >= self.tokenizer.size:
            raise _failed(request, f"the model drew the id {max(ids)}, which its tokenizer lacks")
        if cut.silent(ids):
            return cut.feed(ids)
        return any(cut.feed((i,)) for i in ids)

    def _unfit(self, ids: Sequence[int], most: int) -> str:
        """Why these ids cannot be read; empty where they can."""
        if self._closed:
            return CLOSED
        if not 0 < len(ids) <= most:
            return f"a prompt of {len(ids)} tokens does not fit into a context of {self.context}"
        strange = next((i for i in (min(ids), max(ids)) if i not in self._known), None)
        return "" if strange is None else f"a prompt with the id {strange}, which the model lacks"

    async def sleep(self) -> None:
        """Its weights move into the machine's memory; what it had read is forgotten. Nobody calls it meanwhile."""
        await self._llm.sleep(level=1)

    async def wake(self) -> None:
        """Its weights move back."""
        await self._llm.wake_up()

    async def aclose(self) -> None:
        """End the calls under way, and the other process."""
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self._llm.shutdown)
            await asyncio.to_thread(self._guardian.close)
            self._llm.shutdown = lambda: None  # its finalizer calls it again, when what it needs may be gone


def _failed(request: Request, why: str) -> EngineError:
    """An error that says what the call was for."""
    problem, sample, node, visit, _ = request.purpose
    return EngineError(f"{node} (visit {visit}, problem {problem.id!r}, sample {sample}): {why}")


def _logprobs(said: Any, banned: frozenset[int], number: int) -> tuple[float, ...]:
    """Of the first ids of this output, among those that are allowed."""
    pairs = zip(said.token_ids[:number], said.logprobs[:number], strict=True)
    return tuple(among_allowed(found, drawn, banned) for drawn, found in pairs)
