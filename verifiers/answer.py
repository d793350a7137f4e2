"""Finding the answer in what a model wrote: a box, else what it says the answer is, else the last number.

Everything here takes time linear in the text, whatever the text is: it runs in the event loop.
"""

import re
from collections import deque

from relay.verifiers.plain import SCALES, measures, read
from relay.verifiers.spelling import tidy

TAIL = 20_000  # characters looked at: the answer is at the end

_BRACES = re.compile(r"\\(?:boxed|fbox)\s*\{|(?<=\\)(?:boxed|fbox)\s*\{|\\[\s\S]|[{}]")  # the second: \\boxed
_BOX = re.compile(r"\\(?:boxed|fbox)\s*(?=\{)")
_JOINTS = {",", ";", "and", "or", ",and", ",or"}  # between two boxes that are one answer
_BETWEEN = re.compile(r"\\(?:text|quad|qquad)|[\s$()\[\]\\{}*]")
_SAID = re.compile(r"\banswers?(?:\s+(?:is|are|would\s+be|equals)\b|[\s*]*[:=])|####", re.IGNORECASE)
_MATH = re.compile(r"\$\$([^$]+)\$\$|\$([^$\n]+)\$|\\\(([^\n]+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
_NUMBER = re.compile(
    r"(?<![\w.])(?:(?<![)}])-)?(?:\d{1,6} \d{1,6}/\d{1,6}(?![\d/])|"
    r"(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,4}(?!\w))?(?: ?/ ?\d+)?(?: ?\\?%)?)"
)
_HALVES = re.compile(r"\b(\d{1,6}) and (?:(?:a|one) (half|quarter|third)|(\d{1,6}/\d{1,6}))(?![\w/])")
_HALF = {"half": "1/2", "quarter": "1/4", "third": "1/3"}
_MINUS = re.compile(r"(?<!\d )\b(?:minus|negative) (?=\$?[\d.])")  # "10 minus 5" is no number
# What words beside a number make another number of it, or one of several.
_BEFORE = re.compile(
    r"(?:\b(?:either|between|between \$?[\d.,]+ and|(?:more|less|greater|fewer|other) than|half of|twice|double|triple"
    r"|roots? of)|\d[.\d/]* or) \$?$"
)
_AFTER = re.compile(
    r" (?:squared|cubed|factorial|to the power|(?:or|plus|minus|times|over|divided by) \$?\d[\d.,/]*)(?!\w)"
)
_DENIED = re.compile(r"\b(?:not|never) \$?$")
_BESIDE = re.compile(r"[√π^⁰¹²³⁴⁵⁶⁷⁸⁹⁻½⅓⅔¼¾]")  # a sign that makes a formula of the number next to it
_AGAIN = re.compile(r"([A-Za-z]) ?= ?[^=\n]{1,40}?(?:,|,? or|,? and) \$?\1 ?$")  # "x = 5 or x", before "= 6"
_NEXT = re.compile(r" ?([A-Za-z]{1,12})\b(?![\^/])")
_SENTENCE = re.compile(r"(?<=\S)[.!?](?=[\s*\"]|$)")
_CLAUSE = re.compile(r",?\s(?:because|since|which|where|when|so|as)\b|,\s(?=[a-z]{2,} )")
_CLOSING = re.compile(r"\n|\$|\\\)|\\\]|\\\\")
_WORD = re.compile(r"(?<![\\A-Za-z])(?!(?:sqrt|sin|cos|tan|log|exp|frac|inf)\b)[A-Za-z]{3,}")
_PHRASE = 500  # characters looked at after "the answer is"
_NEAR = 40  # characters looked at on either side of a number


def find(text: str) -> str:
    """The answer in this text; empty when there is none."""
    text = text[-TAIL:]
    if len(text) <= 60 and read(tidy(text)):
        return text.strip()
    return boxed(text) or _said(text) or _equal(text) or _last(text) or _short(text)


def boxed(text: str) -> str:
    """What the last balanced box holds, with the boxes that stand beside it ("\\boxed{3} and \\boxed{-3}")."""
    boxes = [box for box in _boxes(text) if text[box[1] : box[2]].strip()]
    parts: dict[str, None] = {}
    for i in range(len(boxes) - 1, -1, -1):
        start, inside, end = boxes[i]
        parts[_BOX.sub("", text[inside:end]).strip()] = None
        gap = text[boxes[i - 1][2] + 1 : start] if i else ""
        if len(gap) > 60 or _BETWEEN.sub("", gap) not in _JOINTS:
            break
    return ", ".join(reversed(parts))


def _boxes(text: str) -> list[tuple[int, int, int]]:
    """Every balanced box that lies in no other: where it starts, where its content starts and ends."""
    boxes: list[tuple[int, int, int]] = []
    opened: list[tuple[int, int] | None] = []  # a box's start and its content's, or None for any other brace
    for match in _BRACES.finditer(text):
        token = match[0]
        if token == "{":
            opened.append(None)
        elif token.endswith("{") and "box" in token:
            opened.append((match.start(), match.end()))
        elif token == "}" and opened and (box := opened.pop()):
            while boxes and boxes[-1][0] > box[0]:
                boxes.pop()
            boxes.append((*box, match.start()))
    return boxes


def _said(text: str) -> str:
    """What follows the last "the answer is", "answer:" or "####"."""
    return phrase(said_line(text))


def said_line(text: str) -> str:
    """The line after the last "the answer is", as it stands; empty when nothing is said so."""
    last = _latest(_SAID, text)
    if last is None:
        return ""
    return text[last.end() : last.end() + _PHRASE].lstrip(" \t\r\n*:").partition("\n")[0]


def _equal(text: str) -> str:
    """What follows the last equals sign."""
    before, sign, rest = text.rpartition("=")
    if not sign or before.endswith(("<", ">", "!")):
        return ""
    found = phrase(_CLOSING.split(rest[:_PHRASE].lstrip(" \t$"), maxsplit=1)[0])
    several = _AGAIN.search(before[-100:])
    return f"{several[0]}= {found}" if several else found


def phrase(line: str) -> str:
    """The answer at the start of a line: all of it, or its formula, or its first number when there are other words."""
    phrase = _SENTENCE.split(line, maxsplit=1)[0]
    phrase = _CLAUSE.split(phrase, maxsplit=1)[0].strip(" *`\"'")
    if read(tidy(phrase)) or not _WORD.search(phrase):
        return phrase
    formulas = (_content(m) for m in _MATH.finditer(phrase))
    if formula := next((f for f in formulas if f and not _WORD.search(f)), ""):
        return formula
    phrase = _in_digits(phrase)
    number = _NUMBER.search(phrase)
    return _with_words(phrase, number) if number else phrase


def _in_digits(text: str) -> str:
    """A text whose "minus 5" is -5, and whose "4 and a half" is 4 1/2."""
    return _MINUS.sub("-", _HALVES.sub(lambda m: f"{m[1]} {_HALF.get(m[2], m[3])}", text))


def _last(text: str) -> str:
    """The last number that is not denied, or the formula that holds it."""
    text = _in_digits(text)
    numbers = deque(_NUMBER.finditer(text), maxlen=10)
    meant = [number for number in numbers if not _DENIED.search(text[: number.start()][-10:])]
    number = next(reversed(meant or numbers), None)
    start = max(text.rfind("\n", 0, number.start()) + 1, number.end() - _PHRASE) if number else -_PHRASE
    for match in reversed(list(_MATH.finditer(text[start:][: 2 * _PHRASE]))):
        content = _content(match)
        if not _WORD.search(content) and (number is None or number[0] in content):
            return content
    return _with_words(text, number) if number else ""


def _with_words(text: str, number: re.Match[str]) -> str:
    """The number with what beside it says another one, or a well-known unit: 5 km are not 5 m, 5 squared is not 5."""
    found = number[0].rstrip(", ")
    start, end = number.start(), number.start() + len(found)
    before, after = text[max(0, start - _NEAR) : start], text[end : end + _NEAR]
    if _BESIDE.match(before[-1:]) or _BESIDE.match(after):
        return before.rpartition(" ")[2] + found + after.partition(" ")[0].rstrip(".,;:!?*$)")
    if other := _DENIED.search(before) or _BEFORE.search(before):
        return other[0] + found
    if other := _AFTER.match(after):
        return found + other[0]
    word = _NEXT.match(after)
    return f"{found} {word[1]}" if word and (word[1] in SCALES or measures(word[1])) else found


def _short(text: str) -> str:
    """The whole text, when it is no more than a word or two ("Yes.")."""
    text = text.strip(" \t\r\n.*")
    return text if len(text) <= 40 and "\n" not in text else ""


def _latest(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return next(iter(deque(pattern.finditer(text), maxlen=1)), None)


def _content(match: re.Match[str]) -> str:
    return next(group for group in match.groups() if group is not None).strip()
