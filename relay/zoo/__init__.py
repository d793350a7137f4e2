"""The small models that ship with relay, a folder each in Hugging Face format, with a card."""

from pathlib import Path

FOLDER = Path(__file__).parent


def shipped() -> dict[str, Path]:
    """The folder of each, by its name: relay/tiny."""
    return {f"relay/{folder.name}": folder for folder in sorted(FOLDER.iterdir()) if (folder / "config.json").is_file()}
