"""The card of a model that ships: how it was made, what it reads like, and how it did on its own twin tests."""

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

from relay.train.recipes import Recipe
from relay.train.thoughts import answered

HEADER = "---\nlicense: apache-2.0\nlibrary_name: transformers\npipeline_tag: text-generation\n---\n"


def card(recipe: Recipe, facts: Mapping[str, Any], measured: Mapping[str, Any] | None = None) -> str:
    """The page, in Markdown. `facts` are those of the training; `measured` is what `make proof` found, where it has."""
    parts = [
        f"{HEADER}# relay/{recipe.name}",
        recipe.told + " It ships with relay so that relays of several models run on any laptop; it is of no other use.",
        "## An example of what it learnt from\n\n" + _example(recipe),
        "## Recipe\n\n" + _recipe(recipe, facts),
    ]
    if measured:
        parts.append("## Measured\n\n" + "\n\n".join(_measured(recipe.name, measured)))
    return "\n\n".join(parts) + "\n"


def _example(recipe: Recipe) -> str:
    """One that shows what is special about it: a thought that strays, where it has learnt from such."""
    draw = Random(1)
    for task in recipe.tasks(draw):
        pieces = recipe.thought(task, draw)
        strays = any(not piece.learnt for piece in pieces)
        if strays == bool(recipe.strays) and task.difficulty == 3:
            thought = "".join(piece.text for piece in pieces)
            return f"> {task.question}\n\n```\n<think>{thought}</think>{answered(task)}\n```"
    raise AssertionError("tasks have no end")


def _recipe(recipe: Recipe, facts: Mapping[str, Any]) -> str:
    whole = sum(part.weight for part in recipe.mix)
    mix = ", ".join(f"{p.family} 1 to {p.highest} ({100 * p.weight / whole:.0f} %)" for p in recipe.mix)
    rows = [
        ("made again by", f"`relay train zoo --model {recipe.name} --seed {facts['seed']}`"),
        ("architecture", f"Llama: width {recipe.width}, {recipe.layers} layers, {recipe.heads} heads"),
        ("parameters", f"{facts['parameters']:,}"),
        ("tokenizer", f"byte-level BPE of {recipe.vocabulary} ids"),
        ("learns from", f"thoughts about problems that are made up: {mix}; of difficulty as given"),
        ("detours", f"behind {100 * recipe.strays:.0f} % of the sentences" if recipe.strays else "none"),
        ("steps", f"{recipe.steps:,} of {recipe.batch} thoughts; AdamW, {recipe.rate:g} at most, cosine"),
        ("data and weights", f"seed {facts['seed']}, recipe {facts['fingerprint']}"),
        ("cost", f"{facts['tokens']:,} tokens; {facts['cpu_seconds'] / 60:.0f} CPU minutes on {facts['machine']}"),
        ("loss at the end", f"{facts['loss']:.3f}"),
        ("libraries", f"torch {facts['torch']}, transformers {facts['transformers']}"),
    ]
    words = (
        "The loss counts what follows `<think>`. A detour is read, not learnt: the model learns the way back, not to "
        "stray. A tenth of all that can be asked is held out by its hash, and only that is asked in tests."
    )
    return table(("what", "how"), rows) + "\n\n" + words


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _measured(name: str, measured: Mapping[str, Any]) -> Iterable[str]:
    yield from ()
