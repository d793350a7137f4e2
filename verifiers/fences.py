"""The fenced blocks of a text, as models write them: with another's prompts, in prose, and with no end."""

import re
import textwrap
from typing import NamedTuple

PYTHON = ("", "python", "py", "python3", "py3", "ipython", "pycon", "text", "txt", "plaintext", "code")
VALUES = (*PYTHON, "json", "output", "console", "literal")  # what a value may be called

_OPENS = re.compile(r"([ \t]*)(`{3,}(?=[^`]*$)|~{3,})[ \t]*\{?\.?([\w+#-]*)")
_IN_PROSE = re.compile(r"()(`{3,})(python3?|py)[ \t]*$", re.IGNORECASE)  # "Sure: ```python"
_CLOSES = re.compile(r"([ \t]*)(`{3,}|~{3,})(?:[ \t]*$|[<.,;:)!*|]|[ \t]+\S+[ \t]+\S)")  # perhaps with words behind it
_PROMPT = re.compile(r"(?:>>>|\.\.\.)(?: |$)")


class Block(NamedTuple):
    """A fenced block."""

    language: str
    text: str
    end: int  # where it ends in the whole text

    @property
    def code(self) -> str:
        """What it holds; of a session with Python, what was typed."""
        if not self.text.lstrip().startswith(">>> "):
            return self.text
        typed = (line for line in self.text.splitlines() if _PROMPT.match(line))
        return "\n".join(line[4:] for line in typed) + "\n"

    @property
    def replied(self) -> str:
        """What Python replied last in a session; of any other block, what it holds."""
        lines = self.text.rstrip().splitlines()
        prompts = [number for number, line in enumerate(lines) if _PROMPT.match(line)]
        return "\n".join(lines[prompts[-1] + 1 :]) if prompts else self.text


def blocks(text: str, languages: tuple[str, ...] = PYTHON) -> list[Block]:
    """The fenced blocks in one of these languages; the last may lack its end."""
    found, opened, language, indent, at = list[Block](), "", "", 0, 0
    lines = list[str]()
    for line in [*text.splitlines(keepends=True), ""]:
        at += len(line)
        bare = line.rstrip("\r\n")
        if not opened:
            if fence := _OPENS.match(bare) or _IN_PROSE.search(bare[-20:]):
                indent, opened, language, lines = len(fence[1]), fence[2], fence[3].lower(), []
            continue
        fence = _CLOSES.match(bare)
        if not line or (fence and fence[2].startswith(opened) and len(fence[1]) < indent + 4):
            found.append(Block(language, textwrap.dedent("".join(lines)), at))
            opened = ""
        else:
            lines.append(line)
    return [block for block in found if block.language in languages and block.text.strip()]
