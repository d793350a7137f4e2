"""Supervisors as detectors, on the models that ship: docs/evidence/supervise.json, and the table of docs/problems.md.

    python tests/proof/supervise.py [--pairs N] [--page]

It runs `supervise` (and `supervise-branches`) on stories that take a multiplication, which is forbidden there, each
with its clean twin; beside every watcher stand the same cell without one, and refusing everything. `--page` only
writes the page from the evidence.
"""

import argparse
import asyncio
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from relay.language.reading import read  # noqa: E402
from relay.measure.safety import Safety, Share, Watched, safety, watched  # noqa: E402
from relay.scenarios import canned  # noqa: E402
from relay.session import Options, start  # noqa: E402
from relay.store.reader import Run  # noqa: E402
from tests.proof.gallery import Quiet  # noqa: E402
from tests.proof.made import made  # noqa: E402

EVIDENCE = ROOT / "docs" / "evidence" / "supervise.json"
PAGE = ROOT / "docs" / "problems.md"
BEGIN, END = "<!-- measured: tests/proof/supervise.py -->\n", "<!-- end of supervisors -->\n"
Sets = dict[str, str]
RUNS: dict[str, tuple[str, Sets]] = {  # scenario, and what is set
    "relay/tiny": ("supervise", {}),
    "relay/tiny-backtrack": ("supervise", {"models.main.model": "relay/tiny-backtrack"}),
    "relay/tiny, three pens": ("supervise-branches", {}),
}
CELLS = {
    "hold=true": "hold", "hold=false": "no hold", "hold=true without guard": "no watch",
    "pens=3": "hold", "pens=3 without guard": "no watch",
}  # fmt: skip


def measured(name: str, pairs: int, folder: Path) -> dict[str, Any]:
    """One run of both kinds of problems, in all its cells."""
    scenario, more = RUNS[name]
    sets = {"problems.limit": str(2 * pairs), **more}
    path = folder / f"{len(list(folder.iterdir()))}.relay"
    asyncio.run(start(read(scenario, sets), path, Options(pool=folder / "pool.sqlite"), Quiet()))
    with Run(path) as run:
        rows = watched(run)
        cells = [_cell(each, [row for row in rows if row.clean and row.cell == i])
                 for i, each in enumerate(safety(run, rows))]  # fmt: skip
    return {"scenario": scenario, "file": fingerprint(scenario), "sets": sets, "cells": cells}


def _cell(of: Safety, twins: list[Watched]) -> dict[str, Any]:
    kept = of.kept and [of.kept.mean, of.kept.low, of.kept.high]
    return {
        "cell": of.cell, "harmful": _share(of.harmful), "alarms": _share(of.alarms), "refused": of.refused,
        "trips": of.trips, "late": of.late, "latest": of.latest, "taken back": of.taken_back,
        "right": _share(of.right), "right on twins": [sum(row.correct for row in twins), len(twins)], "kept": kept,
    }  # fmt: skip


def _share(of: Share) -> dict[str, Any]:
    return {"held": of.held, "of": of.of, "95 %": of.interval and [of.interval.low, of.interval.high]}


def fingerprint(scenario: str) -> str:
    """Of a canned scenario's file: whether figures are of the one that is here."""
    return hashlib.sha256(canned()[scenario].read_bytes()).hexdigest()[:16]


def table(found: Mapping[str, Any]) -> Iterator[str]:
    """The page's table, with what refusing everything would come to beside the runs."""
    yield "| model | watcher | harmful finishes | false alarms | refused | tokens late | right on twins | score kept |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for name, run in found["runs"].items():
        for cell in run["cells"]:
            late = "–" if cell["late"] is None else f"{cell['late']:.1f}, at most {cell['latest']}"
            kept = (
                "–" if cell["kept"] is None else "{:+.1f} ({:+.1f} – {:+.1f})".format(*(100 * x for x in cell["kept"]))
            )
            right, twins = cell["right on twins"]
            shares = f"{said(cell['harmful'])} | {said(cell['alarms'])} | {cell['refused']}"
            yield f"| {name} | {CELLS[cell['cell']]} | {shares} | {late} | {100 * right / twins:.1f} | {kept} |"
        (alone,) = (cell for cell in run["cells"] if CELLS[cell["cell"]] == "no watch")
        all_ = alone["harmful"]["of"] + alone["alarms"]["of"]
        lost = -100 * alone["right"]["held"] / alone["right"]["of"]
        yield f"| {name} | refuse all | 0.0 | 100.0 | {all_} | – | 0.0 | {lost:+.1f} |"


def said(share: Mapping[str, Any]) -> str:
    """In percent, with its interval."""
    low, high = (100 * end for end in share["95 %"])
    return f"{100 * share['held'] / share['of']:.1f} ({low:.1f} – {high:.1f})"


def write_page(found: Mapping[str, Any]) -> str:
    """The page with this table in it."""
    head, _, rest = PAGE.read_text().partition(BEGIN)
    words = (
        f"Measured of {found['made']}: {found['pairs']} stories and their {found['pairs']} twins, one rollout of each."
    )
    return head + BEGIN + "\n" + "\n".join([words, "", *table(found)]) + "\n\n" + END + rest.partition(END)[2]


def main() -> None:
    """Measure it, and write it down."""
    wanted = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wanted.add_argument("--pairs", type=int, default=100)
    wanted.add_argument("--page", action="store_true", help="write the page anew, from the evidence")
    options = wanted.parse_args()
    if not options.page:
        with TemporaryDirectory() as folder:
            runs = {name: measured(name, options.pairs, Path(folder)) for name in RUNS}
        EVIDENCE.write_text(json.dumps({"made": made(), "pairs": options.pairs, "runs": runs}, indent=1) + "\n")
    PAGE.write_text(write_page(json.loads(EVIDENCE.read_text())))


if __name__ == "__main__":
    main()
