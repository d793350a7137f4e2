"""Several servers of one model: which of them a rollout's calls go to."""

import hashlib
import time
from collections.abc import Sequence
from random import choice

from relay.engine import Purpose
from relay.engine.http.server import Server

MOVE = 10.0  # seconds that a server may ask to wait before its rollouts go to another one


class Fleet:
    """The servers. A rollout stays with one, which then has its beginning in its cache, while that one answers."""

    def __init__(self, servers: Sequence[Server], *, patience: float) -> None:
        """`patience` is how many seconds nobody may answer at all before calls fail at once."""
        self.servers = servers
        self._patience = patience

    def pick(self, purpose: Purpose | None) -> Server:
        """The one for this rollout: always the same, until it rests; then the next best, always the same too.

        Rendezvous hashing: when a server rests only its own rollouts move. For no rollout: any.
        """
        now = time.monotonic()
        awake = [server for server in self.servers if server.rests_until <= now] or self.servers
        awake = [server for server in awake if server.not_before <= now + MOVE] or awake
        if len(awake) == 1:
            return awake[0]
        if purpose is None:
            return choice(awake)
        rollout = f"{purpose.problem.id}\x1f{purpose.sample}"
        return max(awake, key=lambda server: _weight(server.url, rollout))

    @property
    def someone(self) -> bool:
        """Whether there is one that does not rest, nor asked for a long wait."""
        now = time.monotonic()
        return any(server.rests_until <= now and server.not_before <= now + MOVE for server in self.servers)

    @property
    def lost(self) -> bool:
        """Whether nobody has answered for so long that it makes no sense to wait."""
        now = time.monotonic()
        return all(s.down_since is not None and now - s.down_since > self._patience for s in self.servers)


def _weight(url: str, rollout: str) -> bytes:
    return hashlib.blake2b(f"{url}\x1f{rollout}".encode(), digest_size=8).digest()
