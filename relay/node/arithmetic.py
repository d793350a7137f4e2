r"""Finding the arithmetic that stands before an open "=", in plain text or LaTeX.

It is the longest expression that ends there. What cannot be told apart from something else ("x - 3 + 4", "2 1/2",
"1,5 + 2", "1 + 2 + ... + 9 + 10") is left alone: a wrong result in a chain of thought does more harm than none.
"""

import re
from fractions import Fraction
from typing import NamedTuple
from unicodedata import category

from relay.node.expression import NoResultError, Token, Tree, read, tokens_of

LONGEST = 400  # characters of an expression


class Found(NamedTuple):
    """An expression before an open "="."""

    text: str  # as it is written
    tree: Tree
    lead: str  # the space that belongs before the result


_OPEN = re.compile(r"(?<![<>!=:+*/^~-])(?P<gap>[ \t]*)(?:&[ \t]*)?=(?P<after>[ \t]*)\Z")
_OPERATORS = {"power", "times", "over", "plus", "minus"}
_RELATIONS = {*"=<>~≈≡≤≥≠≅∼→⇒⟶⟹↔⇔∴∵&", r"\(", r"\[", r"\{", r"\\"}
_MARKS = {*",:;([{\"'|*`“”‘’—"}  # of prose; between two numbers without a space they may belong to these
_STOPS = {*".?…"}  # a space must follow these
_SIGNED = {*"=([{≈≡→⇒⟹&", r"\(", r"\[", r"\{"}  # a minus that stands apart is a sign behind these, and no dash
_COMMANDS = re.compile(
    r"\\(?:q?quad|implies|[rR]ightarrow|to|approx|equiv|sim|leq?|geq?|lt|gt|iff|therefore)(?![A-Za-z])"
)
_SAID = re.compile(  # words that work on the number behind them
    r"(?:(?<![A-Za-z])(?:sin|cos|tan|log|ln|exp|sqrt|mod|modulo|gcd|lcm|abs|max|min|choose|minus|plus|times|over"
    r"|divided by|negative|less|twice|double|triple"
    r"|(?:root|power|square|cube|average|mean|percent|half|third|quarter|remainder) of)|% of)[\s$]*\Z",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]|[%!°²³\\_]")
_LABEL = re.compile(r"[\s$*]*(?:\d{1,3}|[A-Za-z]|[ivx]{2,4})\)\Z")  # "2)", at a line's start
_ASIDE = re.compile(  # "(a)", "(see above)"
    r"(?:\A|[\s*])\((?:\d{1,3}|[A-Za-z]|[ivx]{2,4}|[A-Za-z ]*[A-Za-z]{3}[A-Za-z ]*)\)\Z"
)


def find(text: str) -> Found:
    """The expression before the "=" that this text ends with. Raises NoResultError."""
    sign = _OPEN.search(text, max(0, len(text) - LONGEST))
    if sign is None:
        raise NoResultError("no open =")
    lead = " " if sign["gap"] and not sign["after"] else ""
    line_start = text.rfind("\n", 0, sign.start()) + 1
    start = max(line_start, sign.start() - LONGEST)
    tokens = tokens_of(text[start : sign.start()])
    run = next((i + 1 for i in range(len(tokens) - 1, -1, -1) if tokens[i].kind == "other"), 0)
    if tokens and start > line_start and run == 0:
        raise NoResultError("too long")
    for first in range(run, len(tokens)):
        if not _no_beginning(tokens, first) and (tree := read(tokens, first)) is not None:
            _refuse_what_stands_before(tokens, first, text[start : start + tokens[first].start])
            if _SAID.search(text[start : start + tokens[first].start]):
                raise NoResultError("not only numbers")
            written = text[start + tokens[first].start : start + tokens[-1].end]
            if isinstance(tree, Fraction):
                raise NoResultError("nothing to compute")
            return Found(written, tree, lead)
    raise NoResultError("no arithmetic before =")


def _no_beginning(tokens: list[Token], first: int) -> bool:
    """Whether no expression begins here: an operator, or a minus that is a dash or the mark of a list."""
    head = tokens[first]
    if head.kind != "minus":
        return head.kind in ("close", "times", "over", "plus", "power")
    apart = first + 1 < len(tokens) and any(c in tokens[first + 1].glue for c in " \t")
    if not apart:
        return False
    return "$" not in head.glue if first == 0 else tokens[first - 1].text not in _SIGNED


def _refuse_what_stands_before(tokens: list[Token], first: int, line: str) -> None:
    """Raise when the expression is the end of a longer one, which is not all numbers."""
    if first == 0:
        return
    before, head = tokens[first - 1], tokens[first]
    spaced = any(c in head.glue for c in " \t$")
    behind_number = first > 1 and tokens[first - 2].kind in ("number", "close")
    if before.kind in _OPERATORS:
        clear = first == 1 or _closes_emphasis(tokens, first)
    elif before.kind in ("number", "root", "frac"):
        clear = False
    elif before.kind == "close":
        line = line.rstrip(" \t$")
        aside = _ASIDE.search(line) and head.kind != "open"
        clear = spaced and (_LABEL.fullmatch(line) is not None or bool(aside))
    elif before.text.isalpha():
        alone = first < 2 or before.glue != "" or not tokens[first - 2].text.isalpha()
        clear = spaced and not (alone and (head.kind in ("minus", "open") or before.text not in "aA"))
    else:
        clear = bool(
            before.text in _RELATIONS
            or (before.text in _MARKS and (spaced or not behind_number))
            or (before.text in _STOPS and spaced)
            or _COMMANDS.match(before.text)
            or (spaced and first == 1 and not _WORD.match(before.text) and category(before.text) != "Sm")  # of a list
        )
    if not clear:
        raise NoResultError("not only numbers" if _is_word(tokens, first) else "unclear")


def _closes_emphasis(tokens: list[Token], first: int) -> bool:
    """Whether the sign before this is of asterisks around words: "**Sum:** 3 + 4"."""
    before = tokens[first - 1]
    return before.text in ("*", "**") and before.glue == "" and tokens[first - 2].text in _MARKS | _STOPS


def _is_word(tokens: list[Token], first: int) -> bool:
    """Whether what stands before, less its operator, is a word or a sign of mathematics."""
    before = tokens[first - 1]
    if before.kind in _OPERATORS:
        before = tokens[first - 2]
        return before.kind in ("number", "close") or _WORD.match(before.text) is not None
    return _WORD.match(before.text) is not None and before.kind == "other"
