"""Canned scenarios: each a YAML file that opens with a comment saying what it teaches."""

from pathlib import Path

FOLDER = Path(__file__).parent


def canned() -> dict[str, Path]:
    """The scenarios that run as they are, by name, in alphabetical order."""
    return {path.stem: path for path in _files() if _has_graph(path)}


def presets() -> dict[str, Path]:
    """What others extend: how to draw, spend and grade, by name, in alphabetical order."""
    return {path.stem: path for path in _files() if not _has_graph(path)}


def _files() -> list[Path]:
    return sorted(FOLDER.glob("*.yaml"), key=lambda path: path.stem)


def _has_graph(path: Path) -> bool:
    return "\ngraph:" in path.read_text(encoding="utf-8")


def opening(path: Path) -> str:
    """The first sentence of a scenario's opening comment."""
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    return first.lstrip("# ").rstrip()
