"""The shared subset: problems that every model solves, or that none does, by the pool's solos of the other models.

In the run of one model the others stand as recorded ones, at the addresses where they left their solos before
(relay/twin/waves.py): they select, and need not be loaded.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

ENGINE = "recorded"
UNKNOWN = "0" * 16  # the address of solos that are not there yet
RULES = "select.problems"


def others(model: str, models: Sequence[str]) -> dict[str, str]:
    """The other models by the names that they bear in this one's run: those of messages, so as they are called."""
    names: dict[str, str] = {}
    for other in models:
        if other != model:
            name = re.sub(r"[^A-Za-z0-9_-]+", "-", other).strip("-") or "model"
            name = name if name[0].isalpha() else f"model-{name}"
            while name in (*names, "main", "guide", "distractor"):
                name += "-"
            names[name] = other
    return names


def shared(tree: Mapping[str, Any], names: Mapping[str, str], addresses: Mapping[str, str]) -> dict[str, str]:
    """What this tree needs so that what holds of `main` holds of these models too; addresses by model."""
    found = list(rules(tree))
    more = [{**rule, "solved": name} for name in names for rule in found if rule.get("solved") == "main"]
    sets = {RULES: json.dumps([*found, *more])}
    for name, model in names.items():
        there = {"engine": ENGINE, "model": model, "address": addresses.get(model, UNKNOWN)}
        sets[f"models.{name}"] = json.dumps(there)
    return sets


def rules(tree: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rules of `select:`, always as a list."""
    select = tree.get("select") or {}
    found = select.get("problems") or []
    return list(found) if isinstance(found, list) else [found]


def addresses(tree: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The other models of this tree, each with its address."""
    for model in tree.get("models", {}).values():
        if model.get("engine") == ENGINE and model.get("address"):
            yield model["model"], model["address"]


def same(tree: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether both are one run, where one of them may not know yet where the others' solos are."""
    if UNKNOWN in dict(addresses(other)).values():
        return _without_addresses(tree) == other
    return tree == other


def _without_addresses(tree: Mapping[str, Any]) -> dict[str, Any]:
    models = {
        name: {**model, "address": UNKNOWN} if model.get("engine") == ENGINE and model.get("address") else model
        for name, model in tree.get("models", {}).items()
    }
    return {**tree, "models": models}
