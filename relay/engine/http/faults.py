"""What goes wrong between relay and a server: each kind has a name, by which it is counted and told."""

import email.utils
import json
import time
from collections.abc import Mapping
from typing import Any

LONGEST = 900.0  # seconds that a Retry-After may ask for
PASSING = frozenset({408, 409, 425, 429})  # statuses beside 5xx that another try may mend


class Fault(Exception):  # noqa: N818  a failed try is not yet an error
    """A call that failed, once."""

    def __init__(
        self, kind: str, what: str, *, again: bool = True, wait: float | None = None, gone: bool = False
    ) -> None:
        """`again`: another try may mend it, after `wait` seconds where the server says so. `gone`: nobody answered."""
        super().__init__(what)
        self.kind = kind
        self.what = what
        self.again = again
        self.wait = wait
        self.gone = gone


def refusal(status: int, headers: Mapping[str, str], body: str) -> Fault:
    """What an answer with this status means."""
    if 300 <= status < 400:  # not followed: the key is for the address that the user named
        elsewhere = " ".join(headers.get("location", "").split())[:200] or "nowhere"
        return Fault(
            str(status), f"it answers {status} and sends on to {elsewhere}: name that server's base", again=False
        )
    again = status >= 500 or status in PASSING
    wait = retry_after(headers.get("retry-after", "")) if again else None
    return Fault(str(status), f"it answers {status}{told(body)}", again=again, wait=wait)


def retry_after(said: str, now: float | None = None) -> float | None:
    """Seconds to wait, from a header that gives them or a date; None where it gives neither."""
    said = said.strip()
    if said.isdecimal() and said.isascii():
        return min(float(said[:9]), LONGEST)
    try:
        date = email.utils.parsedate_to_datetime(said)
    except (TypeError, ValueError):
        return None
    seconds = date.timestamp() - (time.time() if now is None else now)
    return min(max(seconds, 0.0), LONGEST)


def told(body: str) -> str:
    """The server's own words, in one line: `: out of memory`; empty where it has none."""
    try:
        found: Any = json.loads(body)
    except ValueError:
        found = None
    for key in ("error", "detail", "message"):
        while isinstance(found, dict) and key in found:
            found = found[key]
    if isinstance(found, list | dict):
        found = json.dumps(found)
    words = " ".join(found.split())[:300] if isinstance(found, str) else ""
    if not words and "<" not in body[:200]:
        words = " ".join(body.split())[:200]
    return f": {words}" if words else ""
