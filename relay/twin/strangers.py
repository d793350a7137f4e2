"""Models that are nowhere and a place where no run can lie, told before any token is spent."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from relay.engine.models import resolve
from relay.errors import Mistake, UserError
from relay.twin.plan import Part

BY_FILES = ("transformers", "vllm")  # engines that load a model; what a server calls its own is its own affair


def refuse_strangers(parts: Sequence[Part], folder: Path | None, *, hub: bool) -> None:
    """Raise UserError for all at once, without `hub` for relay's own models only. Runs that were begun have theirs."""
    mistakes = list(_place(folder)) if folder else []
    new = [part for part in parts if folder is None or not (folder / part.file).exists()]
    for name, gguf, revision in dict.fromkeys(found for part in new for found in _models(part)):
        if not hub and not name.startswith("relay/"):
            continue
        try:
            resolve(name, gguf, revision)
        except UserError as error:
            mistakes += error.mistakes
    if mistakes:
        raise UserError.of(dict.fromkeys(mistakes))


def _models(part: Part) -> Iterator[tuple[str, str | None, str | None]]:
    for model in part.reading.tree["models"].values():
        spec: dict[str, Any] = model
        if spec.get("engine") in BY_FILES and isinstance(spec.get("model"), str):
            yield spec["model"], spec.get("gguf_file"), spec.get("revision")


def _place(folder: Path) -> Iterator[Mistake]:
    """What is in the way of a folder."""
    blocked = next((path for path in (folder, *folder.parents) if path.exists()), folder)
    if not blocked.is_dir() and blocked.exists():
        yield Mistake(f"--out {folder}", f"{blocked} is no folder", "name another one")
