"""Asking an engine how probable ids are, for a purpose that a recording or a made-up model must know."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from relay.engine import Engine, Purpose

Scored = list[tuple[float, ...]]
Score = Callable[[Sequence[int], Sequence[Sequence[int]]], Awaitable[Scored]]  # as `Scores.score`


class Weighing(Protocol):
    """What an engine may have besides, where its scores hang on who asks."""

    def scores_for(self, purpose: Purpose, cell: str) -> Score | None:
        """Its `score` for this purpose in the cell of this name; None where it has none."""
        ...

    @property
    def scoreless(self) -> str:
        """Why it has none; empty where it has one."""
        ...


def scoring(engine: Engine, purpose: Purpose, cell: str) -> Score | None:
    """How this engine is asked for scores, for this purpose in this cell; None where it cannot be."""
    weighing = _weighing(engine)
    score: Score | None = getattr(engine, "score", None)
    return score if weighing is None else weighing.scores_for(purpose, cell)


def scoreless(engine: Engine) -> str:
    """Why this engine cannot be asked for scores; empty where it can."""
    weighing = _weighing(engine)
    if weighing is not None:
        return weighing.scoreless
    return "" if hasattr(engine, "score") else "it does not say how probable a text is; `score: argmax` lets it say one"


def _weighing(engine: Any) -> Weighing | None:
    """The engine, where its scores hang on who asks: its class need not show it, for it may hold another engine."""
    return engine if hasattr(engine, "scores_for") else None
