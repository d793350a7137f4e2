"""How relay has transformers read a model: no bars, no advice, each GGUF file once; and which file is broken."""

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import patch

from relay.errors import Mistake, UserError
from relay.seam.tokens import Tokenizer

_WORDS = ("config.json", "generation_config.json", "tokenizer_config.json", "tokenizer.json")


@contextmanager
def quiet() -> Iterator[None]:
    """No bars and no advice from transformers: relay shows its own."""
    from transformers import modeling_gguf_pytorch_utils as reading_gguf  # its bar cannot be switched off
    from transformers.utils import logging as untyped

    logging: Any = untyped
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings(), patch.object(reading_gguf, "tqdm", lambda each, **_: each), _gguf_read_once():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


@contextmanager
def _gguf_read_once() -> Iterator[None]:
    """Within it a GGUF file is read once, however often transformers asks, and as plain arrays.

    Its vocabulary is a hundred thousand small pieces of a mapped file, of which each costs an object.
    """
    if find_spec("gguf") is None:
        yield
        return
    import gguf
    import numpy as np
    from transformers import modeling_gguf_pytorch_utils as reading

    class Plain(gguf.GGUFReader):
        def _get(self, *where: Any, **how: Any) -> Any:
            if type(self.data) is not np.ndarray:
                plain: Any = self.data.view(np.ndarray)  # still mapped, without what numpy does for a piece of a map
                self.data = plain
            return super()._get(*where, **how)

    load: Any = reading.load_gguf_checkpoint
    said = cache(load)  # the words and settings of a file, which are asked for by its tokenizer and by its config

    def load_once(gguf_checkpoint_path: Any, return_tensors: bool = False, **rest: Any) -> Any:
        if return_tensors:
            return load(gguf_checkpoint_path, return_tensors=True, **rest)
        return deepcopy(said(gguf_checkpoint_path))

    with patch.object(gguf, "GGUFReader", cache(Plain)), patch.object(reading, "load_gguf_checkpoint", load_once):
        yield


def broken(folder: Path) -> Mistake | None:
    """The file of this folder that cannot be read or is missing, where it is one that says what its words are."""
    if not any((*folder.glob("tokenizer.*"), *folder.glob("vocab.*"))):
        return Mistake(str(folder), "the folder holds no tokenizer.json", "fetch it, too")
    for file in filter(Path.is_file, (folder / name for name in _WORDS)):
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            return Mistake(str(file), f"is no JSON that can be read ({error})", "fetch it anew")
        if not isinstance(found, dict):
            return Mistake(str(file), "is JSON, but no object", "fetch it anew")
        if file.name == "tokenizer.json":
            try:
                Tokenizer.from_file(file)
            except UserError as error:
                return error.mistakes[0]._replace(instead="fetch it anew")
    return None
