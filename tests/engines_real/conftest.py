"""Real engines: vLLM beside transformers, on the models that ship. `make test-engines` runs them where vLLM is."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import pytest_asyncio
import torch
import transformers

from relay.engine.scripted import SHIPPED, TEMPLATE
from relay.engine.transformers import Transformers, TransformersModel
from relay.engine.vllm import Vllm, VllmModel

PADDING = 13  # ids that a model has beyond its tokenizer's, as many models have
for name, value in {
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",  # enough for models so small; on a busy machine threads that wait for one another crawl
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
}.items():
    os.environ.setdefault(name, value)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Warnings are errors, but not that vLLM leaves its sockets to the garbage collector."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for ignored in ("ignore::ResourceWarning", "ignore:Exception ignored in.*Context.__del__"):
                item.add_marker(pytest.mark.filterwarnings(ignored))


@pytest.fixture(autouse=True, scope="session")
def _vllm_is_here() -> None:
    """A test that is skipped proves nothing: without vLLM these fail."""
    if find_spec("vllm") is None:
        pytest.fail("vLLM is not installed here: run `make test-engines`", pytrace=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def served() -> AsyncIterator[Vllm]:
    """relay/tiny in vLLM."""
    engine = await VllmModel(model="relay/tiny").open()
    assert isinstance(engine, Vllm)
    yield engine
    await engine.aclose()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def plain() -> AsyncIterator[Transformers]:
    """relay/tiny in transformers."""
    engine = await TransformersModel(model="relay/tiny").open()
    yield engine
    await engine.aclose()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def odd_served(odd: Path) -> AsyncIterator[Vllm]:
    """The odd model in vLLM."""
    engine = await VllmModel(model=str(odd), context=100).open()
    assert isinstance(engine, Vllm)
    yield engine
    await engine.aclose()


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random Llama that is as sure as can be of each token, and has more ids than its tokenizer."""
    path = tmp_path_factory.mktemp("odd")
    fast = transformers.PreTrainedTokenizerFast(tokenizer_file=str(SHIPPED), eos_token="<|end|>")
    fast.chat_template = TEMPLATE
    fast.save_pretrained(path)
    config = transformers.LlamaConfig(
        vocab_size=len(fast) + PADDING, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=256, bos_token_id=None,
        eos_token_id=fast.eos_token_id, initializer_range=0.4, tie_word_embeddings=False,
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(config)
    with torch.no_grad():
        model.lm_head.weight *= 100  # logits hundreds apart: a bias of -100 would ban nothing
    model.save_pretrained(path)
    return path


Opens = Callable[[VllmModel], Awaitable[Vllm]]


@pytest_asyncio.fixture(loop_scope="session")
async def opens() -> AsyncIterator[Opens]:
    """Opens engines, and closes them."""
    opened: list[Vllm] = []

    async def open_(model: VllmModel) -> Vllm:
        engine = await model.open()
        assert isinstance(engine, Vllm)
        opened.append(engine)
        return engine

    yield open_
    for engine in opened:
        await engine.aclose()
