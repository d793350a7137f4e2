"""What may stand behind `verify:`: verifiers by name alone, or as a map whose verb says which and how.

A third party registers a factory without arguments (then its name is all that a scenario says), or a class derived
from `Verify`, whose fields are its options, as the built-in ones do.
"""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeAlias

from pydantic import AfterValidator, ValidationError, WithJsonSchema, model_serializer
from pydantic_core import PydanticCustomError

from relay import registry
from relay.language.shapes import Frozen, Kind, OneOf, Says, wrong
from relay.problems import Problem

if TYPE_CHECKING:
    from relay.engine import Engine
    from relay.verifiers import Verifier

NONE = "none"  # nothing is graded
_RUN = ("their answers are programs, or values of programs", "verify: code")


class Given(NamedTuple):
    """What a verifier may use."""

    engines: "Mapping[str, Engine]"  # of the models that it asks, by name; not its own to close
    seed: int = 0
    sandbox: bool = True  # programs run in the sandbox; False: the user said `--sandbox none`


class Verify(Frozen):
    """How answers are graded. The field named like the verb comes first and says the most."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Under which its verdicts stand in the run file; all that can change a verdict is in it."""

    def models(self) -> Iterable[str]:
        """The models that it asks."""
        return ()

    def finder(self) -> "Verify | None":
        """That whose verifier has `states`, which says whether a steer states the answer; None where there is none."""
        return None

    def unfit(self, problem: Problem) -> tuple[str, str] | None:
        """Why it cannot grade answers to problems like this, and what can; None where it can."""
        return None

    def ready(self, *, sandbox: bool) -> str:
        """What of this machine it uses, for the run file. Raises UserError when that is missing."""
        return ""

    @abstractmethod
    def open(self, given: Given) -> "Verifier":
        """The verifier, ready to grade."""


class Word(Verify):
    """A verifier without options, or none. Written as the word alone: `math`."""

    word: str

    @model_serializer
    def _word(self) -> str:
        return self.word

    @property
    def name(self) -> str:
        """The word."""
        return self.word

    def unfit(self, problem: Problem) -> tuple[str, str] | None:
        """Programs, for relay's own; nobody knows what a third party's can."""
        return _RUN if problem.kind == "code" and self.word in ("math", "choice") else None

    def finder(self) -> Verify | None:
        """Relay's own for mathematics."""
        return self if self.word == "math" else None

    def open(self, given: Given) -> "Verifier":
        """What the factory of this name makes."""
        made: Verifier = registry.load(registry.VERIFIERS, self.word)()
        return made


MATH = Word(word="math")


def has_options(kind: object) -> bool:
    """Whether what is registered is a class with options, and no plain factory."""
    return isinstance(kind, type) and issubclass(kind, Verify)


class Verifiers(OneOf):
    """The registered verifiers: a word, or a map told by its verb. Those in `without` are not good here."""

    def __init__(self, *without: str) -> None:
        super().__init__()
        self._without = without

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """The verifiers; a word is one without options, or with all of them left as they are."""
        there = {k: v for k, v in registry.load_all(registry.VERIFIERS).items() if k not in self._without}
        verbs = [Kind(f"<{verb}>", kind, verb) for verb, kind in there.items() if has_options(kind)]
        words = [word for word, kind in there.items() if not has_options(kind) or _stands_alone(kind)]
        words += [NONE] if NONE not in self._without else []

        def known(word: str) -> Verify:
            if word not in words:
                more = f"write it as a map: {{{word}: ...}}" if word in there else ""
                said = f"{word!r} alone says too little" if word in there else f"there is no verifier {word!r}"
                raise wrong(said, () if more else sorted(words), instead=more)
            kind: Any = there.get(word)
            made: Verify = kind.model_validate({}) if has_options(kind) else Word(word=word)
            return made

        shape = WithJsonSchema({"type": "string", "enum": sorted(words)})
        named: Any = Annotated[Annotated[str, Says("the name of a verifier")], AfterValidator(known), shape]
        return (Kind("<word>", named, of=(str,)), *verbs)

    def missed(self, value: object) -> PydanticCustomError | None:
        """A map for a verifier that is a word, or for none at all."""
        word = next((k for k in value if k in registry.names(registry.VERIFIERS)), "") if type(value) is dict else ""
        if word in self._without:
            return wrong(f"{word!r} cannot stand here", [kind.key for kind in self.kinds if kind.key])
        if word and f"<{word}>" not in {kind.tag for kind in self.kinds}:
            return wrong(f"{word!r} has no options here", instead=f"write the word alone: {word}")
        return super().missed(value)

    def exact(self, value: object) -> str | None:
        """The tag of this value."""
        return "<word>" if isinstance(value, Word) else super().exact(value)


def _stands_alone(kind: type[Verify]) -> bool:
    try:
        kind.model_validate({})
    except ValidationError:
        return False
    return True


AnyVerify: TypeAlias = Annotated[Verify, Verifiers()]
