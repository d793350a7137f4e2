"""Phrases of English reasoning that tell what its writer is doing: doubting, taking up, beginning anew, concluding."""

import re
from typing import NamedTuple

DOUBTS = (
    "wait", "hmm", "hold on", "but", "actually", "however", "no, that", "that's not", "that is not", "this is not",
    "not the question", "not the problem", "different problem", "different question", "not asked", "not what",
    "on second thought", "back to the problem", "back to the question", "back to the original", "doesn't make sense",
    "does not make sense", "confused", "confusing", "mixed up", "unrelated", "irrelevant", "off track", "sidetracked",
    "distracted",
)  # fmt: skip
RECAPS = ("so far", "we had", "i had", "left off", "where i was", "where we were")
CONCLUDES = ("answer is", "answer:")
_BEGINS = (
    r"(?:okay|ok|alright|right),? so (?:i|we|in this)", r"i(?:'ve| have)? got this", r"start(?:ing)? (?:over|again)",
    r"(?:have|with|got|at) this (?:problem|question|equation|expression|function|system)", r"try again", r"re-?read",
    r"(?:the|this|my|our) (?:original |actual |real )?(?:problem|question) (?:says|asks|states|was|gives|wants)",
    r"from (?:the )?(?:start|beginning|top|scratch)",
)  # fmt: skip


def _any_of(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """The longest first, so that a phrase is counted once."""
    return re.compile(rf"\b(?:{'|'.join(sorted(phrases, key=len, reverse=True))})(?![a-z])", re.IGNORECASE)


_DOUBT, _RECAP, _CONCLUDE = (_any_of(tuple(map(re.escape, each))) for each in (DOUBTS, RECAPS, CONCLUDES))
_BEGIN = _any_of(_BEGINS)


class Doubts(NamedTuple):
    """How often a text doubts, and where first."""

    times: int
    first: int  # a character of the text; -1: nowhere


def doubts(text: str) -> Doubts:
    """The words of doubt in a text."""
    found = [match.start() for match in _DOUBT.finditer(_straight(text))]
    return Doubts(len(found), found[0] if found else -1)


def recaps(text: str) -> bool:
    """Whether it takes up what was reached: "so far we have"."""
    return _RECAP.search(text) is not None


def begins(text: str) -> bool:
    """Whether it begins a problem: "okay, so I have this equation"."""
    return _BEGIN.search(_straight(text)) is not None


def concludes(text: str) -> bool:
    """Whether it only says the answer: that tells no more than its number."""
    return _CONCLUDE.search(text) is not None


def _straight(text: str) -> str:
    return text.replace("’", "'")
