"""What a report over a large run costs: seconds, memory at its peak, bytes of the page.

A simulated run of recoverability in 26 cells is made, and its rollouts written again and again until there are so many.
Laws: at most 30 seconds, 1,000 MB and 2 MB of page, each in a fresh process. The law is about seconds of the processor,
which other work on the machine does not lengthen; those on the clock stand beside them.

    python tests/benchmarks/report.py [--rollouts 100000] [--json]
"""

import argparse
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from bounds import told

PROBLEMS, SAMPLES, CELLS = 100, 2, 26
SECONDS, MEGABYTES, PAGE = 30.0, 1000.0, 2.0
KINDS = {"--html": "page.html", "--csv": "scores.csv", "--latex": "tables.tex"}
SETS = {
    "models.main": {
        "engine": "simulated", "solves": {"mean": 0.8, "icc": 0.4}, "recovers": {"0": 0.3, "0.8": 0.7},
        "tokens": {"mean": 120, "sd": 0.3}, "rows": 256,
    },
    "problems.limit": PROBLEMS, "select.limit": PROBLEMS, "pool.samples": 8, "samples": SAMPLES, "let.cut": "nearest",
    "select.problems": [{"solved": "main", "at_least": "0/8"}],
    "sweep.over": {"m": [0, 0.2, 0.4, 0.6, 0.8], "n": [0.1, 0.2, 0.3, 0.4, 0.5]},
}  # fmt: skip
AGAIN = """
INSERT INTO rollout SELECT id + :rollouts, problem, sample + :samples, cell, stop, why FROM rollout
WHERE sample < :first;
INSERT INTO unit SELECT problem, sample + :samples, cell, node, solo FROM unit WHERE sample < :first;
INSERT INTO verdict SELECT rollout + :rollouts, verifier, outcome, answer, why, ms FROM verdict WHERE rollout < :whole;
INSERT INTO step SELECT id + :steps, rollout + :rollouts, {columns} FROM step WHERE rollout < :whole;
INSERT INTO part SELECT id + 256 * :steps, text, ids FROM part WHERE id / 256 <= :last;
"""


def large_run(folder: Path, rollouts: int) -> Path:
    """The run file."""
    import relay

    os.environ["RELAY_POOL"] = str(folder / "pool.sqlite")
    path = relay.run("recoverability", folder / "large.relay", **SETS).path
    whole = PROBLEMS * SAMPLES * CELLS
    db = sqlite3.connect(path)
    (last,) = db.execute("SELECT max(id) FROM step").fetchone()
    columns = [row[1] for row in db.execute("PRAGMA table_info(step)")][2:]
    for turn in range(1, -(-rollouts // whole)):
        values = {
            "rollouts": turn * whole, "samples": turn * SAMPLES, "first": SAMPLES, "whole": whole,
            "steps": turn * (last + 1), "last": last,
        }  # fmt: skip
        for statement in AGAIN.format(columns=", ".join(columns)).split(";\n"):
            db.execute(statement, {name: value for name, value in values.items() if f":{name}" in statement})
        db.commit()
    db.close()
    return path


def measured(path: Path, folder: Path) -> dict[str, float]:
    """Seconds, MB and bytes of each kind of report."""
    figures: dict[str, float] = {}
    for option, name in KINDS.items():
        said = subprocess.run(
            [sys.executable, __file__, "--child", str(path), option, str(folder / name)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found = json.loads(said.stdout.splitlines()[-1])
        law = option == "--html"
        figures[f"{option}: seconds on the clock"] = found["seconds"]
        figures[f"{option}: seconds of the processor" + (f" (at most {SECONDS:g})" if law else "")] = found["cpu"]
        figures[f"{option}: MB at its peak" + (f" (at most {MEGABYTES:g})" if law else "")] = found["peak"]
        figures[f"{option}: MB of file" + (f" (at most {PAGE:g})" if law else "")] = found["size"]
    return figures


def child(path: str, option: str, out: str) -> None:
    """One report, in this process."""
    from relay.cli import main

    began = time.perf_counter()
    with suppress(SystemExit):
        main(["report", path, option, out])
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime
    peak = used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    size = Path(out).stat().st_size / 1e6
    print(json.dumps({"seconds": time.perf_counter() - began, "cpu": cpu, "peak": peak, "size": size}))


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
        return
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rollouts", type=int, default=100_000)
    asked.add_argument("--json", action="store_true")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = large_run(Path(folder), options.rollouts)
        db = sqlite3.connect(path)
        figures: dict[str, float] = {"rollouts": db.execute("SELECT count(*) FROM rollout").fetchone()[0]}
        db.close()
        figures |= measured(path, Path(folder))
    sys.exit(told(figures, as_json=options.json))


if __name__ == "__main__":
    main()
