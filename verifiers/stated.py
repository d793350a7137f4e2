"""Finding the value in what a model wrote: tagged, in a block, in a box, as the answer, or behind "returns".

Nothing is parsed here, only matched, in time linear in the text: whatever it is, it runs in the event loop.
"""

import re

from relay.verifiers.answer import boxed, said_line
from relay.verifiers.fences import VALUES, Block, blocks

TAIL = 200_000  # characters looked at: the answer is at the end

_STATED = re.compile(r"(?:=|\bis|\bare|\breturns?|\bgives?|\bgets?|->|→|:)\s+(?=\S)")
_SAYS = re.compile(
    r"(?:\b(?:outputs?|results?|values?|arguments?|inputs?|call)\b(?: of [^:=\n]{1,80})?\**\s*(?:is|are|would be|:|=)"
    r"|\b(?:returns?|gives?|yields?|outputs?|evaluates to|produces|becomes)\b:?|->|→|=>|⇒)[\s*]*(?=\S)",
    re.IGNORECASE,
)
_LITERAL = re.compile(r"[\[({'\"\d-]|True\b|False\b|None\b|[A-Za-z_]\w*\(")
_WORDS = re.compile(  # behind a value
    r"\s*+[.,;:!]?+\s*+$|[.;,]?\s++(?!(?:and|or|in|is|not|if|for)\b)[A-Za-z(]|\s*+[.;]\s"
)
_LONGEST, _PIECES, _MOST, _LINES = 2000, 2000, 50, 40  # characters, pieces, values and lines that are looked at
_TAGGED = re.compile(r"\[ANSWER\](.*?)(?:\[/ANSWER\]|\Z)", re.DOTALL)
_INLINE = re.compile(r"(?<!`)(`{1,2})(?!`)([^`\n]{1,2000})\1(?!`)")
_SEVERAL = re.compile(r"`[\s,]*(?:or|/)\s+`")  # it does not say which
_LABEL = re.compile(
    r"^(?:[-*#>]+\s+)?\**(?:(?:final )?answer|output|input|result|value|argument)s?\**\s*:\**\s*", re.IGNORECASE
)
_MARKS = ("`", "*", "$")
_TEXT = re.compile(r"\\(?:text|texttt|mathtt|mathrm|textrm|verb)\{(.*)\}", re.DOTALL)
_BEHIND = re.compile(r"=|->|→|=>|⇒|#|[.:](?:\s|$)|,$")  # a call
_COMMENT = re.compile(r"#\s*(?:[A-Za-z][A-Za-z ]{0,30}[:=]?\s|[=-]>|→|==)?\s*(?=\S)")


def value_of(text: str, entry: str = "f", *, asks: str = "output") -> str:
    """What an answer states: the value of a call of the function or, where the input is asked for, its arguments."""
    text = text[-TAIL:]
    tagged = [match[1] for match in _TAGGED.finditer(text)]
    if tagged:
        return _plain(tagged[-1], entry, asks)
    there = blocks(text, VALUES)
    after = text[there[-1].end :] if there else text
    if box := boxed(after):
        inner = _TEXT.fullmatch(box.strip())
        return _plain(inner[1] if inner else box, entry, asks)
    if said := said_line(after):
        return _of_line(said, entry, asks) or _plain(said, entry, asks)
    if not there:
        return _spoken(text, entry, asks)
    labelled = (_called(_bare(line), entry, asks) or _labelled(line, asks) for line in _last_lines(after))
    return next(filter(None, labelled), "") or _of_block(there[-1], entry, asks)


def _labelled(line: str, asks: str) -> str:
    """What stands behind "Output:" at a line's start."""
    label = _LABEL.match(line[:_LONGEST])
    said = _bare(line[label.end() :]) if label else ""
    return _alone(said) if asks == "output" else said


def _spoken(text: str, entry: str, asks: str) -> str:
    """The last line that states something; else the last line."""
    lines = _last_lines(text)
    found = (_of_line(line, entry, asks) for line in lines)
    return next(filter(None, found), "") or _plain(lines[0] if lines else "", entry, asks)


def _last_lines(text: str) -> list[str]:
    """The last lines with something in them, the last first."""
    return [line for line in text.splitlines() if line.strip()][: -_LINES - 1 : -1]


def _of_line(line: str, entry: str, asks: str) -> str:
    """What this line states; empty where it is only words."""
    line = _LABEL.sub("", line[-_LONGEST:].strip())
    if _SEVERAL.search(line):
        return line
    if found := _called(_bare(line), entry, asks):
        return found
    pieces = [match[2].strip() for match in _INLINE.finditer(line)]
    if asks == "input" and pieces and all(re.match(r"[A-Za-z_]\w*\s*=(?!=)", piece) for piece in pieces):
        return ", ".join(pieces)
    stated = [_behind(line[match.end() :], asks) for match in _SAYS.finditer(line)]
    stated = [*(piece for piece in pieces if _LITERAL.match(piece)), *filter(None, stated)]
    if stated:
        return _plain(stated[-1], entry, asks)
    return _alone(_bare(line)) if asks == "output" else ""


def _behind(rest: str, asks: str) -> str:
    """What stands behind "returns": a piece of code, or a literal."""
    piece = _INLINE.match(rest)
    if piece is not None:
        return piece[2]
    return _alone(_bare(rest)) if asks == "output" else ""


def _alone(text: str) -> str:
    """A literal at the start of a text, when nothing or words stand behind it; no part of an expression."""
    value = first_value(text) if not re.match(r"[A-Za-z_]\w*\(", text) else ""
    return value if value and _WORDS.match(text[len(value) :]) else ""


def _called(text: str, entry: str, asks: str) -> str:
    """From `f(2) == 3`, `f(2) -> 3`, `f(2) returns 3` and `f(2)  # 3`: what is asked for of it."""
    text = re.sub(r"^(?:assert|print)\b[ \t(]*", "", text)
    if not text.startswith(f"{entry}("):
        return ""
    call = first_value(text)
    rest = text[len(call) :].lstrip("`) ") if call else ""
    if asks == "input":
        alone = (
            not rest or _BEHIND.match(rest) or _SAYS.match(rest) or (rest[0] not in ";," and _WORDS.match(f" {rest}"))
        )
        return call if alone and f"{entry}(" not in rest else ""
    match = re.match(r"(?:===?|=|==)\s*(?=\S)", rest) or _SAYS.match(rest) or _COMMENT.match(rest)
    if not match:
        return ""
    said = _bare(rest[match.end() :])
    return first_value(said) if _alone(said) else said


def _of_block(block: Block, entry: str, asks: str) -> str:
    code = block.replied if asks == "output" else block.code
    last = next((line for line in reversed(code.splitlines()) if line.strip()), "").strip()
    if asks == "output" and (found := _called(last, entry, asks)):
        return found
    return _clean(code, entry, asks)


def _bare(text: str) -> str:
    """Without what marks it as strong, as code or as mathematics."""
    text = text.strip()
    if text[-2:-1] in _MARKS and text[-1:] in (".", "!"):
        text = text[:-1]
    return text.strip("`*$").strip()


def _plain(text: str, entry: str, asks: str) -> str:
    text = text.strip()
    if there := blocks(text, VALUES):
        return _of_block(there[-1], entry, asks)
    return _clean(text, entry, asks)


def _clean(text: str, entry: str, asks: str) -> str:
    text = _bare(_LABEL.sub("", text))
    if "\n" not in text:
        pieces = [match[2] for match in _INLINE.finditer(text)]
        text = pieces[-1].strip() if pieces and not _SEVERAL.search(text) else text
        if found := _called(text, entry, asks):
            return found
        if asks == "output" and (value := _alone(text)):
            return value
    return text[:-1].rstrip() if text.endswith(".") and not text.endswith("..") else text


def values_in(text: str) -> list[str]:
    """The last values that a text states, in order, each once: in backquotes, at lines' starts, behind `=` or "is"."""
    whole = [match[2].strip() for match in _INLINE.finditer(text) if _LITERAL.match(match[2].strip())]
    found = list[str]()
    for line in text.splitlines():
        found += [line[match.end() :] for match in _STATED.finditer(line[:_LONGEST])]
        found.append(line.strip()[:_LONGEST])
    values = (first_value(each.strip().strip("`")) for each in found[-_PIECES:])
    return list(dict.fromkeys((*whole[-_MOST:], *filter(None, values))))[-_MOST:]


def first_value(text: str) -> str:
    """The literal or the call at the start of a text, up to where its brackets and quotes are closed; or nothing."""
    if not _LITERAL.match(text):
        return ""
    opened, quote, at = 0, "", 0
    for at, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote and text[at - 1] != "\\" else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([{":
            opened += 1
        elif letter in ")]}":
            opened -= 1
            if opened <= 0:
                return text[: at + 1] if opened == 0 else text[:at]
        elif not opened and (letter.isspace() or letter in ",;"):
            return text[:at].rstrip(".")
    return text[: at + 1].rstrip(".") if not opened and not quote else ""
