r"""Finding the arithmetic that stands before an open "=", in plain text or LaTeX, and reading it into a tree.

It is the longest expression that ends there. What cannot be told apart from something else ("x - 3 + 4", "2 1/2",
"1,5 + 2") is left alone: a wrong result in a chain of thought does more harm than none.
"""

import re
from fractions import Fraction
from typing import NamedTuple, TypeAlias

LONGEST = 400  # characters of an expression
DEEPEST = 40  # brackets within brackets


class NoResultError(Exception):
    """There is nothing to write, and why in a few words."""


class Op(NamedTuple):
    """An operation and what it is done to. "root" has what stands below it, then which root it is."""

    sign: str  # "+", "-", "*", "/", "^", "neg" or "root"
    parts: tuple["Tree", ...]


Tree: TypeAlias = Fraction | Op


class Found(NamedTuple):
    """An expression before an open "="."""

    text: str  # as it is written
    tree: Tree
    lead: str  # the space that belongs before the result


class Token(NamedTuple):
    """A sign of the expression, and where it stands."""

    kind: str
    text: str
    start: int
    end: int
    glue: str  # what stood between it and the one before: spaces, "$", "\left"


_OPEN = re.compile(r"(?<![<>!=:+*/^~-])(?P<gap>[ \t]*)(?:&[ \t]*)?=(?P<after>[ \t]*)\Z")
_SKIP = r"[ \t]+|\\?\$|\\[,;:! ]|~|\\(?:displaystyle|left|right|[bB]igg?[lr]?)(?![A-Za-z])"
_TOKEN = re.compile(
    rf"(?P<skip>{_SKIP})"
    r"|(?P<number>(?:\d{1,3}(?:(?:,|\{,\})\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<!\d)\.\d+)"
    r"|(?P<root>\\sqrt(?![A-Za-z])|√|(?<![A-Za-z])sqrt(?=\())"
    r"|(?P<frac>\\[dtc]?frac(?![A-Za-z]))"
    r"|(?P<power>\^|\*\*)"
    r"|(?P<times>\\(?:times|cdot)(?![A-Za-z])|[*×·⋅∙]|(?<=[\d)\]] )[xX](?= [\d(]))"
    r"|(?P<over>\\div(?![A-Za-z])|[/÷])"
    r"|(?P<plus>\+)"
    r"|(?P<minus>[-−–])"
    r"|(?P<open>[(\[{]|\\\{)"
    r"|(?P<close>[)\]}]|\\\})"
    r"|(?P<other>\\[A-Za-z]+|\\.|.)",
    re.DOTALL,
)
_PAIRS = {"(": ")", "[": "]", "{": "}", "\\{": "\\}"}
_OPERATORS = {"power", "times", "over", "plus", "minus"}
_BEFORE = {*"=:,;([{\"'|<>~≈≡→⇒*&`“”‘’—", r"\(", r"\[", r"\{", r"\\"}  # an expression may follow these at once
_RELATIONS = {
    rf"\{name}"
    for name in [
        "quad",
        "qquad",
        "implies",
        "Rightarrow",
        "rightarrow",
        "to",
        "approx",
        "equiv",
        "sim",
        "le",
        "leq",
        "ge",
        "geq",
        "lt",
        "gt",
        "iff",
        "therefore",
    ]
}
_SAID = re.compile(  # words that work on the number behind them
    r"(?:(?<![A-Za-z])(?:sin|cos|tan|log|ln|exp|sqrt|mod|modulo|gcd|lcm|abs|max|min|choose|minus|plus|times|over"
    r"|divided by|negative|less|twice|double|triple"
    r"|(?:root|power|square|cube|average|mean|percent|half|third|quarter|remainder) of)|% of)[\s$]*\Z",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]|[%!°²³\\_]")


def find(text: str) -> Found:
    """The expression before the "=" that this text ends with. Raises NoResultError."""
    sign = _OPEN.search(text, max(0, len(text) - LONGEST))
    if sign is None:
        raise NoResultError("no open =")
    lead = " " if sign["gap"] and not sign["after"] else ""
    line_start = text.rfind("\n", 0, sign.start()) + 1
    start = max(line_start, sign.start() - LONGEST)
    tokens = _tokens(text[start : sign.start()])
    run = next((i + 1 for i in range(len(tokens) - 1, -1, -1) if tokens[i].kind == "other"), 0)
    if tokens and start > line_start and run == 0:
        raise NoResultError("too long")
    for first in range(run, len(tokens)):
        if (tree := _read(tokens, first)) is not None:
            _refuse_what_stands_before(tokens, first)
            if _SAID.search(text[start : start + tokens[first].start]):
                raise NoResultError("not only numbers")
            written = text[start + tokens[first].start : start + tokens[-1].end]
            if isinstance(tree, Fraction):
                raise NoResultError("nothing to compute")
            return Found(written, tree, lead)
    raise NoResultError("no arithmetic before =")


def _tokens(line: str) -> list[Token]:
    found: list[Token] = []
    glue = ""
    for match in _TOKEN.finditer(line):
        kind = str(match.lastgroup)
        if kind == "skip":
            glue += match[0]
        else:
            found.append(Token(kind, match[0], match.start(), match.end(), glue))
            glue = ""
    return found


def _read(tokens: list[Token], first: int) -> Tree | None:
    """All of the tokens from this one on as one expression; None when they are none."""
    head = tokens[first]
    if head.kind in ("close", "times", "over", "plus", "power"):
        return None
    if head.kind == "minus":
        spaced = first + 1 < len(tokens) and tokens[first + 1].glue != ""
        if spaced and (first == 0 or tokens[first - 1].text != "="):
            return None  # a dash, or the mark of a list
    reader = _Reader(tokens, first)
    try:
        tree = reader.sum()
    except SyntaxError:
        return None
    return tree if reader.at == len(tokens) else None


def _refuse_what_stands_before(tokens: list[Token], first: int) -> None:
    """Raise when the expression is the end of a longer one, which is not all numbers."""
    if first == 0:
        return
    before, head = tokens[first - 1], tokens[first]
    if before.kind in _OPERATORS:
        if first > 1 and (tokens[first - 2].kind in ("number", "close") or _WORD.match(tokens[first - 2].text)):
            raise NoResultError("not only numbers")
        return  # the mark of a list, or asterisks around words
    if before.kind in ("number", "root", "frac"):
        raise NoResultError("unclear")
    spaced = any(c in head.glue for c in " \t$")
    if before.kind == "close":
        clear = spaced and before.text == ")"
    elif before.text.startswith("\\") and before.text[1:].isalpha():
        clear = before.text in _RELATIONS
    elif not spaced:
        clear = before.text in _BEFORE and not (
            before.text in ",:" and first > 1 and tokens[first - 2].kind == "number"
        )
    else:
        alone = before.text.isalpha() and (first < 2 or before.glue != "" or not tokens[first - 2].text.isalpha())
        clear = before.text not in ("%", "!", "_") and not (alone and head.kind in ("minus", "open"))
    if not clear:
        raise NoResultError("not only numbers" if _WORD.match(before.text) else "unclear")


class _Reader:
    """Reads tokens by the usual rules of precedence. Raises SyntaxError where they do not fit."""

    def __init__(self, tokens: list[Token], at: int) -> None:
        self._tokens = tokens
        self._depth = 0
        self.at = at

    def sum(self) -> Tree:
        """Terms with + and - between them."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise NoResultError("nested too deep")
        tree = self._product()
        while (kind := self._kind()) in ("plus", "minus"):
            self.at += 1
            tree = Op("+" if kind == "plus" else "-", (tree, self._product()))
        self._depth -= 1
        return tree

    def _kind(self) -> str:
        return self._tokens[self.at].kind if self.at < len(self._tokens) else ""

    def _next(self, *kinds: str) -> Token:
        if self._kind() not in kinds:
            raise SyntaxError
        self.at += 1
        return self._tokens[self.at - 1]

    def _product(self) -> Tree:
        tree, divided = self._signed(), False
        while True:
            kind = self._kind()
            if kind in ("times", "over"):
                self.at += 1
                divided = kind == "over"
                tree = Op("/" if divided else "*", (tree, self._signed()))
            elif kind in ("open", "root") and not divided and self._touches():
                tree = Op("*", (tree, self._power()))
            else:
                return tree

    def _touches(self) -> bool:
        """Whether this bracket or root follows at once, so that it is multiplied."""
        token = self._tokens[self.at]
        return token.text != "{" and (token.glue == "" or "\\left" in token.glue or token.text == "\\sqrt")

    def _signed(self) -> Tree:
        negative = False
        while self._kind() == "minus":
            self.at += 1
            negative = not negative
        tree = self._power()
        return Op("neg", (tree,)) if negative else tree

    def _power(self) -> Tree:
        powers = [self._atom()]
        signs = [False]
        while self._kind() == "power":
            self.at += 1
            signs.append(self._kind() == "minus")
            self.at += signs[-1]
            powers.append(self._atom())
        tree = Op("neg", (powers[-1],)) if signs[-1] else powers[-1]
        for base, negative in zip(powers[-2::-1], signs[-2::-1], strict=True):  # 2^3^2 is 2^(3^2)
            tree = Op("^", (base, tree))
            tree = Op("neg", (tree,)) if negative else tree
        return tree

    def _atom(self) -> Tree:
        token = self._next("number", "open", "frac", "root")
        match token.kind:
            case "number":
                return Fraction(token.text.replace("{,}", "").replace(",", ""))
            case "open":
                return self._closed(token)
            case "frac":
                return Op("/", (self._braced(), self._braced()))
        which: Tree = Fraction(2)
        if token.text == "\\sqrt" and self._kind() == "open" and self._tokens[self.at].text == "[":
            which = self._closed(self._next("open"))
        if token.text == "√" and self._kind() == "number":
            return Op("root", (self._atom(), which))
        return Op("root", (self._closed(self._next("open")), which))

    def _closed(self, opened: Token) -> Tree:
        tree = self.sum()
        if self._next("close").text != _PAIRS[opened.text]:
            raise SyntaxError
        return tree

    def _braced(self) -> Tree:
        opened = self._next("open")
        if opened.text != "{":
            raise SyntaxError
        return self._closed(opened)
