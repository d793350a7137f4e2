"""LoRA adapters: finding one, and what it is."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from relay.engine.loading import first_line
from relay.engine.models import fingerprint
from relay.errors import Mistake, UserError


class Adapter(NamedTuple):
    """A LoRA adapter on this machine."""

    folder: Path
    rank: int
    revision: str  # the hub's commit, or 16 hex digits of its files


def find(name: str) -> Adapter:
    """The adapter in this folder, or of this name on the hub. Raises UserError."""
    folder, revision = Path(name).expanduser(), ""
    if not folder.is_dir():
        if find_spec("huggingface_hub") is None or name.count("/") != 1:
            raise UserError(Mistake(f"lora {name!r}", "there is no such folder"))
        from huggingface_hub import snapshot_download

        try:
            folder = Path(snapshot_download(name))
        except Exception as error:  # no network, no such name: whatever the libraries below raise
            raise UserError(Mistake(f"lora {name!r}", f"cannot be fetched: {first_line(error)}")) from error
        revision = folder.name
    try:
        rank = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))["r"]
    except (OSError, ValueError, KeyError) as error:
        what = f"holds no adapter_config.json that can be read ({first_line(error)})"
        raise UserError(Mistake(f"lora {name!r}", what, "name an adapter's folder")) from None
    files = sorted(f for f in folder.iterdir() if f.suffix in (".safetensors", ".bin", ".json"))
    return Adapter(folder.resolve(), int(rank), revision or fingerprint(files))
