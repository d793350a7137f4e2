"""Scores as flat rows, for CSV and frames: one origin of their columns."""

from relay.measure.scores import Score, scores
from relay.store.reader import Run

COLUMNS = (
    "cell", "verifier", "score", "low", "high", "interval", "correct", "graded", "problems", "undecided", "cut_short",
    "missing", "failed", "unfinished", "spoilers", "looked_at", "decoded", "thrown", "computed", "cached",
)  # fmt: skip
Row = tuple[str | int | float | None, ...]


def by_all(run: Run) -> list[Score]:
    """The scores by every verifier that graded the run, its own first."""
    return [score for verifier in run.verifiers or [""] for score in scores(run, verifier)]


def row(score: Score) -> Row:
    """One score in the order of COLUMNS; shares in 0..1, `interval` the method's name."""
    span = score.interval
    ends = (span.low, span.high, span.method) if span else (None, None, None)
    known = dict(zip(("low", "high", "interval"), ends, strict=True))
    return tuple(known[name] if name in known else getattr(score, name) for name in COLUMNS)
