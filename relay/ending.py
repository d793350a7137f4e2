"""What is said of a run as a whole when it has ended, and what a resumed one counts on from."""

from collections.abc import Callable, Mapping
from typing import Any

from relay.clock import clock
from relay.engine import Engine
from relay.prepare.filed import empty_takes
from relay.prepare.jobs import RunPlan
from relay.rounds import still_wide
from relay.store.asking import touched
from relay.store.writer import RunWriter


def notes(plan: RunPlan, writer: RunWriter) -> list[str]:
    """What is to be said of the run as a whole."""
    n = touched(writer.query)
    people = [f"people took part in {n:,} of the rollouts that are counted"] if n else []
    return [*_lost(plan.engines), *empty_takes(writer), *_passed(clock().now), *still_wide(plan, writer), *people]


def _passed(seconds: float) -> list[str]:
    """How long the simulated models took, where there are any."""
    return [f"the simulated models took {seconds:,.1f} s of virtual time"] if seconds else []


def _lost(engines: Mapping[str, Engine]) -> list[str]:
    """What could not be read as it was written, for want of ids."""
    texts = {name: engine.tokenizer.lossy for name, engine in engines.items()}
    return [
        f"{name} has no ids for some characters, which it did not read: {n} times" for name, n in texts.items() if n
    ]


def outcomes_of(writer: RunWriter, verifier: str) -> dict[tuple[int, str], int]:
    """How many verdicts of each kind by this verifier every cell has."""
    joined = "verdict v JOIN rollout r ON r.id = v.rollout JOIN name n ON n.id = v.verifier AND n.text = ?"
    joined += " WHERE r.cell >= 0"  # no forks
    counted = f"SELECT r.cell, v.outcome, count(*) FROM {joined} GROUP BY 1, 2"
    return {(cell, writer.text(outcome)): count for cell, outcome, count in writer.query(counted, verifier)}


def failures(query: Callable[..., list[Any]]) -> tuple[int, str]:
    """How many rollouts failed, and what the last said."""
    number, last = query(
        "SELECT count(*), max(id) FROM rollout WHERE stop = (SELECT id FROM name WHERE text = 'failed')"
    )[0]
    return number, (query("SELECT why FROM rollout WHERE id = ?", last)[0][0] or "") if number else ""
