"""Loading a model through transformers: weights, tokenizer, template, and the facts of what was loaded."""

import os
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from relay.engine.models import Where, resolve
from relay.engine.quiet import broken, quiet
from relay.engine.slots import fits
from relay.errors import Mistake, UserError
from relay.seam.templates import Template
from relay.seam.tokens import Tokenizer

if TYPE_CHECKING:
    from relay.engine.transformers import TransformersModel

T = TypeVar("T")

NEEDS_EXTRA = "engine transformers needs the extra [transformers]: pip install 'relay-cot[transformers]'"
TURN_ENDS = ("<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<end_of_turn>", "<turn|>", "<|return|>")


class Named(Protocol):
    """What is said of a model, whatever runs it, that its words depend on."""

    @property
    def model(self) -> str:
        """A hub id, a folder, a .gguf file, or a name that relay knows."""
        ...

    @property
    def revision(self) -> str | None:
        """Of a hub model."""
        ...

    @property
    def gguf_file(self) -> str | None:
        """The file that holds the weights as GGUF."""
        ...

    @property
    def context(self) -> int | None:
        """Tokens of prompt and continuation together, where the user says."""
        ...

    @property
    def thinking(self) -> bool | None:
        """Whether it thinks, where the user says."""
        ...


class Loaded(NamedTuple):
    """A model in memory, with all that an engine shows of it."""

    model: Any  # a transformers model in eval mode
    tokenizer: Tokenizer
    template: Template
    context: int
    facts: dict[str, str]
    slots: bool  # whether its rows can lie in slots


def load(spec: "TransformersModel") -> Loaded:
    """Find and load this model. Takes seconds or minutes; raises UserError when the user can mend what is wrong."""
    check_extra(NEEDS_EXTRA, "torch", "transformers")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin for one another crawl on a busy machine
    where = resolve(spec.model, spec.gguf_file, spec.revision)
    return reading(spec.model, where, "loaded", lambda: _load(spec, where, _device(spec.device)))


def load_words(spec: Named, where: Where | None = None) -> tuple[Tokenizer, Template, int]:
    """Its tokenizer, template and context, without its weights; `where` it was found, if it was looked for.

    Raises UserError as `load` does.
    """
    check_extra(NEEDS_EXTRA, "torch", "transformers")
    found = where or resolve(spec.model, spec.gguf_file, spec.revision)
    return reading(spec.model, found, "read", lambda: _load_words(spec, found))


def reading(name: str, where: Where, what: str, read: Callable[[], T]) -> T:
    """What `read` makes of this model's files. Raises UserError, which says where."""
    if where.gguf_file is not None:
        check_extra(NEEDS_EXTRA, "gguf")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    with quiet():
        try:
            return read()
        except UserError:
            raise
        except (Exception, MemoryError) as error:  # what the libraries below raise has no common root
            if where.what == "folder" and (file := broken(Path(where.source))) is not None:
                raise UserError(file) from error
            raise UserError(Mistake(f"model {name!r}", f"cannot be {what}: {first_line(error)}")) from error


def _load(spec: "TransformersModel", where: Where, device: str) -> Loaded:
    import torch
    import transformers

    origin = _origin(where)
    fast = transformers.AutoTokenizer.from_pretrained(where.source, **origin)
    dtype = "float32" if spec.dtype == "auto" and device == "cpu" else spec.dtype
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(where.source, dtype=dtype, **origin)
    model = model.to(device).eval()
    if device.startswith("cuda"):  # cuDNN's attention plans anew for each width: 2 ms a call on an H200, most of a step
        torch.backends.cuda.enable_cudnn_sdp(False)
    tokenizer, template = _words(spec, fast, model.config, getattr(model, "generation_config", None))
    facts = {
        "engine": "transformers",
        "model": spec.model,
        "revision": where.revision,
        "dtype": str(model.dtype).removeprefix("torch."),
        "device": torch.cuda.get_device_name(device) if device.startswith("cuda") else device,
        "parameters": str(sum(p.numel() for p in model.parameters())),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    if where.gguf_file is not None:
        facts["gguf_file"] = where.gguf_file
    return Loaded(model, tokenizer, template, _context(spec, fast, model.config), facts, fits(model))


def _load_words(spec: Named, where: Where) -> tuple[Tokenizer, Template, int]:
    import transformers

    origin = _origin(where)
    fast = transformers.AutoTokenizer.from_pretrained(where.source, **origin)
    config = transformers.AutoConfig.from_pretrained(where.source, **origin)
    generation = None
    if where.gguf_file is None:
        with suppress(OSError):  # a folder need not have one
            generation = transformers.GenerationConfig.from_pretrained(where.source, **origin)
    tokenizer, template = _words(spec, fast, config, generation)
    return tokenizer, template, _context(spec, fast, config)


def _origin(where: Where) -> dict[str, Any]:
    """Where transformers finds the files."""
    origin: dict[str, Any] = {"local_files_only": where.here}
    if where.gguf_file is not None:
        origin["gguf_file"] = where.gguf_file
    if where.what == "hub":
        origin["revision"] = where.revision
    return origin


def _words(spec: Named, fast: Any, config: Any, generation: Any) -> tuple[Tokenizer, Template]:
    tokenizer = _tokenizer(spec, fast, config, generation)
    bos, eos = fast.bos_token or "", fast.eos_token or ""
    return tokenizer, Template(tokenizer, _chat_template(fast), bos=bos, eos=eos, thinking=spec.thinking)


def check_extra(needs: str, *modules: str) -> None:
    """Raise UserError, which says what is needed, where one of these modules is not installed."""
    if any(find_spec(module) is None for module in modules):
        raise UserError(needs)


def _device(asked: str) -> str:
    """The device to use. Raises UserError when it is not there."""
    import torch

    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if asked == "auto":
        return "cuda" if there else "cpu"
    if asked.startswith("cuda"):
        if not there:
            raise UserError(Mistake(f"device: {asked}", "torch finds no CUDA device here", "device: cpu"))
        if int(asked.partition(":")[2] or 0) >= there:
            raise UserError(Mistake(f"device: {asked}", f"there are {there}, numbered from cuda:0"))
    return asked


def _tokenizer(spec: Named, fast: Any, config: Any, generation: Any) -> Tokenizer:
    """Its ids, with all those that end a turn: a model may end it with other ids than its tokenizer says."""
    rust = getattr(fast, "backend_tokenizer", None)
    if rust is None:
        what = f"its tokenizer ({type(fast).__name__}) is not one of the tokenizers library, whose ids relay needs"
        raise UserError(Mistake(f"model {spec.model!r}", what, "a model with a tokenizer.json"))
    config = config.get_text_config()
    ends: set[Any] = set()
    for said in (fast.eos_token_id, config.eos_token_id, getattr(generation, "eos_token_id", None)):
        ends.update(said if isinstance(said, list | tuple) else () if said is None else (said,))
    plain = Tokenizer.from_rust(rust)
    source = _chat_template(fast) or ""
    ends.update(plain.special[end] for end in TURN_ENDS if end in source and end in plain.special)
    return plain.ending(sorted(end for end in ends if isinstance(end, int) and 0 <= end < plain.size))


def _chat_template(fast: Any) -> str | None:
    """The template for a chat; None for a base model."""
    source = fast.chat_template
    return source.get("default") if isinstance(source, dict) else source


def _context(spec: Named, fast: Any, config: Any) -> int:
    """Tokens that prompt and continuation may have together."""
    said = getattr(config.get_text_config(), "max_position_embeddings", None)
    for limit in (spec.context, said, fast.model_max_length):
        if isinstance(limit, int) and 0 < limit < 1 << 30:
            return limit
    raise UserError(Mistake(f"model {spec.model!r}", "does not say how long its context is", "say it: `context: 4096`"))


def first_line(error: BaseException) -> str:
    """An exception of others in one line; what its first line only announces stands in the next."""
    lines = [stripped for line in str(error).splitlines() if (stripped := line.strip())] or [""]
    count = next((n for n, line in enumerate(lines, 1) if not line.endswith((":", ","))), len(lines))
    return f"{type(error).__name__}: {' '.join(lines[:count])[:300]}".removesuffix(": ")
