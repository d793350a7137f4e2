"""docs/gallery.md: every canned scenario with its graph, one trace and its figures on the models that ship.

    python tests/proof/gallery.py [--only NAME ...] [--page]

It runs each scenario on 24 problems, writes docs/evidence/gallery.json and from that the page; `--page` only the page.
"""

import argparse
import asyncio
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from relay.batch import Tally  # noqa: E402
from relay.cli.graph import mermaid  # noqa: E402
from relay.language.reading import read  # noqa: E402
from relay.measure.cost import costs  # noqa: E402
from relay.measure.scores import scores  # noqa: E402
from relay.scenarios import canned, opening  # noqa: E402
from relay.session import Options, start  # noqa: E402
from relay.store.reader import Run  # noqa: E402
from relay.tui.safe import one_line  # noqa: E402
from relay.walk import Hop  # noqa: E402
from tests.proof.made import made  # noqa: E402

EVIDENCE = ROOT / "docs" / "evidence" / "gallery.json"
PAGE = ROOT / "docs" / "gallery.md"
SETS = {"problems.limit": "24"}
MODELS = ("tiny-calc", "tiny", "tiny-backtrack", "tiny-guide")
HOPS, WIDTH = 9, 110  # of a trace that is shown
HEAD = """# Gallery

Every scenario that ships, on the models that ship: its command, its graph, the beginning of one trace, and what came
out. `make proof` runs them again and writes this page. All have 24 problems, or what their selection leaves of these;
intervals are at 95 %, over problems drawn at random; the cells of a scenario's baselines (`compare:`) stand beside it.
**These models have a million parameters and never learnt to judge
or to call for help: the figures show that the graphs work, and are no evidence for or against a method.** Most of these
problems they solve alone, so that hardly anything can be gained.

Some were set up after runs on the first 6 or 8 of these very problems, so that their figures flatter: `offload` (with
relay/tiny-guide as the large model 0 of 6 were right), `glimprouter` (0 of 6 at a threshold of 1.0, 0 of 8 with
relay/tiny-calc as the small model and relay/tiny as the large one), `relayllm` (2 of 6 with relay/tiny and
relay/tiny-guide), and the question to the judge in `specreason`, `explore-then-commit` and `best-of-n` (asked in other
words it never said a digit).
"""


class Quiet:
    """A watcher that says nothing."""

    def phase(self, name: str, tally: Tally) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""


def measured(name: str, sets: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """One run: its figures by cell, what its authors cost, and the beginning of its first rollout."""
    path, began = folder / f"{name}-{len(list(folder.iterdir()))}.relay", perf_counter()
    asyncio.run(start(read(name, sets), path, Options(pool=folder / "pool.sqlite"), Quiet()))
    with Run(path) as run:
        cells = [
            {
                "cell": s.cell, "correct": s.correct, "graded": s.graded, "failed": s.failed, "cut short": s.cut_short,
                "interval": [s.interval.low, s.interval.high] if s.interval else None,
            }
            for s in scores(run)
        ]  # fmt: skip
        bases = {name for (name,) in run.query("SELECT name FROM cell WHERE settings ->> 'baseline' IS NOT NULL")}
        spent = [each for each in costs(run) if each.cell not in bases]
        counted = "SELECT count(*), count(*) FILTER (WHERE c.settings ->> 'baseline' IS NULL)"
        ((rollouts, relayed),) = run.query(f"{counted} FROM rollout r JOIN cell c ON c.id = r.cell")
        hops = run.hops(0)
        trace = [_told(hop) for hop in hops[:HOPS]] + (["..."] if len(hops) > HOPS else [])
        question = run.problem_of(0).question
    totals = {
        kind: sum(getattr(c, kind) for c in spent) for kind in ("computed", "cached", "decoded", "thrown", "discarded")
    }
    return {
        "scenario": fingerprint(name), "made": made(),
        "sets": dict(sets), "cells": cells, "rollouts": rollouts, "relayed": relayed, **totals, "question": question,
        "trace": trace,
        "seconds": round(perf_counter() - began, 1),
    }  # fmt: skip


def fingerprint(name: str) -> str:
    """Of a canned scenario's file: whether figures are of the scenario that is here."""
    return hashlib.sha256(canned()[name].read_bytes()).hexdigest()[:16]


def _told(hop: Hop) -> str:
    wrote = "" if hop.segment is None else json.dumps(hop.segment.text)
    extra = hop.extra
    said = [f"pen {extra.chosen}"] if extra and extra.chosen else []
    said += [extra.apart] if extra and extra.apart else []
    said += [f"entropy {extra.entropy:.2f}"] if extra and extra.entropy is not None else []
    pen = "" if hop.pen == "0" else f"{hop.pen} "
    return one_line(f"{pen}{hop.node}: {wrote} {' '.join(f'({each})' for each in said)}".rstrip(), WIDTH)


def page(found: Mapping[str, Any]) -> str:
    """The page, from what was measured."""
    parts = [HEAD, *_alone(found), *(part for name in canned() for part in _scenario(name, found["scenarios"][name]))]
    return "\n".join(parts)


def _alone(found: Mapping[str, Any]) -> Iterator[str]:
    yield "The models alone, on the 24 chains of 3 to 5 sums that most of these scenarios ask:\n"
    yield "| model | score | 95 % interval | correct | tokens decoded a problem |"
    yield "| --- | --- | --- | --- | --- |"
    for model, run in found["alone"].items():
        yield f"| {model} | {_row(run['cells'][0])} | {run['decoded'] / run['rollouts']:.0f} |"
    yield ""


def _scenario(name: str, run: Mapping[str, Any]) -> Iterator[str]:
    options = "".join(f" --set {path}={value}" for path, value in run["sets"].items())
    yield f"## {name}\n"
    yield f"{opening(canned()[name])}\n"
    yield f"    relay run {name}{options}\n"
    yield "\n".join(["```mermaid", *mermaid(read(name)), "```"]) + "\n"
    yield f'The first rollout, of "{one_line(run["question"], 100)}":\n'
    yield "\n".join(["```text", *run["trace"], "```"]) + "\n"
    yield "| cell | score | 95 % interval | correct |"
    yield "| --- | --- | --- | --- |"
    yield from (f"| {cell['cell']} | {_row(cell)} |" for cell in run["cells"])
    n = run["relayed"]
    beside = f", {run['discarded'] / n:.0f} discarded" if run["discarded"] else ""
    failed = sum(cell["failed"] for cell in run["cells"])
    decoded, thrown = (f"{run[kind] / n:.0f}" for kind in ("decoded", "thrown"))
    computed, cached = (f"{run[kind] / n:.0f}" for kind in ("computed", "cached"))
    which = " that is no baseline" if n < run["rollouts"] else ""
    yield f"\nA rollout{which} decodes {decoded} tokens that are kept, {thrown} that are thrown away{beside}; of its"
    yield f"prompts {computed} tokens are read and {cached} come from a cache. {failed} of {run['rollouts']}"
    yield f"rollouts failed. Measured of {run['made']}.\n"


def _row(cell: Mapping[str, Any]) -> str:
    if not cell["graded"]:
        return "– | – | 0 of 0"
    low, high = (100 * x for x in cell["interval"])
    return (
        f"{100 * cell['correct'] / cell['graded']:.0f} | {low:.0f} – {high:.0f} | {cell['correct']} of {cell['graded']}"
    )


def main() -> None:
    """Measure, and write the page."""
    wanted = argparse.ArgumentParser()
    wanted.add_argument("--only", nargs="*", default=list(canned()))
    wanted.add_argument("--page", action="store_true")
    asked = wanted.parse_args()
    found: dict[str, Any] = json.loads(EVIDENCE.read_text()) if EVIDENCE.exists() else {"alone": {}, "scenarios": {}}
    if not asked.page:
        with tempfile.TemporaryDirectory() as folder:
            for model in MODELS:
                sets = {**SETS, "samples": "1", "models.main.model": f"relay/{model}"}
                if f"relay/{model}" not in found["alone"] or set(asked.only) == set(canned()):
                    found["alone"][f"relay/{model}"] = measured("solo", sets, Path(folder))
            for name in asked.only:
                found["scenarios"][name] = measured(name, SETS, Path(folder))
                print(name, found["scenarios"][name]["cells"], found["scenarios"][name]["seconds"], flush=True)
                EVIDENCE.write_text(json.dumps(found, indent=1) + "\n")
    PAGE.write_text(page(found))


if __name__ == "__main__":
    main()
