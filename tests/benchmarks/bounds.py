"""What a benchmark promises: figures whose names end with "(at least 10)" or "(at most 3)"."""

import json
import re
import sys
from collections.abc import Mapping

_BOUND = re.compile(r"\(at (least|most) ([0-9.]+)\)$")


def check(figures: Mapping[str, float]) -> int:
    """Name the figures beyond their bounds; the exit code: 1 when there is one."""
    broken = [name for name, value in figures.items() if not _holds(name, value)]
    for name in broken:
        print(f"beyond its bound: {figures[name]:.2f}  {name}", file=sys.stderr)
    return 1 if broken else 0


def told(figures: Mapping[str, float], *, as_json: bool) -> int:
    """Print them, and check."""
    if as_json:
        json.dump(figures, sys.stdout, indent=1)
    else:
        for name, value in figures.items():
            print(f"{value:12.2f}  {name}")
    return check(figures)


def _holds(name: str, value: float) -> bool:
    found = _BOUND.search(name)
    return found is None or (value >= float(found[2]) if found[1] == "least" else value <= float(found[2]))
