"""A scenario with every default said, as a tree that reads back as the same scenario."""

from typing import Any

from relay.language.reading import Reading
from relay.language.shapes import dumped
from relay.language.sweeps import is_text_of_braces, is_variable, uses


def expanded(reading: Reading) -> dict[str, Any]:
    """The whole tree, short forms written out; the sweep's variables stand where they stood."""
    full = dumped(reading.cells[0].scenario)
    assert isinstance(full, dict)
    del full["graphs"]  # all of them are in their places
    used = {name for _, name in [*uses(reading.tree), *uses(reading.tree.get("sweep"), ("sweep",))]}
    full["let"] = {name: value for name, value in full["let"].items() if name in used}  # the rest is a preset's
    return {key: _restored(reading.tree.get(key), value) for key, value in full.items()}


def _restored(said: Any, full: Any) -> Any:
    """The full form, with what the first cell put in place of a variable taken out again."""
    if isinstance(said, str) and (is_variable(said) or is_text_of_braces(said)):
        return said
    if isinstance(full, list) and not isinstance(said, list):
        return [_restored(said, item) for item in full] if len(full) == 1 else full
    if isinstance(full, list):
        return [_restored(*pair) for pair in zip(said, full, strict=True)]
    if isinstance(full, dict) and isinstance(said, dict):
        return {key: _restored(said.get(key), value) for key, value in full.items()}
    return full
