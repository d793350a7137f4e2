"""SmolLM2-135M as a folder of safetensors: it comes as a GGUF file, which vLLM is not given."""

import os
from pathlib import Path
from shutil import rmtree

from platformdirs import user_cache_path

from relay.engine.models import resolve


def folder() -> Path:
    """The folder, made once and kept in the user's cache."""
    where = resolve("relay/smollm2")
    kept = user_cache_path("relay-tests") / f"smollm2-{where.revision}"
    if not kept.is_dir():
        import transformers

        making = kept.with_name(f"{kept.name}.{os.getpid()}")
        transformers.logging.set_verbosity_error()
        for kind in (transformers.AutoTokenizer, transformers.AutoModelForCausalLM):
            made = kind.from_pretrained(where.source, gguf_file=where.gguf_file)
            made.save_pretrained(making)
        try:
            making.rename(kept)
        except OSError:  # another process was faster
            rmtree(making)
    return kept
