"""What the models that ship can do, measured by real runs of relay: `make proof` writes docs/evidence/zoo.json.

    python tests/proof/zoo.py --trained DIR [--problems 100] [--only solo contrast guidance] [--seeds 0 1 2]

DIR holds `relay train zoo` of `tiny` and `tiny-backtrack` from three seeds, as tiny-0, tiny-1, ..., tiny-backtrack-2.
The models that ship are those of seed 0. Each part replaces what the file says of it.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import sqrt
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import yaml

from relay.families.endless import brackets, chains, equations, stories
from relay.measure.intervals import wilson
from relay.store.reader import Run
from relay.zoo import shipped

ROOT = Path(__file__).parents[2]
EVIDENCE = ROOT / "docs" / "evidence" / "zoo.json"
FAMILIES = {"chains": chains, "brackets": brackets, "equations": equations, "stories": stories}
MS = [0, 0.2, 0.4, 0.6, 0.8]
STITCHES = {"paper": "\nWait. Let me think\n", "unseen": "\nHold on. Consider this instead\n"}
SEEDS = (0, 1, 2)

Tree = dict[str, Any]
Counted = dict[str, list[int]]  # correct and graded, by name


def model(name: str | Path) -> Tree:
    return {"engine": "transformers", "model": str(name), "batch": 64}


def run(tree: Tree, folder: Path, name: str) -> Run:
    """The run of this scenario, read."""
    path, out = folder / f"{name}.yaml", folder / f"{name}.relay"
    path.write_text(yaml.safe_dump({"relay": 1, "title": name, **tree}))
    command = [sys.executable, "-c", "from relay.cli import main; main()", "run", str(path), "--out", str(out)]
    print(name, file=sys.stderr, flush=True)
    subprocess.run([*command, "--pool", str(folder / "pool.sqlite")], check=True, stdout=subprocess.DEVNULL)
    return Run(out)


def outcomes(run: Run) -> list[tuple[str, dict[str, Any], str, bool]]:
    """Of every graded rollout: its problem, its fields, its cell, and whether it was right."""
    rows = run.query(
        "SELECT p.key, p.extra, c.name, o.text FROM rollout r JOIN problem p ON p.id = r.problem "
        "JOIN cell c ON c.id = r.cell JOIN verdict v ON v.rollout = r.id JOIN name o ON o.id = v.outcome"
    )
    return [(key, json.loads(extra or "{}"), cell, outcome == "correct") for key, extra, cell, outcome in rows]


def counted(found: Sequence[tuple[str, bool]]) -> Counted:
    """Correct and graded, by name."""
    sums: Counted = defaultdict(lambda: [0, 0])
    for name, right in found:
        sums[name][0] += right
        sums[name][1] += 1
    return dict(sums)


def solo(folder: Path, problems: int) -> Tree:
    """Pass@1 of each model, by family and difficulty, one sample of each held-out problem."""
    found: Tree = {}
    for name in shipped():
        for family, made in FAMILIES.items():
            tree = {
                "extends": "relay/solo",
                "models": {"main": model(name)},
                "problems": {"from": family, "where": None, "limit": problems * len(made.difficulties), "seed": 1},
                "budget": {"tokens": 400},
                "samples": 1,
            }
            with run(tree, folder, f"solo {name.removeprefix('relay/')} {family}") as each:
                rows = outcomes(each)
            found.setdefault(name, {})[family] = counted([(str(extra["difficulty"]), ok) for _, extra, _, ok in rows])
    return found


def contrast(folder: Path, trained: Path, problems: int, seeds: Sequence[int]) -> list[Tree]:
    """Recoverability of `tiny` and `tiny-backtrack` on the problems that both solve 8 of 8, seed by seed."""
    found: list[Tree] = []
    for seed in seeds:
        pair = {"plain": model(trained / f"tiny-{seed}"), "backtrack": model(trained / f"tiny-backtrack-{seed}")}
        for name, stitch in STITCHES.items():
            tree = recoverability(pair, problems, MS, stitch)
            with run(tree, folder, f"recoverability {name} {seed}") as each:
                rows = outcomes(each)
            opening = recoverability(pair, problems, [0], stitch)
            opening["graph"]["nodes"]["main"]["opens_with"]["take"] = {"sentences": 1}
            opening["sweep"]["over"]["m"] = None
            with run(opening, folder, f"keep opening {name} {seed}") as each:
                kept = [row for row in outcomes(each) if "without" not in row[2]]
            found.append({"seed": seed, "stitch": name, **compared(rows), "keep opening": by_model(kept)})
    return found


def recoverability(pair: Mapping[str, Tree], problems: int, ms: Sequence[float], stitch: str) -> Tree:
    return {
        "extends": "relay/recoverability",
        "let": {"cut": "nearest"},  # so that 0.2 of a thought of five sentences is one
        "models": {"main": None, **pair},
        "problems": {"from": "chains", "where": {"difficulty": [3, 4, 5]}, "limit": 2 * problems, "seed": 2},
        "pool": {"samples": 8, "tokens": 200},
        "graph": {
            "nodes": {
                "main": {"write": "{model}", "opens_with": {"pool": "{model}"}},
                "steer": {"insert": {"pool": "{model}", "among": 50}, "stitch": stitch},
            }
        },
        "sweep": {
            "over": {"model": [*pair], "m": list(ms), "n": [0.2]},
            "also": [{"without": "steer", "model": each} for each in pair],
        },
        "budget": {"tokens": 400},
        "select": {"problems": [{"solved": each, "at_least": "8/8"} for each in pair], "limit": problems},
    }


def by_model(rows: Sequence[tuple[str, dict[str, Any], str, bool]]) -> Counted:
    return counted([(cell.partition("model=")[2].split()[0], ok) for _, _, cell, ok in rows])


def compared(rows: Sequence[tuple[str, dict[str, Any], str, bool]]) -> Tree:
    """Both curves, and the difference paired by problem with its 95 % cluster-t interval, in points."""
    from scipy.stats import t

    steered = [row for row in rows if "without" not in row[2]]
    curves: dict[str, Counted] = {}
    shares: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for which in ("plain", "backtrack"):
        of = [row for row in steered if f"model={which}" in row[2]]
        curves[which] = counted([(cell.split()[0].removeprefix("m="), ok) for _, _, cell, ok in of])
        for key, _, _, ok in of:
            shares[key][which].append(ok)
    gaps = [100 * (mean(each["backtrack"]) - mean(each["plain"])) for each in shares.values() if len(each) == 2]
    half = float(t.ppf(0.975, len(gaps) - 1)) * stdev(gaps) / sqrt(len(gaps))
    return {
        "problems": len(gaps),
        "curve": curves,
        "no steer": by_model([row for row in rows if "without" in row[2]]),
        "difference": [round(x, 1) for x in (mean(gaps), mean(gaps) - half, mean(gaps) + half)],
    }


def guidance(folder: Path, problems: int) -> Tree:
    """Guidability of `tiny` by `tiny-guide`, on longer chains and harder expressions than `tiny` has learnt."""
    found: Tree = {}
    for main in ("relay/tiny", "relay/tiny-backtrack"):
        tree = {
            "extends": "relay/guidability",
            "let": {"cut": "nearest"},
            "models": {"main": model(main), "guide": model("relay/tiny-guide")},
            "problems": {"from": "brackets", "where": {"difficulty": [3, 4]}, "limit": 3 * problems, "seed": 3},
            "pool": {"samples": 8, "tokens": 250},
            "budget": {"tokens": 400},
            "select": {
                "problems": [{"solved": "main", "at_most": "1/8"}, {"solved": "guide", "at_least": "1/8"}],
                "limit": None,
            },
        }
        with run(tree, folder, f"guidability {main.removeprefix('relay/')}") as each:
            found[main] = {"problems": len(each.problems), "by n": counted([(c, ok) for _, _, c, ok in outcomes(each)])}
    return found


def main() -> None:
    """Measure what is asked for, and write it down."""
    wanted = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wanted.add_argument("--trained", type=Path, required=True)
    wanted.add_argument("--problems", type=int, default=200)
    wanted.add_argument("--only", nargs="+", default=["solo", "contrast", "guidance"])
    wanted.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    wanted.add_argument("--out", type=Path, default=EVIDENCE)
    options = wanted.parse_args()
    found: Tree = json.loads(options.out.read_text()) if options.out.exists() else {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if "solo" in options.only:
            found["solo"] = solo(folder, options.problems // 2)
        if "contrast" in options.only:
            others = [each for each in found.get("contrast", []) if each["seed"] not in options.seeds]
            new = contrast(folder, options.trained.absolute(), options.problems, options.seeds)
            found["contrast"] = sorted([*others, *new], key=lambda each: (each["seed"], each["stitch"]))
        if "guidance" in options.only:
            found["guidance"] = guidance(folder, options.problems)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], check=False, cwd=ROOT, capture_output=True, text=True
    ).stdout
    found["made"] = {
        "commit": commit.strip(),
        "day": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {platform.python_version()}",
        "command": "python tests/proof/zoo.py --trained DIR",
    }
    options.out.write_text(json.dumps(found, indent=1) + "\n")
    for name, families in found.get("solo", {}).items():
        for family, levels in families.items():
            right, of = (sum(column) for column in zip(*levels.values(), strict=True))
            low, high, _ = wilson(right, of)
            print(f"{name} {family}: {right} of {of} ({100 * low:.0f} to {100 * high:.0f} %), {levels}")
    for each in found.get("contrast", []):
        print(each)
    print(found.get("guidance"))


if __name__ == "__main__":
    main()
