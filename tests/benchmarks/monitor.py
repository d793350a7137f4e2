"""How long the monitor takes to show a finished run: `python tests/benchmarks/monitor.py [ROLLOUTS]`.

Prints JSON: seconds of `SELECT count(*)` over the segments, of the first screen of a run with one rollout (`empty`) and
of a run of so many (`first`), until all is counted, and until the intervals stand there; `bound` is twice `count` and
`empty` together, and beyond it the exit code is 1. The least of three each, in this process, with textual imported.
"""

import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from relay.store.gathered import Begun, Graded
from relay.store.writer import RunWriter
from relay.trajectory import Segment, Usage
from relay.tui.monitor.app import Monitor
from relay.tui.monitor.rollouts import Rollouts
from relay.tui.monitor.run_screen import RunScreen
from relay.walk import Hop, StopReason

TRIES, PATIENCE = 3, 120.0
TEXT, IDS = ("Let us see what comes of this. " * 10)[:300], tuple(range(75))
SCENARIO = {"title": "Large", "models": {"a": {}}, "graph": {"start": "think", "nodes": {"think": {"write": "a"}}}}


def write(path: Path, rollouts: int) -> None:
    """A finished run of so many rollouts in ten cells, three segments each."""
    writer = RunWriter.create(path)
    problems = max(1, rollouts // 10)
    with writer.at_once():
        writer.put_meta(scenario=SCENARIO, source="", phase="walking", made=0.0, samples=1, verifiers={"math": "math"})
        writer.put("problem", [(i, f"p-{i:05}", "math", "What is 1 + 1?", "2", "h", None) for i in range(problems)])
        writer.put("cell", [(i, f"m={i}", json.dumps({"m": i})) for i in range(10)])
        writer.put_names()
    for r in range(rollouts):
        writer.begin(Begun(r, r // 10, 0, r % 10))
        for n in range(3):
            said = Segment("think", "a", TEXT, IDS, "t", "sentences", "")
            rest = StopReason.END if n == 2 else None
            writer.hop(
                r, Hop("0", n, "think", n + 1, "end" if rest else "think", said, Usage(100, 60, 75, 1, 0.3), rest)
            )
        writer.end(r, StopReason.END, "", Graded("math", "correct" if r % 3 else "wrong", "2", "", 0.01))
        if r % 2000 == 1999:
            writer.flush()
    writer.flush()
    with writer.at_once():
        writer.put_meta(phase="done", ended=1.0)
    writer.close(finished=True)


async def opened(path: Path) -> dict[str, float]:
    """Seconds until the rows are there, all is counted, and the intervals are made."""
    began, found = time.perf_counter(), dict[str, float]()
    app = Monitor(path)
    async with app.run_test(size=(120, 36)):
        while len(found) < 3 and time.perf_counter() - began < PATIENCE:
            await asyncio.sleep(0.005)
            now, screen = time.perf_counter() - began, app.screen
            if not isinstance(screen, RunScreen) or not screen.query(Rollouts):
                continue
            rollouts = screen.query_one(Rollouts)
            if rollouts.count and not rollouts.stale():
                found.setdefault("first", now)
            if app.seen is not None and not app.seen.behind:
                found.setdefault("counted", now)
            if screen._intervals:
                found.setdefault("measured", now)
    return found


def counted(path: Path) -> float:
    """Seconds to count the segments with SQL."""
    began = time.perf_counter()
    with closing(sqlite3.connect(path)) as db:
        db.execute("SELECT count(*) FROM hop WHERE model IS NOT NULL").fetchone()
    return time.perf_counter() - began


def least(tries: list[dict[str, float]]) -> dict[str, float]:
    """The least of each figure."""
    return {key: round(min(t[key] for t in tries if key in t), 3) for key in tries[0]}


def main() -> int:
    """Write, open, tell."""
    rollouts = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        large, small = Path(folder) / "large.relay", Path(folder) / "small.relay"
        write(large, rollouts)
        write(small, 1)
        count = round(min(counted(large) for _ in range(TRIES)), 3)
        tries = [(asyncio.run(opened(small)), asyncio.run(opened(large))) for _ in range(TRIES)]
        empty, full = least([t[0] for t in tries])["first"], least([t[1] for t in tries])
    bound = round(2 * (count + empty), 3)
    print(json.dumps({"rollouts": rollouts, "count": count, "empty": empty, **full, "bound": bound}))
    return int(full["first"] > bound)


if __name__ == "__main__":
    sys.exit(main())
