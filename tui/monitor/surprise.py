"""How much each token of a segment surprised its own author: a strip of bars, where the run recorded it."""

from collections.abc import Mapping, Sequence

from relay.store.calls import surprises
from relay.store.reader import Run

LEVELS = "▁▂▃▄▅▆▇█"
STEP = 0.5  # nats a level; the highest is for all beyond
Surprises = Mapping[tuple[str, int], Sequence[float]]  # by pen and the hop's number: nats, token by token


def read(run: Run, rollout: int) -> Surprises:
    """Those of a rollout; none where the run did not record them."""
    if not run.has("call"):
        return {}
    return surprises(run.query, rollout)


def strip(nats: Sequence[float], width: int) -> str:
    """A bar a token or, where there are more tokens than columns, for the most surprising one of several."""
    columns = max(1, min(width, len(nats)))
    parts = (nats[len(nats) * i // columns : len(nats) * (i + 1) // columns] for i in range(columns))
    return "".join(LEVELS[min(len(LEVELS) - 1, int(max(part) / STEP))] for part in parts)


def told(nats: Sequence[float], width: int) -> str:
    """The line below the thought."""
    after = f" up to {max(nats):.1f} nats, {sum(nats) / len(nats):.2f} a token"
    return f"surprise {strip(nats, width - len(after) - 11)}{after}"
