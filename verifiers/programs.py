"""Finding the program, or the value, in what a model wrote: in a fenced block, in prose, or as it stands.

Nothing is parsed here, only matched, in time linear in the text: whatever it is, it runs in the event loop.
"""

import re
import textwrap
from typing import NamedTuple

from relay.verifiers.answer import boxed, said_line

TAIL = 200_000  # characters looked at: the answer is at the end
PYTHON = ("", "python", "py", "python3", "py3", "ipython", "pycon")

_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})[ \t]*([\w+#.-]*)")
_CODE = re.compile(r"(?:def|class|async def|import|from|@)\b|@|[A-Z_]{2,}\s*=")
_MORE = re.compile(
    r"(?:def|class|async|import|from|if|elif|else|for|while|try|except|finally|with|return|match)\b|[@#)\]}]|"
    r"[A-Za-z_][\w.]*\s*(?:=|\(|\[|:|\+=)|\"\"\"|'''"
)
_STATED = re.compile(r"(?:=|\bis|\bare|\breturns?|\bgives?|\bgets?|->|→|:)\s+(?=\S)")
_LITERAL = re.compile(r"[\[({'\"\d-]|True|False|None|[A-Za-z_]\w*\(")
_LONGEST, _PIECES, _MOST = 2000, 2000, 50  # characters of a line, pieces and values that are looked at
_TAGGED = re.compile(r"\[ANSWER\](.*?)(?:\[/ANSWER\]|\Z)", re.DOTALL)
_INLINE = re.compile(r"(?<!`)(`{1,2})(?!`)([^`\n]{1,2000})\1(?!`)")


class Block(NamedTuple):
    """A fenced block."""

    language: str
    code: str


def blocks(text: str) -> list[Block]:
    """The fenced blocks, those of other languages left out; the last may lack its end."""
    found, opened, language, lines = list[Block](), "", "", list[str]()
    for line in [*text.splitlines(keepends=True), ""]:
        fence = _FENCE.match(line)
        if opened and (not line or (fence and fence[1].startswith(opened) and not line[fence.end(1) :].strip())):
            found.append(Block(language, textwrap.dedent("".join(lines))))
            opened = ""
        elif opened:
            lines.append(line)
        elif fence:
            opened, language, lines = fence[1], fence[2].lower(), []
    return [block for block in found if block.language in PYTHON and block.code.strip()]


def defines(code: str, name: str) -> bool:
    """Whether this code seems to define the name, at its outermost level."""
    return re.search(_definition(name), code, re.MULTILINE) is not None


def _definition(name: str) -> str:
    named = re.escape(name)
    return rf"^(?:async[ \t]+)?def[ \t]+{named}[ \t]*[(\[]|^class[ \t]+{named}\b|^{named}[ \t]*(?::[^=\n]+)?=(?!=)"


def head_of(prompt: str, name: str) -> str:
    """What a prompt holds before the function that it asks for: imports and helpers. Empty where it is no code."""
    start = re.search(_definition(name), prompt, re.MULTILINE)
    return prompt[: start.start()] if start else ""


def program_of(text: str, name: str, prompt: str = "") -> str:
    """The program that defines the name: the last block that does, else bare code, else a body for the prompt's head.

    Empty when there is none.
    """
    text = text[-TAIL:]
    there = blocks(text)
    for block in reversed(there):
        if defines(block.code, name):
            return block.code
    if not there and defines(text, name):
        return _bare(text, name)
    if not defines(prompt, name):
        return ""
    bodies = [block.code for block in there] or [text]
    for body in reversed(bodies):
        if re.search(r"^[ \t]*(?:return|yield)\b", body, re.MULTILINE) and (lines := _body(body, fenced=bool(there))):
            return f"{prompt.rstrip()}\n{lines}"
    return ""


def _bare(text: str, name: str) -> str:
    """The lines of code among lines of prose, from the first that looks like code to the end of the function."""
    lines = text.splitlines()
    defined = next(i for i, line in enumerate(lines) if re.match(_definition(name), line))
    start = defined
    while start and (not lines[start - 1].strip() or lines[start - 1][0] in " \t" or _CODE.match(lines[start - 1])):
        start -= 1
    end = defined + 1
    while end < len(lines) and (not lines[end].strip() or lines[end][0] in " \t" or _MORE.match(lines[end])):
        end += 1
    return "\n".join(lines[start:end]).strip("\n") + "\n"


def _body(text: str, *, fenced: bool) -> str:
    """The lines of a function's body; indented, where a block gives them without. Prose around them is left out."""
    lines = text.splitlines()
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    if fenced and lines[first : first + 1] and lines[first][:1] not in (" ", "\t"):
        return textwrap.indent(text, "    ")
    indented = next((i for i, line in enumerate(lines) if line[:1] in (" ", "\t") and line.strip()), None)
    if indented is None:
        return ""
    end = indented
    while end < len(lines) and (not lines[end].strip() or lines[end][0] in " \t"):
        end += 1
    return "\n".join(lines[indented:end]) + "\n"


def value_of(text: str) -> str:
    """The value that an answer states: tagged, in the last block, boxed, after "the answer is", or on the last line."""
    text = text[-TAIL:]
    tagged = [match[1] for match in _TAGGED.finditer(text)]
    if tagged:
        return _plain(tagged[-1])
    if there := blocks(text):
        return _plain(there[-1].code)
    return _plain(boxed(text) or _inline(said_line(text)) or _inline(_last_line(text)))


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


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")


def _inline(line: str) -> str:
    """The last piece in backquotes, or the line itself."""
    pieces = [match[2] for match in _INLINE.finditer(line)]
    return pieces[-1] if pieces else line


def _plain(text: str) -> str:
    text = text.strip()
    if there := blocks(text):
        text = there[-1].code.strip()
    text = re.sub(r"^(?:Answer|Output|Input|Result)s?\s*:\s*", "", text, flags=re.IGNORECASE)
    text = text.strip().strip("`").strip()
    return text[:-1].rstrip() if text.endswith(".") and not text.endswith("..") else text
