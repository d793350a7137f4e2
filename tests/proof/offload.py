"""What handing over gains and costs on the models that ship: docs/evidence/offload.json, and tables of docs/gains.md

    python tests/proof/offload.py [--problems 300] [--page]

`offload` by three rules of when to hand over, `draft-and-judge` with three thresholds of its judge, each on easy and on
hard problems, beside both models alone on the same problems; then credit, by the small model, for some rollouts of each
offload. Whatever comes out is written down; `--page` writes the page's tables anew from what was measured.
"""

import argparse
import asyncio
import json
import platform
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from relay.batch import Tally
from relay.credit.drawing import credit
from relay.credit.prefixes import Wanted
from relay.language.reading import read
from relay.measure.credits import credit_data, credits_of
from relay.measure.gains import gain_data, gains
from relay.measure.paid import paid
from relay.reports.gains import break_even
from relay.session import Options, start
from relay.store.reader import Run

ROOT = Path(__file__).parents[2]
EVIDENCE = ROOT / "docs" / "evidence" / "offload.json"
PAGE = ROOT / "docs" / "gains.md"
BEGIN, END = "<!-- measured: tests/proof/offload.py -->\n", "<!-- end of measured -->\n"
STRATA = {"easy": [3, 4], "hard": [5, 6]}  # operations of a chain; relay/tiny learnt up to five
RULES = {
    'at "=", the tool, else the small model': {},
    'at "=", the small model': {"graph.edges.derive": [{"when": "answered", "to": "end"}, "calculate"],
                                "graph.nodes.finish": None, "graph.edges.finish": None},
    "after each sentence, the small model": {
        "graph.edges.derive": [{"when": "answered", "to": "end"}, "calculate"], "graph.nodes.finish": None,
        "graph.edges.finish": None, "graph.nodes.derive.until": [{"sentences": 1}, "answered"],
        "graph.nodes.calculate.until": [{"sentences": 1}, {"tokens": 48}],
    },
}  # fmt: skip
JUDGES = {
    "graph.edges.check": [{"when": {"score": "check", "at_least": "{least}"}, "to": "draft"},
                          {"to": "rewrite", "drop": "draft"}],
    "sweep": {"over": {"least": [0.3, 0.5, 0.7]}},
}  # fmt: skip


class Quiet:
    """A watcher that says nothing."""

    def phase(self, name: str, tally: Tally) -> None:
        """Not told."""

    def note(self, text: str) -> None:
        """Not told."""


def measured(name: str, sets: dict[str, Any], credited: int, folder: Path) -> dict[str, Any]:
    """One run, its gains, and credit for so many of its rollouts."""
    path, began = folder / f"{len(list(folder.iterdir()))}.relay", perf_counter()
    reading = read(name, {key: json.dumps(value) for key, value in sets.items()})
    asyncio.run(start(reading, path, Options(), Quiet()))
    if credited:
        asyncio.run(credit(path, Quiet(), Wanted("small", 4, "", credited)))
    return {**told(path), "seconds": round(perf_counter() - began)}


def told(path: Path) -> dict[str, Any]:
    """What a run came to."""
    with Run(path) as run:
        cells = paid(run)
        found = gains(run, of=cells)
        lines, drafts = break_even(run, found, cells)
        rows = []
        for each in found:
            pair = (each.cell, each.against)
            line = lines.get(pair)
            pays = line and {k: v for k, v in line._asdict().items() if k != "points"}
            judged = [d._asdict() for d in drafts.get(pair, ())]
            rows.append({**gain_data(each), "pays": pays, "drafts": judged})
        earned = [credit_data(each) for each in credits_of(run)]
        problems = len(run.problems)
    return {"problems": problems, "gains": rows, "credit": earned}


def all_of(problems: int, credited: int, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every rule and threshold on either stratum, by name."""
    for stratum, difficulty in STRATA.items():
        asked = {"problems": {"from": "chains", "where": {"difficulty": difficulty}, "limit": problems, "seed": 11}}
        for rule, sets in RULES.items():
            yield f"offload, {stratum}, {rule}", measured("offload", {**asked, **sets}, credited, folder)
        yield f"draft-and-judge, {stratum}", measured("draft-and-judge", {**asked, **JUDGES}, 0, folder)


def tables(found: dict[str, Any]) -> Iterator[str]:
    """The page's tables."""
    made = found["made"]
    yield (
        f"Measured at commit {made['commit']} on {made['date']} ({made['machine']}): chains, one rollout "
        f"of each; easy ones have {_or(STRATA['easy'])} operations, hard ones "
        f"{_or(STRATA['hard'])} (relay/tiny learnt up to five). Intervals are at 95 %, p-values adjusted in each run."
    )
    yield "\n`offload`, relay/tiny derives and relay/tiny-calc finishes:\n"
    yield from _gains(found["runs"], "offload")
    yield "\n`draft-and-judge`, relay/tiny drafts, relay/tiny-guide judges; a draft stands from `least` on:\n"
    yield from _gains(found["runs"], "draft-and-judge")
    yield "\nCredit in `offload`, if relay/tiny-calc went on alone, of the first rollouts; the gain is on the same:\n"
    yield "| problems | handing over | rollouts | derive | calculate | finish | all together | gain |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for name, run in found["runs"].items():
        for each in run["credit"]:
            _, stratum, rule = name.split(", ", 2)
            by = {author["node"]: author["credit"] for author in each["authors"]}
            words = [_points(by.get(node)) for node in ("derive", "calculate", "finish")]
            words += [_points(each["total"]), _points(each["gain"])]
            yield f"| {stratum} | {rule} | {each['rollouts']} | {' | '.join(words)} |"


def _gains(runs: dict[str, Any], scenario: str) -> Iterator[str]:
    judged = scenario != "offload"
    which = "cell" if judged else "handing over"
    yield f"| problems | {which} | n | against | score | baseline | difference | answer | tokens | pays |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for name, run in runs.items():
        kind, stratum, *rule = name.split(", ", 2)
        for row in run["gains"] if kind == scenario else ():
            which = row["cell"] if judged else rule[0]
            scores = " | ".join(f"{100 * row[key]:.1f}" for key in ("score", "baseline"))
            told = (_points(row["difference"]), row["answer"], _times(row["times"]["tokens"]), _pays(row))
            yield f"| {stratum} | {which} | {run['problems']} | {row['against']} | {scores} | {' | '.join(told)} |"


def _or(numbers: list[int]) -> str:
    return " or ".join(map(str, numbers))


def _points(of: dict[str, Any] | None) -> str:
    return "–" if of is None else f"{100 * of['mean']:+.1f} ({100 * of['low']:+.1f} – {100 * of['high']:+.1f})"


def _times(of: dict[str, Any] | None) -> str:
    return "–" if of is None else f"× {of['ratio']:.2f} ({of['low']:.2f} – {of['high']:.2f})"


def _pays(row: dict[str, Any]) -> str:
    said = []
    if row["drafts"]:
        each = row["drafts"][0]
        low, high = (min(1.0, max(0.0, each[key])) for key in ("low", "high"))
        share = f"from {100 * max(0.0, each['pays']):.0f} % ({100 * low:.0f} – {100 * high:.0f})"
        said.append(f"{100 * each['share']:.0f} % accepted; {'never' if each['pays'] > 1 else share}")
    if (line := row["pays"]) is not None:
        price = "at any price" if line["pays"] is None else f"price under {line['pays']:.2f}"
        said.append("at no price" if line["never"] else price)
    return "; ".join(said) or "–"


def write_page(found: dict[str, Any]) -> str:
    """The page with these tables in it."""
    head, _, rest = PAGE.read_text().partition(BEGIN)
    return head + BEGIN + "\n" + "\n".join(tables(found)) + "\n\n" + END + rest.partition(END)[2]


def main() -> None:
    """Measure, and write the page."""
    wanted = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wanted.add_argument("--problems", type=int, default=300)
    wanted.add_argument("--credited", type=int, default=40)
    wanted.add_argument("--page", action="store_true")
    options = wanted.parse_args()
    if not options.page:
        git = ["git", "rev-parse", "--short", "HEAD"]
        commit = subprocess.run(git, check=False, cwd=ROOT, capture_output=True, text=True).stdout.strip()
        made = {"commit": commit, "date": f"{datetime.now(UTC):%Y-%m-%d}", "problems": options.problems}
        made |= {"machine": f"{platform.machine()}, Python {platform.python_version()}", "credited": options.credited}
        runs: dict[str, Any] = {}
        with TemporaryDirectory() as folder:
            for name, found in all_of(options.problems, options.credited, Path(folder)):
                runs[name] = found
                print(name, found["seconds"], flush=True)
                EVIDENCE.write_text(json.dumps({"made": made, "runs": runs}, indent=1) + "\n")
    if PAGE.exists():
        PAGE.write_text(write_page(json.loads(EVIDENCE.read_text())))


if __name__ == "__main__":
    main()
