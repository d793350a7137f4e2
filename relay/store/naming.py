"""Names of new run files."""

import time
from pathlib import Path


def new_name(scenario: str) -> Path:
    """A new name in runs/ for a run of this scenario."""
    name = Path(scenario).name.removesuffix(".yaml").removesuffix(".yml") or "run"
    stamp = time.strftime("%Y%m%d-%H%M%S")
    tries = (Path("runs") / f"{name}-{stamp}{f'-{i}' if i else ''}.relay" for i in range(1000))
    return next(path for path in tries if not path.exists())
