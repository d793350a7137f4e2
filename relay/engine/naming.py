"""What can be told of a model's name without loading it and without asking the hub."""

from collections.abc import Iterator
from pathlib import Path

from relay.engine.models import resolve
from relay.errors import UserError
from relay.language.telling import Fault


def faults(name: str, gguf_file: str | None = None) -> Iterator[Fault]:
    """What is wrong with this name of a model, told without asking the hub; behind the key `model`."""
    if not _is_for_the_hub(name):
        try:
            resolve(name, gguf_file)
        except UserError as error:
            yield from (Fault(("model",), f"{m.where}: {m.what}", m.instead) for m in error.mistakes)


def _is_for_the_hub(name: str) -> bool:
    """Whether only the hub knows if there is such a model."""
    path = Path(name)
    here = name.startswith(("relay/", ".", "~")) or path.suffix == ".gguf" or path.is_absolute() or path.is_dir()
    return bool(name.strip()) and name.count("/") <= 1 and not here
