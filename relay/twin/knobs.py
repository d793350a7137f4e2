"""The knobs of a scenario: in which values two trees differ, by path and in plain words."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from relay.language.sweeps import filled, uses

WORDS = {
    "let.unit": "what m and n are shares of",
    "let.cut": "where a cut falls",
    "let.stitch": "what stands before a distraction",
    "let.shortest": "the shortest original",
    "let.distractor": "which problems distract",
    "let.distractor_length": "how long a distraction's thought is",
    "let.seldom": "how seldom a problem for guidability is solved",
    "let.baseline": "whether fresh solos stand beside",
    "sampling.temperature": "temperature",
    "sampling.top_p": "top-p",
    "unfinished": "a thinking without an end",
    "verify": "the verifier",
    "budget.tokens": "tokens a rollout may spend",
    "samples": "continuations of a problem and cell",
    "seed": "the seed",
}
NO_KNOBS = ("relay", "title", "compare")  # these change nothing


class Knob(NamedTuple):
    """A value that differs: at which path, and what it is on either side; None where it is not said."""

    path: str
    before: Any
    after: Any

    @property
    def words(self) -> str:
        """What it turns; its path where there are no words for it."""
        return WORDS.get(self.path, self.path)

    def __str__(self) -> str:
        named = self.path if self.words == self.path else f"{self.words} ({self.path})"
        return f"{named}: {shown(self.before)} -> {shown(self.after)}"


def shown(value: Any) -> str:
    """A value as a scenario has it, on one line."""
    return "not said" if value is None else value if _plain(value) else json.dumps(value, ensure_ascii=False)


def _plain(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and value.isprintable()


def knobs(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Knob]:
    """In what two trees of scenarios differ, whichever way either of them says it."""
    if _resolved(before) == _resolved(after):
        return []
    return list(_differing(_used(before), _used(after), ()))


def _resolved(tree: Mapping[str, Any]) -> str:
    """The tree with the values of `let:` where they are used, as text: there true is not 1."""
    told = {key: value for key, value in tree.items() if key not in ("let", *NO_KNOBS)}
    return json.dumps(filled(told, tree.get("let") or {}), sort_keys=True)


def _used(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The tree without what makes no difference: names that nothing uses too."""
    names = {name for _, name in (*uses(tree), *uses(tree.get("sweep"), ("sweep",)))}
    let = {name: value for name, value in (tree.get("let") or {}).items() if name in names}
    return {**{key: value for key, value in tree.items() if key not in NO_KNOBS}, "let": let}


def _differing(one: Any, other: Any, path: tuple[str, ...]) -> Iterator[Knob]:
    maps = isinstance(one, dict) and isinstance(other, dict)
    if maps and (not path or not one or not other or one.keys() & other.keys()):
        for key in [*one, *(key for key in other if key not in one)]:
            yield from _differing(one.get(key), other.get(key), (*path, key))
    elif one != other or isinstance(one, bool) is not isinstance(other, bool):
        yield Knob(".".join(path), one, other)
