"""The values that a piece of reasoning states as what the question asks for: in a claim, or at the end of an equation.

Read as text, not understood. A number that could be anything (a small whole one, or one that the question gives) counts
only beside words or letters that the question asks about; any other value counts wherever it is stated.
"""

import re
from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from relay.verifiers.answer import boxed, phrase
from relay.verifiers.plain import read
from relay.verifiers.spelling import tidy

MOST = 400  # values that are compared, the last ones
CLAIMS = 50  # that one sentence may make, the last ones
LONGEST = 300  # characters of a value
SMALL = 100  # whole numbers below it stand for many things in any reasoning

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n\s*\n|\n(?=\s*(?:[-*•]|\d+[.)])\s)")
_CUE = re.compile(
    r"(?<![<>!≤≥=])=(?!=)|≈|\b(?:is|are|be|was|equals?|gives?|get|yields?|becomes?)\b"
    r"(?:\s+(?:just|simply|exactly|equal to|then|indeed|actually|also|therefore|only))*\s*:?|\b(?:answer|result)\s*:",
    re.IGNORECASE,
)
_ASKING = re.compile(
    r"\b(?:what|find|how|compute|evaluate|determine|calculate|which|enter|express|give|solve|simplify)\b", re.IGNORECASE
)
_NAME = re.compile(r"(?<![A-Za-z\\])([A-Za-z] ?[A-Za-z]?(?:_\{?\w+\}?)?)\s*$")
_OPENING = re.compile(r"^[\s*:]*(?:\\\(|\\\[|\$+)?\s*")
_CLOSING = re.compile(r"\n|\$|\\\)|\\\]|\\\\")
_FAR = 500  # characters looked at on either side of a claim
_WORDS = re.compile(r"[A-Za-z]{3,}")
_FORMULA = re.compile(r"\$\$?(.+?)\$\$?|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
_DRAWING = re.compile(r"\[asy\].*?\[/asy\]", re.DOTALL)
_PLAIN = frozenset(
    _WORDS.findall(
        "the and that this what find how compute evaluate determine calculate which enter express give solve simplify"
        " are for all any can you your with from has have there then than each every where when who will does did its"
        " his her their our was were been being not but value values number numbers possible answer one two three let"
        " given such terms form separated commas following integer integers real positive suppose must many much long"
    )
)
_CONCLUDING = re.compile(
    r"\b(?:answer|final|target|that would be|original (?:expression|question|problem)|asks? for)\b", re.IGNORECASE
)


class Stated(NamedTuple):
    """A value, and whether the words around it are what the question asks about."""

    value: str
    asked: bool


def stated(text: str, question: str) -> list[Stated]:
    """What the text states, last first, each value once."""
    about = _asked(question)
    found: dict[str, bool] = {}
    for value, named, said in _claims(text, about):
        if value and len(value) <= LONGEST:
            found[value] = found.pop(value, False) or said or named in about.letters
    return [Stated(*item) for item in reversed(found.items())][:MOST]


def telling(reference: str, question: str) -> bool:
    """Whether this answer is so much its own that stating it anywhere states the answer."""
    if read(tidy(reference)) is None:
        return len(re.sub(r"\W", "", reference)) > 2
    plain = re.sub(r"[^\d./-]", "", reference)
    whole = plain.lstrip("-").isdecimal()
    given = re.search(rf"(?<![\d.]){re.escape(plain)}(?![\d.])", question) is not None
    return not given and not (whole and int(plain.lstrip("-")) < SMALL)


def _claims(text: str, about: "_Asked") -> Iterator[tuple[str, str, bool]]:
    """Each value, the name right before its equals sign, and whether its sentence is about what was asked."""
    if box := boxed(text):
        yield box, "", True
    for sentence in _SENTENCE.split(text):
        cues = deque(_CUE.finditer(sentence), maxlen=CLAIMS)
        named, said = "", bool(cues) and _is_about(sentence, about)
        for cue in cues:
            rest = sentence[cue.end() : cue.end() + _FAR]
            if cue[0] == "=":
                left = _NAME.search(sentence[max(0, cue.start() - _FAR) : cue.start()])
                named = left[1].replace(" ", "") if left else named
                rest = _CLOSING.split(rest.lstrip(" \t$"), maxsplit=1)[0]
            else:
                named, rest = "", _OPENING.sub("", rest).partition("\n")[0]
            yield phrase(rest), named, said


class _Asked(NamedTuple):
    words: frozenset[str]
    letters: frozenset[str]


@lru_cache(maxsize=256)
def _asked(question: str) -> _Asked:
    """The words and letters of what the question asks."""
    plain = _DRAWING.sub(" ", question)
    parts = [part for part in re.split(r"(?<=[.?!])\s+", plain) if part.strip()]
    asking = [part for part in parts if part.rstrip().endswith("?") or _ASKING.search(part)] or parts[-1:]
    clause = asking[-1] if asking else ""
    if first := _ASKING.search(clause):
        clause = clause[first.start() :]
    bare = _FORMULA.sub(" ", clause)
    words = {_stem(word) for word in _WORDS.findall(bare.lower()) if word not in _PLAIN}
    letters = {"".join(m.groups(default="")) for m in _FORMULA.finditer(clause)}
    return _Asked(frozenset(words), frozenset(re.sub(r"[\s.,?]", "", each) for each in letters))


def _stem(word: str) -> str:
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _is_about(sentence: str, about: _Asked) -> bool:
    if _CONCLUDING.search(sentence):
        return True
    if not about.words:
        return not about.letters  # a question that names nothing, "What is 3 + 4?": every claim may be about it
    return not about.words.isdisjoint(map(_stem, _WORDS.findall(sentence.lower())))
