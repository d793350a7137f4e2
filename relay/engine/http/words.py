"""The tokenizer and the template of a model that somebody else holds."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from relay.errors import Mistake, UserError
from relay.seam.templates import Template
from relay.seam.tokens import Tokenizer


def words_of(name: str, thinking: bool | None) -> tuple[Tokenizer, Template, int | None]:
    """Its tokenizer, template and, where it is said, context. `name`: a folder, a tokenizer.json, or a model's name.

    Takes seconds. Raises UserError.
    """
    path = Path(name).expanduser()
    if path.suffix == ".json" and path.is_file():
        return _from_files(path, thinking)
    if (path / "tokenizer.json").is_file() and not (path / "config.json").is_file():
        return _from_files(path / "tokenizer.json", thinking)
    from relay.engine.loading import load_words

    spec: Any = SimpleNamespace(model=name, gguf_file=None, revision=None, thinking=thinking, context=None)
    return load_words(spec)


def _from_files(file: Path, thinking: bool | None) -> tuple[Tokenizer, Template, int | None]:
    """From a tokenizer.json and what lies beside it, without a library that knows models."""
    settings, generation, config = (
        _json(file.with_name(f"{name}.json")) for name in ("tokenizer_config", "generation_config", "config")
    )
    plain = Tokenizer.from_file(file)
    bos, eos = _token(settings.get("bos_token")), _token(settings.get("eos_token"))
    ends: set[Any] = {eos} if eos in plain.added else set()
    for said in (generation.get("eos_token_id"), config.get("eos_token_id")):
        ends.update(said if isinstance(said, list) else [said])
    ends.discard(None)
    if not ends:
        what = "does not say which token ends a turn"
        raise UserError(Mistake(str(file), what, "lay its tokenizer_config.json or generation_config.json beside it"))
    source = settings.get("chat_template")
    jinja = file.with_name("chat_template.jinja")
    if jinja.is_file():
        source = jinja.read_text(encoding="utf-8")
    if isinstance(source, list):  # several by name
        source = next((t.get("template") for t in source if isinstance(t, dict) and t.get("name") == "default"), None)
    tokenizer = plain.ending(ends)
    template = Template(tokenizer, source, bos=bos, eos=eos, thinking=thinking)
    context = config.get("max_position_embeddings")
    return tokenizer, template, context if isinstance(context, int) else None


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UserError(Mistake(str(file), f"cannot be read: {error}")) from error
    return found if isinstance(found, dict) else {}


def _token(said: Any) -> str:
    found = said.get("content") if isinstance(said, dict) else said
    return found if isinstance(found, str) else ""
