"""Drafts ahead of a judge, and pens with one prefix, on vLLM: writes docs/evidence/collaboration.json.

    .venv-engines/bin/python tests/proof/collaboration.py [--turns 8]

Walls are those of this machine, and of whatever else keeps it busy: all of them are kept.
"""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from relay.engine.vllm import VllmModel  # noqa: E402
from tests.engines_real.together import DRAFTS, one_prefix, overlap  # noqa: E402

EVIDENCE = ROOT / "docs" / "evidence" / "collaboration.json"


async def measured(turns: int, folder: Path) -> dict[str, object]:
    """Both, on the models that ship."""
    small, large = [await VllmModel(model=f"relay/{name}").open() for name in ("tiny", "tiny-guide")]
    try:
        two = await overlap(folder, small, large, turns)
        one = await overlap(folder, small, small, turns)
        prefix = await one_prefix(folder, small, 4)
        return {"scenario": DRAFTS, "two models": two, "one model judges itself": one, "prefix": prefix}
    finally:
        await small.aclose()
        await large.aclose()


def main() -> None:
    """Measure and write."""
    wanted = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wanted.add_argument("--turns", type=int, default=8)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measured(wanted.parse_args().turns, Path(folder)))
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loads = f"load {load:.0f} before, {os.getloadavg()[0]:.0f} after"
    facts = {
        "commit": commit.stdout.strip(), "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {loads}",
    }  # fmt: skip
    EVIDENCE.write_text(json.dumps({**facts, **found}, indent=1) + "\n")
    print(json.dumps({name: part for name, part in found.items() if "model" in name}))


if __name__ == "__main__":
    main()
