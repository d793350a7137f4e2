"""The card of a model that ships: how it was made, what it reads like, and how it did on its own twin tests."""

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

from relay.train.recipes import Recipe
from relay.train.thoughts import answered

Counted = Sequence[int]  # correct and graded

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
        if strays == bool(recipe.strays) and (task.family, task.difficulty) == ("chain", 3):
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
        ("drills", f"{100 * recipe.drills:.0f} % of what it reads are rows of sums without words"),
        ("detours", f"behind {100 * recipe.strays:.0f} % of the sentences" if recipe.strays else "none"),
        ("steps", f"{recipe.steps:,} of {recipe.batch} rows; AdamW, {recipe.rate:g} at most, cosine"),
        ("data and weights", f"seed {facts['seed']}, recipe {facts['fingerprint']}"),
        ("cost", f"{facts['tokens']:,} tokens; {facts['cpu_seconds'] / 60:.0f} CPU minutes on {facts['machine']}"),
        ("loss at the end", f"{facts['loss']:.3f}"),
        ("libraries", f"torch {facts['torch']}, transformers {facts['transformers']}"),
    ]
    words = (
        "The loss counts what follows `<think>`, and the results of the rows of sums. A detour is read, not learnt: a "
        "model learns the way back, not to stray. A tenth of all that can be asked is held out by its hash, and only "
        "that is asked in tests (single sums of it may stand in longer ones that were learnt)."
    )
    return table(("what", "how"), rows) + "\n\n" + words


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _measured(name: str, measured: Mapping[str, Any]) -> Iterable[str]:
    """What was found about this model, a paragraph or a table each."""
    made = measured["made"]
    yield f"By `{made['command']}` on {made['day']} ({made['machine']}); counts are of held-out problems."
    yield "Alone, right of one sample each, by difficulty:\n\n" + _solo(measured["solo"][f"relay/{name}"])
    which = {"tiny": "plain", "tiny-backtrack": "backtrack"}.get(name)
    if which:
        yield _recoverability(which, measured["contrast"])
        yield _contrast(measured["contrast"])
    if f"relay/{name}" in measured["guidance"]:
        yield _guidability(measured["guidance"][f"relay/{name}"])


def _solo(families: Mapping[str, Mapping[str, Counted]]) -> str:
    most = max(int(level) for levels in families.values() for level in levels)
    levels = [str(level + 1) for level in range(most)]
    rows = [[family, *(_of(found.get(level)) for level in levels)] for family, found in families.items()]
    return table(["family", *levels], rows)


def _recoverability(which: str, contrast: Sequence[Mapping[str, Any]]) -> str:
    rows, ms = [], [*contrast[0]["curve"][which]]
    for each in contrast:
        if each["seed"] == 0:
            curve, opening, alone = each["curve"][which], each["keep opening"], each["no steer"]
            rows.append([each["stitch"], *(_of(curve[m]) for m in ms), _of(opening[which]), _of(alone[which])])
    head = ["stitch", *(f"m = {m}" for m in ms), "opening kept", "no steer"]
    words = (
        "Its own twin test, recoverability: after the first m of a right thought of its own come the stitch and the "
        "first 0.2 of its thought about another problem. The chains have 3 to 5 operations, each solved 8 of 8 times "
        "by `tiny` and by `tiny-backtrack`; where the opening is kept, the first sentence stands in place of m = 0:"
    )
    return f"{words}\n\n{table(head, rows)}"


def _contrast(contrast: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for each in contrast:
        gap, low, high = each["difference"]
        rows.append(
            [str(each["seed"]), each["stitch"], str(each["problems"]), f"{gap:.1f}", f"{low:.1f} to {high:.1f}"]
        )
    words = (
        "How much more often `tiny-backtrack` comes back than `tiny`, in points over all m, paired by problem, with "
        "95 % intervals (cluster-t over problems), for three training seeds of both:"
    )
    return f"{words}\n\n{table(['seed', 'stitch', 'problems', 'difference', 'interval'], rows)}"


def _guidability(found: Mapping[str, Any]) -> str:
    rows = [[name, _of(count)] for name, count in found["by n"].items()]
    words = (
        f"Guidability by `tiny-guide`, on the {found['problems']} expressions with brackets or products, of 3 or 4 "
        "operations, that it solves 0 or 1 of 8 times and the guide at least once:"
    )
    return f"{words}\n\n{table(['first n of the guide', 'right'], rows)}"


def _of(count: Counted | None) -> str:
    return "" if count is None else f"{count[0]} of {count[1]}"


def main() -> None:
    """Write the cards of the models that ship anew, from their facts and from what was measured."""
    import json
    from pathlib import Path

    from relay.train.recipes import RECIPES
    from relay.zoo import shipped

    found = json.loads((Path(__file__).parents[2] / "docs" / "evidence" / "zoo.json").read_text(encoding="utf-8"))
    for name, folder in shipped().items():
        facts = json.loads((folder / "training.json").read_text(encoding="utf-8"))
        (folder / "README.md").write_text(card(RECIPES[name.removeprefix("relay/")], facts, found), encoding="utf-8")


if __name__ == "__main__":
    main()
