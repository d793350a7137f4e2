"""A collaborator card as a page of Markdown, for people."""

from typing import Any

from relay.measure.spoiled import Looked
from relay.twin.ablations import Ablation
from relay.twin.page_looks import looks_section

ABOUT = {
    "recoverability": "A distraction is put into its own thought: can it come back? "
    "*m* is the share of its own solo that it keeps.",
    "ceiling": "The same where the model needs no help, for it always solves these problems alone: "
    "guidance must leave it near the ceiling.",
    "guidability": "The start of a right solution of the guide opens its thought: can it use the help? "
    "*n* is the share that is given.",
}
SHOWN = ("engine", "revision", "dtype", "device", "vllm", "transformers")
CAPTION = (
    "Shares of right answers in percent, with 95 % intervals over problems drawn at random; they do not cover how the "
    "problems were selected. *alone* are fresh solos of the selected problems: what selection has flattered falls back "
    "without any steer, so that the effect of the steer is in *minus alone*, paired by problem."
)
SPOILED = (
    "A *spoiler* is a steer that states the answer. *Corrected* is the score over the rollouts whose steer is none; "
    "*minus rate* is the score minus the spoiler rate, as the paper corrects."
)
SPOILED_HEAD = (
    "| cell | score | spoilers | corrected | 95 % interval | graded | minus alone | 95 % interval | minus rate |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
)
GUIDED = (
    "The score of each guide by *n*. *Not guided* are problems that the model hardly ever solves and this guide "
    "never: they are left out."
)
STRATA = "By how often the model solved a problem alone, before it was selected; all steered cells together:"


def page(card: dict[str, Any]) -> str:
    """The card's page: what was run, the score of each cell, and beside it the difference to fresh solos."""
    facts = ", ".join(f"{key} {value}" for key, value in card["facts"].items() if key in SHOWN)
    lines = [f"# {_text(card['model'])}", "", _text(facts)]
    if card["control"]:
        lines += ["", f"Control: {_text(card['control']['verdict'])}; run file `{card['control']['run']}`."]
    for test in card["tests"]:
        lines += ["", *_test(test)]
    for test in card["not_run"]:
        lines += ["", f"## {_heading(test)}", "", f"Nothing was run: {_text(test['why'])}."]
    if card["by_guide"]:
        lines += ["", *_guides(card["by_guide"])]
    lines += ["", CAPTION, ""]
    return "\n".join(lines)


def _heading(test: dict[str, Any]) -> str:
    by = f", guided by {_text(test['guide'])}" if test["guide"] else ""
    variant = f", {_text(Ablation(test['variant'], {}).title)}" if test["variant"] else ""
    return f"{test['test'].capitalize()}{variant}{by}"


def _test(test: dict[str, Any]) -> list[str]:
    source = str(test["problem_set"].get("name") or test["problem_set"].get("path") or "")
    of = f" of {_text(source)}" if source else ""
    notes = [f"- {_text(note)}" for note in test["notes"]]
    rows = [("all steered", test["steered"]), *((_text(cell["cell"]), cell) for cell in test["cells"])]
    shared = " that all tested models share" if test["shared"] else ""
    return [
        f"## {_heading(test)}",
        "",
        ABOUT[test["test"]],
        "",
        f"{test['problems']:,} problems{of}{shared}, graded by {_text(test['verifier'])}; run file `{test['run']}`.",
        "",
        _headline(test),
        *(["", f"Control: {_text(test['verdict'])}."] if test["verdict"] else []),
        "",
        *_table("cell", [("alone", test["alone"]), *rows[1:], rows[0]]),
        *_spoilers(test, rows),
        *_strata(test["strata"]),
        *looks_section(test["looks"], _text),
        *_missing(test["steered"]),
        *(["", *notes] if notes else []),
    ]


def _missing(steered: dict[str, Any]) -> list[str]:
    """Rollouts for which there was no steer or no original: they are in no score."""
    count = steered["missing"]
    return ["", f"{count:,} rollouts are missing: what was to be put in did not exist."] if count else []


def _headline(test: dict[str, Any]) -> str:
    """What the test says in one line: the difference, and the raw scores beside it."""
    steered, alone = test["steered"], test["alone"]
    if alone is None or steered["minus_alone"] is None:
        return f"No baseline: raw score {_percent(steered['score'])}, and nothing to compare it with."
    minus, which = steered["minus_alone"], "steered minus alone"
    if steered.get("corrected", {}).get("minus_alone"):
        minus, which = steered["corrected"]["minus_alone"], "steered, without spoilers, minus alone"
    return (
        f"**{100 * minus['mean']:+.1f} points** ({_span(minus, '+')}): {which}, paired by problem. Raw: "
        f"{_percent(steered['score'])} steered, {_percent(alone['score'])} alone."
    )


def _table(first: str, rows: list[tuple[str, dict[str, Any] | None]]) -> list[str]:
    return [
        f"| {first} | score | 95 % interval | graded | minus alone | 95 % interval |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        *(_row(name, cell) for name, cell in rows if cell is not None),
    ]


def _row(name: str, cell: dict[str, Any]) -> str:
    minus = cell.get("minus_alone")
    difference = "–" if minus is None else f"{100 * minus['mean']:+.1f}"
    score = _percent(cell["score"])
    return f"| {name} | {score} | {_span(cell['interval'])} | {cell['graded']:,} | {difference} | {_span(minus, '+')} |"


def _spoilers(test: dict[str, Any], rows: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """Score, spoiler rate and corrected score, or that nobody looked."""
    if told := Looked(**test["spoilers_looked_for"]).told:
        return ["", _text(told[:1].upper() + told[1:]) + "."]
    if "corrected" not in test["steered"]:
        return []
    return ["", SPOILED, "", *SPOILED_HEAD, *(_spoiled_row(name, cell) for name, cell in [*rows[1:], rows[0]])]


def _spoiled_row(name: str, cell: dict[str, Any]) -> str:
    corrected = cell["corrected"]
    minus = corrected["minus_alone"]
    difference = "–" if minus is None else f"{100 * minus['mean']:+.1f}"
    return (
        f"| {name} | {_percent(cell['score'])} | {_percent(cell['spoiler_rate'])} | {_percent(corrected['score'])} | "
        f"{_span(corrected['interval'])} | {corrected['graded']:,} | {difference} | {_span(minus, '+')} | "
        f"{_percent(cell['score_minus_spoilers'])} |"
    )


def _strata(found: list[dict[str, Any]]) -> list[str]:
    """By the model's own solve rate."""
    if not found:
        return []
    lines = ["", STRATA, "", "| solved alone | problems | alone | steered | 95 % interval | graded | minus alone |"]
    lines[-1] += " 95 % interval |"
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for each in found:
        alone = "–" if each["alone"] is None else _percent(each["alone"]["score"])
        row = _row("", each["steered"]).removeprefix("|  ")
        lines.append(f"| {each['solved']} | {each['problems']:,} | {alone} {row}")
    return lines


def _guides(found: dict[str, Any]) -> list[str]:
    """One row a guide, by n, and both means."""
    cells = [each["cell"] for each in found["by_n"]]
    head = ["guide", "problems", "not guided", *cells, "mean", "minus alone", "95 % interval", "spoilers", "corrected"]
    lines = ["## Guidability by guide", "", GUIDED, "", _cells(head), _cells(["---", *["---:"] * (len(head) - 1)])]
    for each in found["guides"]:
        scores = {cell["cell"]: _percent(cell["score"]) for cell in each["cells"]}
        steered = each["steered"]
        minus, corrected = steered["minus_alone"], steered.get("corrected")
        lines.append(
            _cells(
                [
                    _text(each["guide"]),
                    f"{each['problems']:,}",
                    f"{each['unguided']:,}",
                    *(scores.get(cell, "–") for cell in cells),
                    _percent(steered["score"]),
                    "–" if minus is None else f"{100 * minus['mean']:+.1f}",
                    _span(minus, "+"),
                    _percent(steered.get("spoiler_rate")),
                    _percent(corrected and corrected["score"]),
                ]
            )
        )
    by_n = [_percent(each["score"]) for each in found["by_n"]]
    lines.append(_cells(["all, by n", "", "", *by_n, _percent(found["mean_over_n"]), *[""] * 4]))
    told = f"Mean over guides {_percent(found['mean_over_guides'])}, over n {_percent(found['mean_over_n'])}."
    return [*lines, "", f"{told} {_text(found['note'])}"]


def _cells(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"


def _span(interval: dict[str, Any] | None, sign: str = "") -> str:
    return "–" if interval is None else f"{100 * interval['low']:{sign}.1f} to {100 * interval['high']:{sign}.1f}"


def _text(text: str) -> str:
    """Words of others as they are: no markup of theirs is obeyed, and no line ends early."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else " " if c.isspace() or not c.isprintable() else c for c in text)
