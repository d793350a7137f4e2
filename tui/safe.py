"""Model text is hostile: its control characters are shown, never obeyed."""

import re

_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffc\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)


def _show(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)  # the pictures of control characters
    if code == 0x7F:
        return "\u2421"
    return f"<U+{code:04X}>"


def visible(text: str) -> str:
    """The text with every control, direction and invisible character as a visible sign; tab and newline stay."""
    return _CONTROL.sub(_show, text)


def escaped(text: str) -> str:
    """The same with YAML's escapes, for YAML whose odd characters all stand within double quotes."""
    return _CONTROL.sub(lambda found: f"\\U{ord(found[0]):08x}", text)


def one_line(text: str, width: int = 60) -> str:
    """The text on one line, shortened in the middle of nothing: its beginning and an ellipsis."""
    line = visible(" ".join(text.split()))
    return line if len(line) <= width else line[: width - 1] + "…"
