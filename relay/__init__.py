"""relay: several models write one chain of thought, token by token, each under its own name."""

__version__ = "0.1.0"
