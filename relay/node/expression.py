"""The signs of an expression, in plain text or LaTeX, and the tree that they spell by the usual precedence."""

import re
from fractions import Fraction
from typing import NamedTuple, TypeAlias

DEEPEST = 40  # brackets within brackets


class NoResultError(Exception):
    """There is nothing to write, and why in a few words."""


class Op(NamedTuple):
    """An operation and what it is done to. "root" has what stands below it, then which root it is."""

    sign: str  # "+", "-", "*", "/", "^", "neg" or "root"
    parts: tuple["Tree", ...]


Tree: TypeAlias = Fraction | Op


class Token(NamedTuple):
    """A sign of the expression, and where it stands."""

    kind: str
    text: str
    start: int
    end: int
    glue: str  # what stood between it and the one before: spaces, "$", "\left"


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


def tokens_of(line: str) -> list[Token]:
    """The signs of a line, in order."""
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


def read(tokens: list[Token], first: int) -> Tree | None:
    """All of the tokens from this one on as one expression; None when they are none."""
    reader = _Reader(tokens, first)
    try:
        tree = reader.sum()
    except SyntaxError:
        return None
    return tree if reader.at == len(tokens) else None


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
                if token.text[0] == "0" and token.text[1:2].isdigit():  # part of a date, binary digits
                    raise NoResultError("unclear")
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
