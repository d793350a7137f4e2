"""How a writer goes on with its own problem after a detour: anew, or from where it had stopped."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from relay.measure.marks import Odds, between, computations, numbers, words
from relay.measure.phrases import begins, recaps
from relay.sentences import ends

Way = Literal["restart", "resume"]
WINDOW = 8  # sentences behind the return that tell how it goes on
NEAR = 3  # and of these the first ones, which may say the problem again
TAIL = 2  # sentences of the opening that tell where it stopped
DECIDED = 4.0


def way(question: str, opening: str, onward: Sequence[str], original: str = "") -> Way:
    """By what the sentences behind the return take up: what the opening began with, or what it had come to.

    Where the opening had come to nothing yet, every return is a restart.
    """
    before = _split(opening)
    asked, done = set(numbers(question)), computations(opening)
    if not done and len(before) < NEAR and not set(numbers(opening)) - asked:
        return "restart"
    tail, earlier = "".join(before[-TAIL:]), "".join(before[:-TAIL])
    reached = ({each.result for each in done} | (set(numbers(tail)) - set(numbers(earlier)))) - asked
    odds = Odds(_marks(tail + original[len(opening) :]), _marks(question + (earlier or question)))
    near = "".join(onward[:NEAR])
    again = _share(question, near) >= max(0.5, _share(question, "".join(before[-NEAR:])) + 1e-9)
    score = 1 - 3.0 * again - 2 * begins(near)
    for text in onward[:WINDOW]:
        if work := computations(text):
            steps = {each[:3] for each in done}
            score += -3 if work[0][:3] in steps else 3 * bool({*work[0][:3]} & reached)
            break
        score += 5 if recaps(text) else 2 * bool(reached & set(numbers(text)))
        if original:
            score += between(-1, sum(map(odds, _marks(text))), 1)
        if abs(score) >= DECIDED:
            break
    return "resume" if score > 0 else "restart"


def _share(question: str, text: str) -> float:
    """How much of what is asked a text says: of the question's marks."""
    asked = set(_marks(question))
    return len(asked & set(_marks(text))) / max(1, len(asked))


def _marks(text: str) -> list[str]:
    return [*numbers(text), *words(text)]


def _split(text: str) -> list[str]:
    return [text[start:end] for start, end in pairwise([0, *ends(text, final=True)])]
