"""Of what a figure was measured."""

import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path


def made() -> str:
    """The commit, the day and the machine."""
    git = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
    )
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    return f"commit {git.stdout.strip()}, {datetime.now(UTC):%Y-%m-%d}, {machine}"
