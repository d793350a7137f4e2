"""Several models of vLLM on one GPU: each with its share of the memory, or one awake while the others sleep."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from relay.engine import vllm_log
from relay.engine.loading import first_line
from relay.engine.models import resolve
from relay.engine.shares import WHOLE, size_of
from relay.engine.shares import shares as shared_out
from relay.engine.turns import Turns
from relay.engine.vllm_starting import settings
from relay.errors import Mistake, UserError

if TYPE_CHECKING:
    from relay.engine.vllm import VllmModel


def together(models: Mapping[str, "VllmModel"]) -> "dict[str, VllmModel]":
    """These models as they are opened side by side, in this order. Raises UserError where they do not fit."""
    turning = {name for name, model in models.items() if model.placement == "take_turns"}
    if turning:
        if rest := sorted(set(models) - turning):
            what = f"takes turns on the GPU, and {rest[0]!r} does not"
            raise UserError(Mistake(f"models {min(turning)!r}", what, "`placement: take_turns` for both"))
        turns = Turns()
        return {name: model.turning(turns) for name, model in models.items()}
    open_ = {name: model for name, model in models.items() if model.gpu_memory is None}
    if len(models) == 1 or not open_ or find_spec("vllm") is None or (total := memory()) is None:
        return dict(models)
    given = {name: model.gpu_memory for name, model in models.items() if model.gpu_memory is not None}
    try:
        sizes = {name: size_of(_folder(model), model.dtype, model.tensor_parallel) for name, model in open_.items()}
    except (OSError, ValueError, KeyError):  # sizes that nobody says: all are given the same
        found = dict.fromkeys(open_, max(WHOLE - sum(given.values()), 0.0) / len(open_))
    else:
        found = shared_out(sizes, total, given)
    ready = {name: model.model_copy(update={"gpu_memory": found.get(name, model.gpu_memory)})
             for name, model in models.items()}  # fmt: skip
    return {name: ready[name] for name in (*found, *given)}


def memory() -> int | None:
    """Bytes of the first GPU; None where vLLM runs on CPU, on which each model is given the same cache."""
    settings()
    with vllm_log.hushed():
        from vllm.platforms import current_platform

        return None if current_platform.is_cpu() else int(current_platform.get_device_total_memory())


def _folder(model: "VllmModel") -> Path:
    """Where its files are, fetched where they are not. Raises UserError as `resolve` does."""
    where = resolve(model.model, None, model.revision)
    if where.what != "hub":
        return Path(where.source)
    from huggingface_hub import snapshot_download

    wanted = ["*.safetensors", "*.json"]
    try:
        return Path(snapshot_download(where.source, revision=where.revision, allow_patterns=wanted))
    except Exception as error:  # no network, no room: whatever the libraries below raise
        raise UserError(Mistake(f"model {model.model!r}", f"cannot be fetched: {first_line(error)}")) from error
