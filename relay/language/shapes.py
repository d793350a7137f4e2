"""What the scenario's types are made of: frozen maps, unions told apart by a key, short forms, names that must exist.

Every union here is tagged, and every tag looks like `<this>`: no key can, so that the path of an error
(tags left out) always leads to the key or value where the mistake stands.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cached_property
from typing import Annotated, Any, NamedTuple, TypedDict, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, ValidationInfo
from pydantic_core import PydanticCustomError
from pydantic_core import core_schema as cs

T = TypeVar("T")


class Frozen(BaseModel):
    """A map of the scenario: unknown keys are mistakes, nothing is converted, nothing changes later."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, defer_build=True, allow_inf_nan=False, protected_namespaces=()
    )


def dumped(value: object) -> object:
    """The value as plain data, with every default."""
    return value.model_dump(mode="json", by_alias=True) if isinstance(value, BaseModel) else value


class Scene(TypedDict, total=False):
    """What a reference may refer to: the context in which a scenario is validated."""

    node: frozenset[str]
    model: frozenset[str]
    samples: int | None  # of the pool; None: there is no pool


def wrong(
    what: str, names: Iterable[str] = (), at: tuple[str | int, ...] = (), instead: str = ""
) -> PydanticCustomError:
    """A mistake to raise in a validator: what is wrong, the good names, and where below the validated value."""
    return PydanticCustomError("relay", "{what}", {"what": what, "names": tuple(names), "at": at, "instead": instead})


class Says:
    """Annotates a type with words for what it wants: "a name (...)"."""

    def __init__(self, phrase: str) -> None:
        self.phrase = phrase

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> cs.CoreSchema:
        return cs.custom_error_schema(handler(source), "says", custom_error_message=self.phrase)


class Known:
    """Annotates a text that must be the name of a node, a model... of the scenario at hand, or one of `more`."""

    def __init__(self, kind: str, *more: str, enters: bool = False) -> None:
        """`enters`: a pen sets out there, so that of a graph that is used its start is meant."""
        self.kind, self.more, self.enters = kind, more, enters

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> cs.CoreSchema:
        text = cs.custom_error_schema(handler(source), "says", custom_error_message=f"the name of a {self.kind}")
        return cs.with_info_after_validator_function(self.check, text)

    def check(self, name: str, info: ValidationInfo) -> str:
        """The name itself. Raises when the scenario has no such thing."""
        names = (info.context or {}).get(self.kind)
        if names is None or name in names or name in self.more:
            return name
        raise wrong(f"there is no {self.kind} {name!r}", (*sorted(names), *self.more))


class Kind(NamedTuple):
    """One member of a union."""

    tag: str
    type: Any
    key: str | None = None  # the key that only this kind of map has
    of: tuple[type, ...] = ()  # the plain types that only this kind has


class OneOf:
    """Annotates a union of kinds; which one a value is shows in a key that only that kind has, or in its type."""

    __name__ = "kind"  # pydantic names its tagged unions by it

    def __init__(self, *kinds: Kind) -> None:
        self._given = kinds

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """The members."""
        return self._given

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> cs.CoreSchema:
        choices = {kind.tag: handler.generate_schema(kind.type) for kind in self.kinds}
        written = cs.plain_serializer_function_ser_schema(dumped)
        return cs.tagged_union_schema(choices, discriminator=self, serialization=written)

    @cached_property
    def heads(self) -> dict[str, str]:
        """The keys that tell the maps apart, with their tags."""
        return {kind.key: kind.tag for kind in self.kinds if kind.key}

    def exact(self, value: object) -> str | None:
        """The tag of this value, or None when nothing tells."""
        if type(value) is dict and (head := next((key for key in value if key in self.heads), None)):
            return self.heads[head]
        for kind in self.kinds:
            if type(value) in kind.of or (isinstance(value, Frozen) and type(value) is kind.type):
                return kind.tag
        return None

    def __call__(self, value: object) -> str | None:
        """The tag of this value; a head with a typo is taken for what it was meant to be."""
        tag = self.exact(value)
        if tag is None and type(value) is dict:
            meant = (get_close_matches(str(key), self.heads, 1) for key in value)
            tag = next((self.heads[names[0]] for names in meant if names), None)
        return tag

    def missed(self, value: object) -> PydanticCustomError | None:
        """What to say when nothing tells; None: the usual words."""
        if type(value) is dict and self.heads:
            keys = ", ".join(map(repr, self.heads))
            return wrong(f"none of its keys says what it is; one of these must: {keys}")
        return None


class Several:
    """Annotates `tuple[T, ...]`: a list, or one T by itself."""

    __name__ = "list"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> cs.CoreSchema:
        many: Any = handler(source)
        one = cs.no_info_after_validator_function(lambda item: (item,), many["items_schema"][0])
        return cs.tagged_union_schema({"<one>": one, "<list>": many}, discriminator=self)

    def __call__(self, value: object) -> str:
        """The tag of this value."""
        return "<list>" if isinstance(value, list | tuple) else "<one>"

    exact = __call__


OneOrMore = Annotated[tuple[T, ...], Field(min_length=1), Several()]

Whole = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(min_length=1)]
Name = Annotated[
    str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$"), Says("a name (a letter, then letters, digits, '_' or '-')")
]
NodeKey = Annotated[
    str,
    Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z][A-Za-z0-9_-]*)*$"),
    Says("a name (a letter, then letters, digits, '_' or '-'; of a graph's in use two with a dot between)"),
]
Scalar = Annotated[
    str | int | float | bool,
    OneOf(
        Kind("<text>", str, of=(str,)),
        Kind("<whole>", int, of=(int,)),
        Kind("<number>", float, of=(float,)),
        Kind("<flag>", bool, of=(bool,)),
    ),
    Says("text, a number, true or false"),
]
