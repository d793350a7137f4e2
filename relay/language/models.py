"""What stands behind a model: the engines, found through their entry points. A third party's derives from `Model`."""

from abc import abstractmethod
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import GetJsonSchemaHandler
from pydantic_core import PydanticCustomError
from pydantic_core import core_schema as cs

from relay import registry
from relay.language.phrases import shown
from relay.language.shapes import Count, Frozen, Kind, OneOf, wrong

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from relay.engine import Engine, Words
    from relay.language.telling import Fault


class Model(Frozen):
    """A model by the engine that runs it. Further fields are the engine's."""

    writes: ClassVar[bool] = True  # False: its trajectories can be taken from the pool, and that is all
    says_logprobs: ClassVar[bool] = True  # False: a call that asks how probable what it writes is fails

    engine: str
    context: Count | None = None  # tokens of prompt and continuation together; None: what the model allows
    system: str | None = None  # a system turn; None: none
    thinking: bool | None = None  # whether it thinks before it answers; None: as its template does

    def problem_ids(self) -> "Iterable[tuple[tuple[str, ...], str]]":
        """The ids of problems that its settings name, each behind the keys that lead to it."""
        return ()

    def faults(self) -> "Iterable[Fault]":
        """What of it can be told to be wrong without loading it, each behind the keys that lead there."""
        return ()

    async def words(self) -> "Words | None":
        """Its tokenizer and template, without its weights; None where only its engine knows them."""
        return None

    @classmethod
    async def side_by_side(cls, models: "Mapping[str, Self]") -> "Mapping[str, Self]":
        """These models of one run, by their names, as they are to be opened beside one another, and in this order."""
        return models

    @abstractmethod
    async def open(self, *, deterministic: bool = False) -> "Engine":
        """The engine, loaded and ready."""


class Engines(OneOf):
    """The registered engines; which one a model has is the value of its `engine`."""

    def __init__(self) -> None:
        super().__init__()

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """The engines."""
        models = registry.load_all(registry.ENGINES)
        return tuple(Kind(f"<{engine}>", model) for engine, model in models.items())

    def exact(self, value: object) -> str | None:
        """The tag of this value's engine."""
        if type(value) is dict:
            tag = f"<{value.get('engine')}>"
            return tag if any(kind.tag == tag for kind in self.kinds) else None
        return super().exact(value)

    def __call__(self, value: object) -> str | None:
        """The tag; a key with a typo is taken for what it was meant to be."""
        tag = self.exact(value)
        if tag is None and type(value) is dict and "engine" not in value:
            meant = get_close_matches("engine", [str(key) for key in value], 1)
            return self.exact({"engine": value[meant[0]]}) if meant else None
        return tag

    def missed(self, value: object) -> PydanticCustomError | None:
        """The engine is missing or nobody's."""
        names = [kind.tag[1:-1] for kind in self.kinds]
        if type(value) is not dict:
            return None
        if "engine" not in value:
            return wrong("the key 'engine' is missing", names)
        engine = value["engine"]
        if not isinstance(engine, str):
            return wrong(f"should be the name of an engine, not {shown(engine)}", names, at=("engine",))
        return wrong(f"there is no engine {engine!r}", names, at=("engine",))

    def __get_pydantic_json_schema__(self, schema: cs.CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        union = handler(schema)
        for kind, choice in zip(self.kinds, union["oneOf"], strict=True):
            model = handler.resolve_ref_schema(choice)
            model["properties"]["engine"] = {"const": kind.tag[1:-1]}
            model["required"] = sorted({*model.get("required", ()), "engine"})
        return union
