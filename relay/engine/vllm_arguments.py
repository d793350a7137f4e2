"""The arguments that vLLM's engine is started with."""

import os
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from relay.engine.models import Where
from relay.errors import Mistake, UserError

if TYPE_CHECKING:
    from relay.engine.vllm import VllmModel

GPU_BATCH, CPU_BATCH = 256, 32
CPU_CACHE = 1 << 30  # bytes of keys and values, where nobody says otherwise
RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # the widths of adapters that vLLM makes room for
ALONE = 0.9  # of a GPU's memory, for a model that nobody gave a share


def refuse_unknown(spec: "VllmModel", known: Sequence[str]) -> None:
    """Raise UserError where `args:` holds a name that this vLLM does not know."""
    wrong = [name for name in spec.args if name not in known]
    if wrong:
        raise UserError(*(_unknown(spec, name, get_close_matches(name, known, 1)) for name in wrong))


def _unknown(spec: "VllmModel", name: str, near: list[str]) -> Mistake:
    instead = f"did you mean {near[0]!r}?" if near else ""
    return Mistake(f"model {spec.model!r}: args", f"vLLM has no engine argument {name!r}", instead)


def arguments(
    spec: "VllmModel", where: Where, context: int, rank: int | None = None, *, cpu: bool, deterministic: bool
) -> dict[str, Any]:
    """The engine arguments of this model: relay's, and the user's own over them. `rank` is its adapter's."""
    batch = 1 if deterministic else spec.batch or (CPU_BATCH if cpu else GPU_BATCH)
    given: dict[str, Any] = {
        "model": where.source,
        "revision": where.revision if where.what == "hub" else None,
        "skip_tokenizer_init": True,  # ids in, ids out
        "dtype": "float32" if cpu and spec.dtype == "auto" else spec.dtype,
        "max_model_len": context,
        "max_num_seqs": batch,
        "tensor_parallel_size": spec.tensor_parallel,
        "gpu_memory_utilization": spec.gpu_memory or ALONE,
        "enable_prefix_caching": not deterministic,
        "scheduling_policy": "priority",
        "generation_config": "vllm",  # how to draw is the scenario's business
        "disable_log_stats": True,
        "enable_sleep_mode": spec.placement == "take_turns",
    }
    if cpu and spec.placement == "take_turns":
        raise UserError(Mistake(f"model {spec.model!r}", "cannot take turns: there is no GPU", "placement: together"))
    if cpu:
        given |= {
            "block_size": 32,  # blocks of 128, its default, are never full with short traces
            "enforce_eager": True,  # compiling takes minutes
            "enable_chunked_prefill": False,  # a seeded request whose prompt is read in chunks ends the process
            "max_num_batched_tokens": max(context, 8192),
        }
        if "VLLM_CPU_KVCACHE_SPACE" not in os.environ and spec.gpu_memory is None:
            given["kv_cache_memory_bytes"] = CPU_CACHE
    if rank is not None:
        given |= {"enable_lora": True, "max_lora_rank": next((r for r in RANKS if r >= rank), rank)}
    return given | spec.args
