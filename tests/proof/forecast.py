"""The forecast of a run with a real engine beside what the run then took: tokens within 10 %, time within 30 %.

python tests/proof/forecast.py transformers
.venv-engines/bin/python tests/proof/forecast.py vllm
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from relay.batch import Tally  # noqa: E402
from relay.language.reading import read  # noqa: E402
from relay.planning.forecast import Terms, forecast  # noqa: E402
from relay.planning.pilot import calibrate  # noqa: E402
from relay.planning.sight import Beliefs  # noqa: E402
from relay.pool import Pool  # noqa: E402
from relay.session import Options, start  # noqa: E402
from relay.store.reader import Run  # noqa: E402
from tests.proof.made import made  # noqa: E402

PILOT = 60  # problems
OUT = ROOT / "docs" / "evidence" / "forecast.json"
SCENARIO = """
relay: 1
title: Recoverability of relay/tiny
models: {main: %s}
problems: {from: chains, limit: 300}
pool: {samples: 4}
budget: {tokens: 400}
graph:
  start: main
  answer: main
  nodes:
    main:  {write: main, opens_with: {pool: main, take: "{m}", where: correct}, until: [answered]}
    steer: {insert: {pool: main, of: another problem}, take: 0.2, stitch: "\\nWait. Let me think"}
  edges:
    main: [{when: {visits: main, equals: 1}, to: steer}, {to: end}]
    steer: main
sweep: {over: {m: [0, 0.4, 0.8]}, also: [{without: steer}]}
select: {problems: {solved: main, at_least: 4/4}}
"""
ENGINES = {
    "transformers": "{engine: transformers, model: relay/tiny, batch: 64}",
    "vllm": "{engine: vllm, model: relay/tiny}",
}


class Quiet:
    """A watcher that prints the phases."""

    def phase(self, name: str, tally: Tally) -> None:
        print(name, flush=True)

    def note(self, text: str) -> None:
        print(text, flush=True)


PROBE = """
import time
while True:
    cpu, wall = time.process_time(), time.perf_counter()
    while time.process_time() - cpu < 0.05: pass
    print((time.perf_counter() - wall) / 0.05, flush=True)
    time.sleep(1)
"""


@contextmanager
def slowness() -> Iterator[list[float]]:
    """How many times longer than its own CPU time a process takes beside this work: what others do to the machine."""
    found: list[float] = []
    with subprocess.Popen([sys.executable, "-c", PROBE], stdout=subprocess.PIPE, text=True) as probe:
        try:
            yield found
        finally:
            probe.kill()
            found += [float(line) for line in probe.communicate()[0].splitlines()] or [1.0]


def measured(engine: str, folder: Path) -> dict[str, Any]:
    """The forecast, the run, and how far apart they are, in shares of what the run took."""
    path = folder / "s.yaml"
    path.write_text(SCENARIO % ENGINES[engine])
    reading = read(str(path))
    options = Options(pool=folder / "pool.sqlite")
    with slowness() as before:
        pilot = asyncio.run(calibrate(reading, PILOT, options, Quiet()))
    told = forecast(reading, pilot, Terms(), Beliefs())
    began = time.perf_counter()
    with slowness() as after:
        outcome = asyncio.run(start(reading, folder / "run.relay", options, Quiet()))
    took = time.perf_counter() - began
    with Run(outcome.path) as run:
        decoded, read_, rollouts = run.query(
            "SELECT total(decoded) + total(thrown), total(computed) + total(cached),"
            " (SELECT count(*) FROM rollout) FROM hop"
        )[0]
    decoded, read_ = int(decoded), int(read_)
    pool = Pool(folder / "pool.sqlite")
    solos, of_solos = pool.db.execute("SELECT count(*), sum(length(ids) / 4) FROM solo").fetchone()
    pool.close()
    seconds = (told.hours or 0.0) * 3600
    return {
        "made": made(),
        "pilot": {"problems": PILOT, "selected": pilot.selected, "calls": len(pilot.calls)},
        "run": {"rollouts": rollouts, "solos": solos, "tokens": decoded + of_solos, "seconds": round(took, 1)},
        "forecast": {"tokens": told.tokens, "seconds": round(seconds, 1), "loading": round(pilot.loading, 1)},
        "tokens_off": round(told.tokens / (decoded + of_solos) - 1, 4),
        "time_off": round(seconds / took - 1, 4),
        "prompt_tokens_of_rollouts": {"run": read_, "forecast": _read(told)},
        "slowness": {"pilot": round(fmean(before), 2), "run": round(fmean(after), 2), "cores": os.cpu_count()},
        "time_off_at_equal_slowness": round(seconds / took * fmean(after) / fmean(before) - 1, 4),
    }


def _read(told: Any) -> int:
    return sum(line.computed + line.cached for line in told.lines if not line.what.startswith("solos"))


def main() -> int:
    """Measure, write down, and say whether it is within the bounds."""
    engine = sys.argv[1] if len(sys.argv) > 1 else "transformers"
    with TemporaryDirectory() as folder:
        found = measured(engine, Path(folder))
    kept = json.loads(OUT.read_text()) if OUT.exists() else {}
    OUT.write_text(json.dumps({**kept, engine: found}, indent=1) + "\n")
    print(json.dumps(found, indent=1))
    return 0 if abs(found["tokens_off"]) <= 0.1 and abs(found["time_off"]) <= 0.3 else 1


if __name__ == "__main__":
    sys.exit(main())
