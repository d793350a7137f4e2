"""How probable a text is, asked of a server: vLLM's /v1/completions says it of each id of a prompt."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from relay.engine.http.faults import Fault
from relay.engine.http.wire import choice_in, count_off, entry, usage_in

WIRE = "vllm"  # the format that can
PATH = "/completions"
CLAMPED = -9999.0  # how JSON spells a probability of zero


def body(model: str, ids: Sequence[int]) -> dict[str, Any]:
    """The request: these ids are the prompt; one more is drawn, which nobody wants, for a server draws at least one."""
    return {
        "model": model,
        "prompt": list(ids),
        "prompt_logprobs": 0,  # of the ids that are there, and of no others
        "max_tokens": 1,
        "temperature": 0.0,
        "stream": False,
    }


def read(answer: Any, ids: Sequence[int], first: int) -> tuple[float, ...]:
    """The natural log-probability of each of these ids from this place on. Raises Fault."""
    if not isinstance(answer, Mapping):
        raise Fault("bad JSON", "what it sent is no map")
    choice, usage = choice_in(answer), usage_in(answer)
    rows = None if choice is None else entry(choice, "prompt_logprobs", list)
    if rows is None:
        raise Fault("no log-probabilities", "it says no log-probabilities of a prompt", again=False)
    there = len(rows) if usage.prompt is None else usage.prompt
    if there != len(ids) or len(rows) != len(ids):
        raise count_off("the prompt", there if there != len(ids) else len(rows), len(ids))
    return tuple(_of(i, row) for i, row in zip(ids[first:], rows[first:], strict=True))


def _of(i: int, row: Any) -> float:
    found = row.get(str(i)) if isinstance(row, dict) else None
    value = found.get("logprob") if isinstance(found, dict) else None
    if not isinstance(value, float | int) or isinstance(value, bool) or not value <= 0:
        raise Fault("bad JSON", "a log-probability is missing in what it sent, or is none")
    return -math.inf if value <= CLAMPED else float(value)
