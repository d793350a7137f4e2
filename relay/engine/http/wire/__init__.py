"""Wires: how a server is asked to go on, and how its answer is read. One module a format; none of them does I/O."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from relay.engine import Sampling
from relay.engine.http.faults import Fault

SEED_BITS = 31  # some servers keep seeds in 32 bits with a sign


class Call(NamedTuple):
    """What a server is asked for: to continue these ids."""

    prompt: Sequence[int]
    tokens: int  # at most so many
    sampling: Sampling
    seed: int
    banned: frozenset[int] = frozenset()
    texts: tuple[str, ...] = ()  # a server may end by itself after one of these
    often: bool = True  # whether each id is wanted as soon as it is there
    priority: int = 0  # the least goes first, where the server has priorities


class Piece(NamedTuple):
    """What one event of an answer comes to."""

    ids: tuple[int, ...] = ()
    ended: str = ""  # why the server ended here: "turn", "tokens", "text"; empty: more may come
    prompt: int | None = None  # tokens of the prompt, as the server counts them
    cached: int | None = None  # of these, those that it had read before


class Reading(Protocol):
    """Reads one answer, event by event."""

    def read(self, event: Mapping[str, Any]) -> Piece:
        """What this event says. Raises Fault where it cannot be."""
        ...


class Wire(Protocol):
    """One format."""

    name: str
    path: str  # behind the base (/v1), or behind the server's root where it begins with "//"

    def body(self, call: Call) -> dict[str, Any]:
        """The request, as JSON."""
        ...

    def reading(self, call: Call) -> Reading:
        """What reads the answer to it."""
        ...


def entry(event: Mapping[str, Any], key: str, kind: type) -> Any:
    """This entry of an event, or None where it is absent. Raises Fault where it is something else."""
    found = event.get(key)
    if found is not None and (not isinstance(found, kind) or isinstance(found, bool)):
        raise Fault("bad JSON", f"{key} should be of another type in what it sent")
    return found


def ids_in(event: Mapping[str, Any], key: str) -> tuple[int, ...] | None:
    """The ids of this entry, or None where it is absent."""
    found = entry(event, key, list)
    if found is None:
        return None
    if not all(type(i) is int and i >= 0 for i in found):
        raise Fault("bad JSON", f"{key} holds something that is no id")
    return tuple(found)


def choice_in(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The first choice of a completion's event, or None; an event that is an error is raised as a Fault."""
    if event.get("error"):
        error = event["error"] if isinstance(event["error"], dict) else {"message": event["error"]}
        code = error.get("code")
        status = code if isinstance(code, int) and 400 <= code < 600 else 500
        words = " ".join(str(error.get("message")).split())[:300]
        raise Fault(str(status), f"it broke off: {words}", again=status >= 500 or status == 429)
    choices = entry(event, "choices", list)
    if not choices:
        return None
    if not isinstance(choices[0], dict):
        raise Fault("bad JSON", "a choice should be a map")
    return choices[0]


class Usages(NamedTuple):
    """The tokens that a completion's event counts."""

    prompt: int | None = None
    completion: int | None = None
    cached: int | None = None


def usage_in(event: Mapping[str, Any]) -> Usages:
    """What a completion's event counts."""
    usage = entry(event, "usage", dict)
    if not usage:
        return Usages()
    details = entry(usage, "prompt_tokens_details", dict) or {}
    return Usages(
        entry(usage, "prompt_tokens", int), entry(usage, "completion_tokens", int), entry(details, "cached_tokens", int)
    )


def count_off(what: str, said: int, there: int) -> Fault:
    """The server counts other tokens than there are."""
    return Fault("wrong token count", f"it counts {said} tokens of {what} where there are {there}")
