"""A collaborator card as a page of Markdown, for people."""

from typing import Any

ABOUT = {
    "recoverability": "A distraction is put into its own thought: can it come back? "
    "*m* is the share of its own solo that it keeps.",
    "guidability": "The start of a right solution of the guide opens its thought: can it use the help? "
    "*n* is the share that is given.",
}
SHOWN = ("engine", "revision", "dtype", "device", "vllm", "transformers")
CAPTION = (
    "Shares of right answers in percent, with 95 % intervals over problems drawn at random; they do not cover how the "
    "problems were selected. *alone* are fresh solos of the selected problems: what selection has flattered falls back "
    "without any steer, so that the effect of the steer is in *minus alone*, paired by problem."
)


def page(card: dict[str, Any]) -> str:
    """The card's page: what was run, the score of each cell, and beside it the difference to fresh solos."""
    facts = ", ".join(f"{key} {value}" for key, value in card["facts"].items() if key in SHOWN)
    lines = [f"# {_text(card['model'])}", "", _text(facts)]
    if card["control"]:
        lines += ["", f"Control: {_text(card['control']['verdict'])}; run file `{card['control']['run']}`."]
    for test in card["tests"]:
        lines += ["", *_test(test)]
    lines += ["", CAPTION, ""]
    return "\n".join(lines)


def _test(test: dict[str, Any]) -> list[str]:
    by = f", guided by {_text(test['guide'])}" if test["guide"] else ""
    source = str(test["problem_set"].get("name") or test["problem_set"].get("path") or "")
    of = f" of {_text(source)}" if source else ""
    notes = [f"- {_text(note)}" for note in test["notes"]]
    return [
        f"## {test['test'].capitalize()}{by}",
        "",
        ABOUT[test["test"]],
        "",
        f"{test['problems']:,} problems{of}, graded by {_text(test['verifier'])}; run file `{test['run']}`.",
        "",
        "| cell | score | 95 % interval | graded | minus alone | 95 % interval |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        _row("alone", test["alone"]),
        *(_row(_text(cell["cell"]), cell) for cell in test["cells"]),
        _row("all steered", test["steered"]),
        *(["", *notes] if notes else []),
    ]


def _row(name: str, cell: dict[str, Any]) -> str:
    minus = cell.get("minus_alone")
    score = "–" if cell["score"] is None else f"{100 * cell['score']:.1f}"
    difference = "–" if minus is None else f"{100 * minus['mean']:+.1f}"
    return f"| {name} | {score} | {_span(cell['interval'])} | {cell['graded']:,} | {difference} | {_span(minus, '+')} |"


def _span(interval: dict[str, Any] | None, sign: str = "") -> str:
    return "–" if interval is None else f"{100 * interval['low']:{sign}.1f} to {100 * interval['high']:{sign}.1f}"


def _text(text: str) -> str:
    """Words of others as they are: no markup of theirs is obeyed, and no line ends early."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else " " if c.isspace() or not c.isprintable() else c for c in text)
