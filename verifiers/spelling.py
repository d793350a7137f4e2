r"""The many spellings of one answer made the same: \dfrac and \frac, \left( and (, 10{,}000 and 10,000.

Also the answers that are words ("Evelyn", "(C)", "yes"), which algebra would read as products of letters.
"""

import re

_SIGNS = str.maketrans(
    {"−": "-", "–": "-", "×": r"\times ", "·": r"\cdot ", "π": r"\pi ", "∞": r"\infty ", "°": r"^\circ ", "≤": r"\le "}
    | {"≥": r"\ge ", "√": r"\sqrt ", "\uff05": "%", "\u2061": None, "≠": r"\ne ", "±": r"\pm ", "≈": r"\approx "}
    | {"∪": r"\cup ", "∩": r"\cap ", "∅": r"\emptyset ", "∈": r"\in ", "…": "..."}
    | {code: None for code in [*range(32), 127]}  # control characters; white space is settled before
)
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n")
_POWER = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ]+")
_PARTS = {"½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5), "⅗": (3, 5)}
_PARTS |= {"⅘": (4, 5), "⅙": (1, 6), "⅚": (5, 6), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8), "⅞": (7, 8)}
_PARTS_OF = str.maketrans({sign: rf"\frac{{{above}}}{{{below}}}" for sign, (above, below) in _PARTS.items()})
_ROOT = re.compile(r"√ ?(?:(\d+(?:\.\d+)?)|\(([^()]*)\))")  # "√12" is no root of 1
_SPELLINGS = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        (r"(?<!\\)\\[()\[\]]|\$\$", ""),
        (r"\\[dtc]frac(?![A-Za-z])", r"\\frac"),
        (r"\\langle(?![A-Za-z]) ?", "("),
        (r" ?\\rangle(?![A-Za-z])", ")"),
        (r"\\(?:bf|rm|it)(?![A-Za-z]) ?", ""),
        (r"\\(?:left|right|[bB]igg?[lr]?)(?![A-Za-z])\.?|\\(?:displaystyle|textstyle)(?![A-Za-z])", ""),
        (r"\\(?:math(?:rm|bf|it|sf)|text(?:bf|it|rm|normal)|mbox|hbox)(?= ?\{)", r"\\text"),
        (r"(?<!\\)\\! ?", ""),
        (r"(?<!\\)\\[,;: ]|\\q?quad(?![A-Za-z])|~", " "),
        (r"\{,\} ?", ","),
        (r"(?<!\\)\\([$%])", r"\1"),
        (r"\\varnothing(?![A-Za-z])", r"\\emptyset"),
        (r"\^ ?\{ ?\\circ ?\}|\\degree(?![A-Za-z])", r"^\\circ"),
        (r"\\text ?\{ ?percent ?\}", "%"),
        (r"\\text ?\{ ?(-?\d[\d,]*(?:\.\d+)?) ?\}", r"\1"),
        (r"\\[lc]?dots(?![A-Za-z])", "..."),
        (r" +", " "),
    )
)
_TEXT = re.compile(r"\\text ?\{([^{}]*)\}")
_LONE = re.compile(r"(_|\^|\\sqrt) ?\{(\w)\}")
_GAP = re.compile(r"(?<![A-Za-z0-9]) | (?![A-Za-z0-9])")
_CHOICE = re.compile(r"(?:\(([A-Z])\)|([A-Z])(?=[.:) ]|$))")
_SPOKEN = re.compile(r"[A-Za-z][A-Za-z' .,-]*(?: ?\d{1,4})?(?:, ?\d{4})?")
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_LONG = re.compile(r"[A-Za-z]{4}")
_SMALL = {"yes", "no", "odd"}
_NAMED = re.compile(r"([A-Za-z](?:_\{?\w{1,3}\}?)?(?:\([a-z]\))?) ?(?:=|\\in(?= ?[(\[\\])) ?(?=[^ =])")
_SIGN = re.compile(r"(?:=|\\approx(?![A-Za-z])) ?(?=[^ =])")  # before an answer whose left side was left out


def tidy(text: str) -> str:
    """One line, one spelling: white space, signs, spacing commands and delimiters settled."""
    text = _POWER.sub(_raised, " ".join(text.split()))
    text = _ROOT.sub(lambda m: rf"\sqrt{{{m[1] or m[2]}}}", text).translate(_PARTS_OF).translate(_SIGNS)
    for pattern, new in _SPELLINGS:
        text = pattern.sub(new, text)
    if text.count("$") > 1:  # delimiters; a single one is money
        text = text.replace("$", "")
    text = text.lstrip(" ,;:*`").rstrip(" ,;:*`")
    return text if text.endswith("...") else text.rstrip(" .,;:*`")


def _raised(match: re.Match[str]) -> str:
    power = match[0].translate(_RAISED)
    return f"^{power}" if len(power) == 1 else f"^{{{power}}}"


def key(text: str) -> str:
    """A tidied answer for comparison by its characters: without text commands, needless spaces and braces."""
    text = _TEXT.sub(r" \1 ", text)
    text = _LONE.sub(r"\1\2", text)
    return _GAP.sub("", text.strip(" $"))


def unnamed(text: str) -> tuple[str, str]:
    """What stands after "x =" in a tidied answer, and the name; where there is none the whole answer and ""."""
    if sign := _SIGN.match(text):
        text = text[sign.end() :]
    match = _NAMED.match(text)
    if match is None or "=" in (rest := text[match.end() :]):
        return text, ""
    return rest, match[1]


def letter(text: str) -> str:
    """The choice that an answer names: "C" for "(C)", "C.", "(C) 24"; "" when it names none."""
    match = _CHOICE.match(" ".join(_TEXT.sub(r"\1", text).split()))
    return (match[1] or match[2]) if match else ""


def words(reference: str, answer: str) -> bool | None:
    """Whether two answers in words say the same; None when the reference is no word but mathematics."""
    if re.fullmatch(r"\\text ?\{ ?\(?[A-Z]\)? ?\}|\([A-Z]\)", reference) and letter(answer):
        return letter(reference) == letter(answer)
    quoted = _TEXT.fullmatch(reference)
    said = (quoted[1] if quoted else reference).strip()
    if not _SPOKEN.fullmatch(said) or not (quoted or _LONG.search(said) or said.lower() in _SMALL):
        return None
    return _spoken(reference) == _spoken(answer)


def _spoken(text: str) -> str:
    text = _ORDINAL.sub("", _TEXT.sub(r" \1 ", text).casefold().replace("-", " "))
    return " ".join(text.split()).strip(" .,()\"'")


def thousands(text: str) -> str:
    """A tidied answer without the commas of its thousands."""
    return _THOUSANDS.sub("", text)
