"""relay: several models write one chain of thought, token by token, each under its own name."""

from relay.notebook import load, open, run

__all__ = ["load", "open", "run"]
__version__ = "0.1.0"
