"""The engine `transformers`: real models on this machine, on CPU or CUDA, several calls decoded together.

One thread owns the model. Calls reach it through a queue; it wakes the event loop when a call ends, and
now and then for those under way. torch uses as many threads as it finds cores: OMP_NUM_THREADS says otherwise.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated, Literal

from pydantic import Field

from relay.engine import Delta, Request, Words
from relay.engine.background import in_thread
from relay.engine.batching import Row, Scoring
from relay.engine.decoding import CLOSED, Decoder
from relay.engine.loading import Loaded, load, load_words
from relay.engine.naming import faults
from relay.errors import EngineError
from relay.language.scenario import Model
from relay.language.shapes import Count, Says
from relay.language.telling import Fault
from relay.trajectory import Usage

Device = Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:[0-9]{1,3})?)$"), Says("auto, cpu, cuda or cuda:0")]


class TransformersModel(Model):
    """A model that runs in this process, through torch and transformers."""

    engine: Literal["transformers"] = "transformers"
    model: str  # a hub id, a folder, a .gguf file, or a name that relay knows: relay/tiny
    revision: str | None = None  # of a hub model: a branch, a tag or a commit
    gguf_file: str | None = None  # the file of a folder or hub model that holds the weights as GGUF
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"  # auto: float32 on CPU, else the model's own
    device: Device = "auto"  # auto: CUDA where there is one
    batch: Count = 16  # calls decoded together

    def faults(self) -> Iterator[Fault]:
        """Whether a model of this name can be here."""
        return faults(self.model, self.gguf_file)

    async def words(self) -> Words:
        """Read from its files, without its weights."""
        return Words(*await in_thread(partial(load_words, self)))

    async def open(self, *, deterministic: bool = False) -> "Transformers":
        """The engine, loaded. Deterministic: one call at a time, so that none depends on what else runs."""
        loaded = await in_thread(partial(load, self))
        return Transformers(loaded, batch=1, reuse=False) if deterministic else Transformers(loaded, batch=self.batch)


class Transformers:
    """An engine that holds a model of transformers."""

    def __init__(self, loaded: Loaded, *, batch: int = 16, reuse: bool = True) -> None:
        """With `reuse` a prompt's beginning that was read before is not read again, where the model's memory allows."""
        self.tokenizer = loaded.tokenizer
        self.template = loaded.template
        self.context = loaded.context
        self.facts: Mapping[str, str] = loaded.facts
        self.rows = 2 * batch  # calls that keep it busy: one batch under way, one waiting
        self._closed = False
        words = getattr(loaded.model.config.get_text_config(), "vocab_size", loaded.tokenizer.size)
        self._known = range(min(loaded.tokenizer.size, words))  # ids; any other would end a CUDA device for good
        self._decoder = Decoder(loaded.model, loaded.tokenizer.size, batch, slots=loaded.slots, reuse=reuse)

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Continue the prompt; every delta carries the usage so far."""
        row, cut, computed, seen = Row(request), request.cut, len(request.prompt), 0
        if self._closed:
            row.fail(CLOSED)
        elif not 0 < computed < self.context:
            row.fail(f"a prompt of {computed} tokens does not fit into a context of {self.context}")
        elif (strange := self._strange(request.prompt)) is not None:
            row.fail(f"a prompt with the id {strange}, which the model lacks")
        if row.error is not None:
            raise row.error
        self._decoder.put(row)
        try:
            while True:
                await row.news.wait()
                row.news.clear()
                done = row.done
                if row.error is not None:
                    raise row.error
                new = tuple(cut.ids[seen:])
                seen += len(new)
                usage = Usage(computed - row.cached, row.cached, seen)
                yield Delta(new, usage, tuple(row.logprobs[seen - len(new) : seen]), row.entropy)
                if done:
                    return
        finally:
            with self._decoder.feeding:
                row.left = True

    async def score(self, prompt: Sequence[int], continuations: Sequence[Sequence[int]]) -> list[tuple[float, ...]]:
        """The natural log-probability of each id of each continuation of this prompt."""
        longest = len(prompt) + max(map(len, continuations), default=0)
        if self._closed:
            raise EngineError(CLOSED)
        if not prompt or not all(continuations) or longest > self.context:
            raise EngineError(f"cannot score {longest} tokens in a context of {self.context}, or nothing at all")
        strange = next((i for ids in (prompt, *continuations) if (i := self._strange(ids)) is not None), None)
        if strange is not None:
            raise EngineError(f"cannot score the id {strange}, which the model lacks")
        scoring = Scoring(prompt, continuations)
        if continuations:
            self._decoder.put(scoring)
            return await scoring.found
        return []

    def _strange(self, ids: Sequence[int]) -> int | None:
        """The least or greatest of these ids when the model has no such id."""
        return next((i for i in (min(ids), max(ids)) if i not in self._known), None)

    async def aclose(self) -> None:
        """End the calls under way and let go of the model."""
        if not self._closed:
            self._closed = True
            await self._decoder.close()
