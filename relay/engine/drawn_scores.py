"""How probable a simulated model finds the labels that a judge may say: drawn, for nobody's words explain it."""

import hashlib
import math
import random
from array import array
from collections.abc import Sequence

from relay.clock import clock
from relay.engine import Purpose
from relay.engine.replica import Replicas
from relay.engine.scoring import Scored
from relay.errors import EngineError


async def drawn_scores(
    model: str,
    replicas: Replicas,
    purpose: Purpose,
    prompt: Sequence[int],
    continuations: Sequence[Sequence[int]],
) -> Scored:
    """Chances that sum to 1, any such as likely as any other; the first id of a text bears its own.

    The same visit behind the same prompt is answered alike. It takes as long as reading the prompt and the texts.
    """
    if not prompt or not all(continuations):
        raise EngineError("cannot score nothing at all")
    seen = hashlib.blake2b(array("q", prompt), digest_size=8).hexdigest()
    problem, *visit = purpose
    draws = random.Random(f"{model} {problem.id} {visit} {seen}")
    parts = [draws.expovariate(1.0) for _ in continuations]
    now, length = clock().now, len(prompt) + sum(map(len, continuations))
    then = now + replicas.wait(now) + replicas.speed.seconds(length, 0)
    replicas.take(then)
    await clock().until(then)
    return [
        (math.log(part / math.fsum(parts)), *(0.0 for _ in text[1:]))
        for part, text in zip(parts, continuations, strict=True)
    ]
