"""A model that exists in the pool only: recorded trajectories that can be taken, and an author that never writes."""

from collections.abc import AsyncGenerator, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from relay.engine import Delta, Request
from relay.errors import EngineError
from relay.language.scenario import Model
from relay.language.shapes import Says, Text, wrong
from relay.seam.templates import Template
from relay.seam.tokens import Tokenizer
from relay.trajectory import Usage

ENGINE = "recorded"
Address = Annotated[
    str,
    Field(pattern=r"^[0-9a-f]{16}$"),
    Says("an address in the pool: sixteen hex digits, as `relay pool` lists them"),
]


class Recorded:
    """The author of recorded trajectories: only the tokenizer in whose ids they are counted."""

    def __init__(self, model: str, tokenizer: Tokenizer, address: str = "") -> None:
        self.tokenizer = tokenizer
        self.template = Template(tokenizer, None)
        self.context = 0
        self.rows = 0
        self.facts: Mapping[str, str] = {"engine": ENGINE, "model": model, **({"address": address} if address else {})}

    async def extend(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Raises EngineError: it is not loaded."""
        yield Delta((), Usage())
        raise EngineError(f"{self.facts['model']} is recorded: it cannot write")

    async def aclose(self) -> None:
        """It holds nothing."""


class RecordedModel(Model):
    """A model of which only the pool's trajectories are used, imported or sampled before: it writes nothing."""

    writes: ClassVar[bool] = False

    engine: Literal["recorded"] = "recorded"
    model: Text  # the name under which they were imported; `relay pool` lists them
    address: Address | None = None  # where the pool keeps them, whoever put them there; None: those imported

    @model_validator(mode="after")
    def _only_named(self) -> "RecordedModel":
        for key in ("context", "system", "thinking"):
            if getattr(self, key) is not None:
                raise wrong(f"a recorded model has no {key!r}: it is not loaded", at=(key,), instead="leave it out")
        return self

    async def open(self, *, deterministic: bool = False) -> Recorded:
        """Raises EngineError: whoever needs it takes it from the pool."""
        raise EngineError(f"{self.model} is recorded: it cannot be loaded")
