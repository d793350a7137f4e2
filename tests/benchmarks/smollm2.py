"""SmolLM2-135M as a folder of safetensors: it comes as a GGUF file, which vLLM is not given."""

import os
from pathlib import Path
from shutil import rmtree

from platformdirs import user_cache_path

from relay.engine.models import resolve
from relay.engine.quiet import quiet


def folder() -> Path:
    """The folder, made once and kept in the user's cache."""
    where = resolve("relay/smollm2")
    kept = user_cache_path("relay-tests") / f"smollm2-{where.revision}"
    if not kept.is_dir():
        import transformers

        making = kept.with_name(f"{kept.name}.{os.getpid()}")
        origin = {"gguf_file": where.gguf_file, "local_files_only": True}
        with quiet():
            transformers.AutoTokenizer.from_pretrained(where.source, **origin).save_pretrained(making)
            packed = transformers.AutoModelForCausalLM.from_pretrained(where.source, dtype="float32", **origin)
            config = packed.config
            config.__dict__.pop("quantization_config", None)  # or it could not be saved
            plain = transformers.AutoModelForCausalLM.from_config(config)
            plain.load_state_dict(packed.state_dict())
            plain.save_pretrained(making)
        try:
            making.rename(kept)
        except OSError:  # another process was faster
            rmtree(making)
    return kept
