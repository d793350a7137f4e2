"""What relay makes of `engine: vllm` before any vLLM is there: arguments, shares, turns, and words about mistakes."""

import logging
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from relay.engine import lora, vllm_log, vllm_together
from relay.engine.models import Where, resolve
from relay.engine.turns import Turned, Turns
from relay.engine.vllm import OURS, VllmModel
from relay.engine.vllm_arguments import arguments, refuse_unknown
from relay.engine.vllm_sampling import among_allowed
from relay.errors import UserError

HERE = Where("there", None, "folder", "f00d", True)
GIB = 1 << 30


def test_on_a_gpu_vllm_s_own_defaults_stand() -> None:
    given = arguments(VllmModel(model="m"), HERE, 4096, cpu=False, deterministic=False)
    assert given["max_model_len"] == 4096
    assert given["dtype"] == "auto"
    assert given["scheduling_policy"] == "priority"
    assert given["generation_config"] == "vllm"
    assert not {"block_size", "enforce_eager", "enable_chunked_prefill", "kv_cache_memory_bytes"} & set(given)


def test_on_cpu_the_recipe_stands_unless_the_user_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VLLM_CPU_KVCACHE_SPACE", raising=False)
    given = arguments(VllmModel(model="m"), HERE, 40_000, cpu=True, deterministic=False)
    assert given["dtype"] == "float32"
    assert given["enforce_eager"]
    assert given["enable_chunked_prefill"] is False
    assert given["max_num_batched_tokens"] >= given["max_model_len"]
    assert (given["block_size"], given["kv_cache_memory_bytes"]) == (32, GIB)
    own = VllmModel(model="m", args={"block_size": 64, "enforce_eager": False})
    given = arguments(own, HERE, 4096, cpu=True, deterministic=False)
    assert (given["block_size"], given["enforce_eager"]) == (64, False)
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "4")
    assert "kv_cache_memory_bytes" not in arguments(own, HERE, 4096, cpu=True, deterministic=False)


def test_deterministic_is_one_sequence_and_no_prefix_cache() -> None:
    given = arguments(VllmModel(model="m", batch=64), HERE, 4096, cpu=False, deterministic=True)
    assert (given["max_num_seqs"], given["enable_prefix_caching"]) == (1, False)


def test_an_adapter_s_rank_is_allowed() -> None:
    given = arguments(VllmModel(model="m", lora="a"), HERE, 4096, 48, cpu=False, deterministic=False)
    assert (given["enable_lora"], given["max_lora_rank"]) == (True, 64)


@pytest.mark.parametrize("name", OURS)
def test_an_argument_with_a_key_of_its_own_is_refused_at_its_place(name: str) -> None:
    with pytest.raises(ValidationError, match="has a key of its own"):
        VllmModel(model="m", args={name: 1})


def test_an_argument_that_vllm_lacks_is_told_with_the_nearest() -> None:
    with pytest.raises(UserError, match="no engine argument 'block_sise' \\(did you mean 'block_size'\\?\\)"):
        refuse_unknown(VllmModel(model="m", args={"block_sise": 1, "seed": 1}), ["block_size", "seed"])
    refuse_unknown(VllmModel(model="m", args={"seed": 1}), ["block_size", "seed"])


def test_taking_turns_needs_a_gpu() -> None:
    with pytest.raises(UserError, match="there is no GPU"):
        arguments(VllmModel(model="m", placement="take_turns"), HERE, 4096, cpu=True, deterministic=False)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if vLLM were here, and a GPU of 80 GiB."""
    monkeypatch.setattr(vllm_together, "find_spec", lambda name: object())
    monkeypatch.setattr(vllm_together, "memory", lambda: 80 * GIB)


@pytest.mark.usefixtures("gpu")
async def test_two_models_share_the_gpu_out_and_the_smaller_is_loaded_first() -> None:
    models = {"a": VllmModel(model="relay/tiny"), "b": VllmModel(model="relay/tiny-guide", dtype="float32")}
    found = await VllmModel.side_by_side(models)
    assert sorted(found) == ["a", "b"]
    assert [found[n].model for n in sorted(found)] == ["relay/tiny", "relay/tiny-guide"]
    given = [m.gpu_memory for m in found.values()]
    assert all(share is not None and 0.1 < share < 0.8 for share in given)
    assert sum(share or 0 for share in given) <= 0.9
    sizes = {n: resolve(m.model) for n, m in models.items()}
    assert sizes


@pytest.mark.usefixtures("gpu")
async def test_what_the_user_gives_a_model_is_left_to_it() -> None:
    models = {"a": VllmModel(model="relay/tiny", gpu_memory=0.5), "b": VllmModel(model="relay/tiny-guide")}
    found = await VllmModel.side_by_side(models)
    assert found["a"].gpu_memory == 0.5
    assert found["b"].gpu_memory == pytest.approx(0.4, abs=1e-3)
    alone = await VllmModel.side_by_side({"b": models["b"]})
    assert alone == {"b": models["b"]}


@pytest.mark.usefixtures("gpu")
async def test_models_that_take_turns_take_the_same_ones_all_or_none() -> None:
    models = {n: VllmModel(model="relay/tiny", placement="take_turns", context=c) for n, c in (("a", 9), ("b", 8))}
    found = await VllmModel.side_by_side(models)
    turns = {id(model._turns) for model in found.values()}
    assert len(turns) == 1
    assert all(isinstance(model._turns, Turns) for model in found.values())
    assert all(model._turns is None for model in models.values())
    assert Turned  # what `open` returns then; tests/engine/test_turns.py
    with pytest.raises(UserError, match="takes turns on the GPU, and 'c' does not"):
        await VllmModel.side_by_side({**models, "c": VllmModel(model="relay/tiny")})


def test_probabilities_among_the_allowed_add_up() -> None:
    class Said:
        def __init__(self, p: float) -> None:
            self.logprob = math.log(p)

    found = {1: Said(0.5), 2: Said(0.2), 3: Said(0.3)}
    allowed = [math.exp(among_allowed(found, i, frozenset({2}))) for i in (1, 3)]
    assert sum(allowed) == pytest.approx(1)
    assert among_allowed(found, 1, frozenset()) == math.log(0.5)


ALOUD = """\
import os, subprocess, sys
from relay.engine import vllm_log
with vllm_log.hushed():
    print("ours"); print("ours too", file=sys.stderr)
    os.write(1, b"a library\\n"); os.write(2, b"a library's error\\n")
    subprocess.run([sys.executable, "-c", "print('a process')"])
print("after")
print(vllm_log.log().read_text().split("\\n"), vllm_log.log())
"""


@pytest.mark.parametrize("keeps", [False, True])
def test_what_others_say_goes_into_the_log_and_what_we_say_to_the_terminal(keeps: bool) -> None:
    more = "vllm_log.keep()" if keeps else ""
    done = subprocess.run([sys.executable, "-c", ALOUD + more], capture_output=True, text=True, check=True)
    *lines, last = done.stdout.splitlines()
    assert lines == ["ours", "after"]
    assert done.stderr.splitlines() == ["ours too"]
    assert last.startswith("['a library', \"a library's error\", 'a process', '']")
    log = Path(last.split()[-1])
    assert log.exists() == keeps
    if keeps:
        log.unlink()
        log.with_name("logging.json").unlink(missing_ok=True)
        log.parent.rmdir()


def test_the_last_error_of_the_log_is_the_one_that_matters() -> None:
    before = vllm_log.size()
    with vllm_log.log().open("a") as log:
        log.write("(EngineCore pid=7) ERROR 11-28 18:48:43 [core.py:99] ValueError: No room for 4096 tokens\n")
        log.write("RuntimeError: Engine core initialization failed. See root cause above.\n")
        log.write("a line with ValueError: in the middle\n")
    assert vllm_log.last_error(before) == "ValueError: No room for 4096 tokens"
    assert vllm_log.last_error(vllm_log.size()) == ""
    assert os.path.exists(vllm_log.settings())
    for handler in logging.getLogger("vllm").handlers[:]:
        logging.getLogger("vllm").removeHandler(handler)
        handler.close()


async def test_without_vllm_the_user_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.engine.loading.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs the extra \[vllm\]: pip install 'relay-cot\[vllm\]'"):
        await VllmModel(model="relay/tiny").open()


async def test_a_gguf_file_is_refused_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.engine.loading.find_spec", lambda name: object())
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    with pytest.raises(UserError, match=r"is a GGUF file, which vLLM is not given \(engine: transformers"):
        await VllmModel(model=str(tmp_path / "m.gguf")).open()


def test_an_adapter_without_its_settings_is_the_user_s_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no such folder"):
        lora.find(str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"holds no adapter_config\.json that can be read"):
        lora.find(str(tmp_path))
    (tmp_path / "adapter_config.json").write_text('{"r": 16}')
    (tmp_path / "adapter_model.safetensors").write_bytes(b"1")
    found = lora.find(str(tmp_path))
    assert found.rank == 16
    (tmp_path / "adapter_model.safetensors").write_bytes(b"2")
    assert lora.find(str(tmp_path)).revision != found.revision
