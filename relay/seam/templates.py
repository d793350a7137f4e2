"""The head of every prompt: a question in the model's own chat template, rendered once, up to the open thinking."""

import hashlib
import json
from datetime import datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn

from relay.errors import Mistake, UserError
from relay.seam.tokens import CLOSE, OPEN, Tokenizer

if TYPE_CHECKING:
    import jinja2

DATE = datetime(2025, 1, 1)  # what templates are told when they ask for today: a prompt does not depend on the day
Opened = Literal["template", "relay", "none"]


class Head(NamedTuple):
    """What stands before the trajectory in every prompt of one model."""

    ids: tuple[int, ...]
    text: str
    thinking: Opened  # who opened the thinking: its template, relay after it, or nobody (no thinking)


class Template:
    """A model's chat template: what turns a question into a head."""

    fingerprint: str  # 16 hex digits of all that a head depends on beside the question and the tokenizer

    def __init__(
        self,
        tokenizer: Tokenizer,
        source: str | None,
        *,
        bos: str = "",
        eos: str = "",
        thinking: bool | None = None,
    ) -> None:
        """`source` is Jinja; None for a base model, which goes on after the question and a newline.

        `thinking=False` asks the template for no thinking and opens none; True insists on it; None leaves it to the
        model.
        """
        if thinking and tokenizer.think is None:
            raise UserError(
                Mistake("thinking", f"this model has no tokens {OPEN} and {CLOSE}", "leave `thinking:` out")
            )
        self._tokenizer = tokenizer
        self._source = source
        self._thinking = thinking
        self._names: dict[str, object] = {"bos_token": bos, "eos_token": eos}
        if thinking is not None:
            self._names["enable_thinking"] = thinking
        self._jinja = None if source is None else _compiled(source)
        content = json.dumps([source, bos, eos, thinking, str(DATE)])
        self.fingerprint = hashlib.blake2b(content.encode(), digest_size=8).hexdigest()
        self._remembered = lru_cache(maxsize=256)(self._render)

    @property
    def spec(self) -> dict[str, Any]:
        """What makes it again: `Template(tokenizer, **spec)`."""
        names = {"bos": self._names["bos_token"], "eos": self._names["eos_token"]}
        return {"source": self._source, **names, "thinking": self._thinking}

    @property
    def chats(self) -> bool:
        """Whether there is a template; a base model has none."""
        return self._jinja is not None

    @property
    def thinks(self) -> bool:
        """Whether it knows the tags of thinking."""
        return OPEN in (self._source or "") and self._thinking is not False

    def render(self, question: str, system: str | None = None) -> Head:
        """The head for this question; without `system` there is no system turn but the template's own."""
        return self._remembered(question, system)

    def _render(self, question: str, system: str | None) -> Head:
        if self._jinja is None:
            text = f"{system}\n\n{question}\n" if system else f"{question}\n"
            opening = self._tokenizer.opening
            return Head((*opening, *self._tokenizer.encode(text)), self._tokenizer.text_of(opening) + text, "none")
        turns = [("system", system)] if system else []
        text, thinking = self._opened(self.turns(*turns, ("user", question), asks=True))
        return Head(tuple(self._tokenizer.encode_template(text)), text, thinking)

    def turns(self, *turns: tuple[str, str], asks: bool = False) -> str:
        """The text of these (role, content) turns as the template has them; `asks`: with its generation prompt.

        Raises UserError when the template refuses them, and for a base model, which has none.
        """
        if self._jinja is None:
            raise UserError(Mistake("chat template", "a base model has none"))
        try:
            messages = [{"role": role, "content": content} for role, content in turns]
            return self._jinja.render(self._names, messages=messages, add_generation_prompt=asks)
        except Exception as e:  # a template is a program of others
            raise UserError(Mistake("chat template", f"cannot be rendered: {e}")) from e

    def _opened(self, text: str) -> tuple[str, Opened]:
        """The head with its thinking open, where the model thinks."""
        opened = text.rstrip().endswith(OPEN)
        if opened and self._thinking is False:
            what = "this model's template opens the thinking all the same"
            raise UserError(Mistake("thinking: false", what, "leave `thinking:` out"))
        if self._tokenizer.think is None or self._thinking is False:
            return text, "none"
        if opened:
            return text, "template"
        if text.rstrip().endswith(CLOSE):
            return text, "none"  # the template itself chose to answer without thinking
        if self._thinking or OPEN in (self._source or ""):
            return f"{text}{OPEN}\n", "relay"
        return text, "none"


def _compiled(source: str) -> "jinja2.Template":
    import jinja2

    try:
        return _environment().from_string(source)
    except jinja2.TemplateSyntaxError as e:
        raise UserError(Mistake(f"chat template:{e.lineno}", f"is no Jinja: {e.message}")) from e


@cache
def _environment() -> "jinja2.Environment":
    """What the authors of chat templates count on, as transformers has it."""
    import jinja2.nodes
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """`{% generation %}` marks what the model wrote; here it is its content."""

        tags = {"generation"}  # noqa: RUF012  as in jinja2

        def parse(self, parser: jinja2.parser.Parser) -> list[jinja2.nodes.Node]:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    there: jinja2.Environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    there.filters["tojson"] = _to_json
    there.globals["raise_exception"] = _refuse
    there.globals["strftime_now"] = DATE.strftime
    return there


def _to_json(value: object, ensure_ascii: bool = False, **how: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, **how)


def _refuse(message: str) -> NoReturn:
    import jinja2

    raise jinja2.TemplateError(message)
