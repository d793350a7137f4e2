"""Starting vLLM: its arguments, the process that holds the model, and the facts of what was started."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from relay.engine import vllm_log
from relay.engine.guardian import Guardian, begun_since, running
from relay.engine.loading import check_extra, first_line, load_words
from relay.engine.lora import Adapter, find
from relay.engine.models import Where, resolve
from relay.engine.vllm_arguments import arguments, refuse_unknown
from relay.errors import Mistake, UserError
from relay.seam.templates import Template
from relay.seam.tokens import Tokenizer

if TYPE_CHECKING:
    from relay.engine.vllm import VllmModel

NEEDS_EXTRA = "engine vllm needs the extra [vllm]: pip install 'relay-cot[vllm]'"


class Started(NamedTuple):
    """A model in vLLM, with all that an engine shows of it."""

    llm: Any  # an AsyncLLM
    guardian: Guardian  # of its processes
    tokenizer: Tokenizer
    template: Template
    context: int
    words: int  # ids that the model has, its padding included
    batch: int
    facts: dict[str, str]
    lora: Any = None  # a LoRARequest
    speculates: bool = False


def start(spec: "VllmModel", *, deterministic: bool = False) -> Started:
    """Find and start this model. Takes half a minute or more; raises UserError when the user can mend what is wrong."""
    check_extra(NEEDS_EXTRA, "vllm")
    where = resolve(spec.model, None, spec.revision)
    if where.gguf_file is not None:
        what = "is a GGUF file, which vLLM is not given"
        raise UserError(Mistake(f"model {spec.model!r}", what, "engine: transformers, or a folder of safetensors"))
    tokenizer, template, context = load_words(spec, where)
    adapter = find(spec.lora) if spec.lora is not None else None
    settings()
    began, others = vllm_log.size(), running()
    with _no_interruptions(), vllm_log.hushed():
        try:
            llm, given = _start(spec, where, context, adapter, deterministic=deterministic)
        except UserError:
            raise
        except BaseException as error:  # what vLLM raises has no common root; its process may end by SystemExit
            why = vllm_log.last_error(began) or _told(error)
            raise UserError(Mistake(f"model {spec.model!r}", f"vLLM cannot start it: {why}", _hint(why))) from error
    guardian = Guardian(begun_since(others))
    facts = _facts(spec, where, adapter, llm)
    words = llm.model_config.get_vocab_size()
    speculates = llm.vllm_config.speculative_config is not None
    lora = _lora(adapter) if adapter is not None else None
    context = min(context, llm.model_config.max_model_len)
    return Started(llm, guardian, tokenizer, template, context, words, given["max_num_seqs"], facts, lora, speculates)


def _told(error: BaseException) -> str:
    """An exception of vLLM's in one line; where it is one of its checks, what is wrong with which argument."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
    return first_line(error)


def said_by(error: BaseException) -> str:
    """What vLLM raised for one call, in one line; where its process is dead, what it died of."""
    from vllm.v1.engine.exceptions import EngineDeadError

    causes = [error]
    while (cause := causes[-1].__cause__) is not None:
        causes.append(cause)
    if any(isinstance(each, EngineDeadError) for each in causes):
        why = vllm_log.last_error()
        return f"vLLM's process has ended{f' with {why}' if why else ''}; its log: {vllm_log.keep()}"
    return first_line(causes[-1])


def settings() -> None:
    """What vLLM reads from the environment, where the user has not said otherwise."""
    for name, value in (
        ("VLLM_NO_USAGE_STATS", "1"),
        ("HF_HUB_DISABLE_TELEMETRY", "1"),
        ("VLLM_WORKER_MULTIPROC_METHOD", "spawn"),  # a fork of a process with threads may hang
        ("VLLM_LOGGING_CONFIG_PATH", str(vllm_log.settings())),
    ):
        os.environ.setdefault(name, value)


@contextmanager
def _no_interruptions() -> Iterator[None]:
    """Processes started within it do not hear Ctrl-C, which is for relay: it ends them in its own time."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(
    spec: "VllmModel", where: Where, context: int, adapter: Adapter | None, *, deterministic: bool
) -> tuple[Any, dict[str, Any]]:
    from vllm import AsyncEngineArgs
    from vllm.platforms import current_platform
    from vllm.v1.engine.async_llm import AsyncLLM

    refuse_unknown(spec, [field.name for field in fields(AsyncEngineArgs)])
    rank = None if adapter is None else adapter.rank
    given = arguments(spec, where, context, rank, cpu=current_platform.is_cpu(), deterministic=deterministic)
    return AsyncLLM.from_engine_args(AsyncEngineArgs(**given)), given


def _facts(spec: "VllmModel", where: Where, adapter: Adapter | None, llm: Any) -> dict[str, str]:
    import torch
    import vllm
    from vllm.platforms import current_platform

    facts = {
        "engine": "vllm",
        "model": spec.model,
        "revision": where.revision,
        "dtype": str(llm.model_config.dtype).removeprefix("torch."),
        "device": "cpu" if current_platform.is_cpu() else str(current_platform.get_device_name()),
        "vllm": vllm.__version__,
        "torch": torch.__version__,
    }
    if spec.tensor_parallel > 1:
        facts["tensor_parallel"] = str(spec.tensor_parallel)
    if adapter is not None:
        facts |= {"lora": str(spec.lora), "lora_revision": adapter.revision}
    if spec.args:
        facts["args"] = json.dumps(spec.args, sort_keys=True)
    return facts


def _hint(why: str) -> str:
    """What to do about it, where it is known."""
    if "max seq len" in why or "KV cache" in why or "max_model_len" in why:
        return "a smaller `context:`, or a larger `gpu_memory:`"
    if "Free memory" in why or "out of memory" in why.lower():
        return "a smaller `gpu_memory:`, or `placement: take_turns`"
    return f"vLLM's log: {vllm_log.keep()}"


def _lora(adapter: Adapter) -> Any:
    from vllm.lora.request import LoRARequest

    return LoRARequest("adapter", 1, str(adapter.folder))
