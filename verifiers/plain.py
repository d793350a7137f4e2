"""Plain numbers, read as fractions: integers, decimals, fractions, percent, money, units. Exact, and at once."""

import re
from fractions import Fraction
from typing import NamedTuple

LONGEST = 200  # characters of a plain number: no int of a million digits is ever made
_EXPONENT = 300  # and no power of ten beyond this

_WHOLE = r"(?:\d{1,3}(?:[, ]\d{3})+(?!\d)|\d+)"
_DECIMAL = rf"(?:{_WHOLE}(?:\.\d+)?|\.\d+)"
_TENS = r" ?(?:[eE]|(?:\\times|\\cdot|\*|x) ?10 ?\^ ?)\{?(?P<tens>[-+]?\d{1,9})\}?"
_NUMBER = re.compile(
    r"(?P<sign>[-+]?) ?(?P<money>[$€£¥]?) ?(?P<sign2>-?)(?:"
    rf"(?:(?P<mixed>\d+) ?)?\\frac ?(?:\{{ ?(?P<above>-?{_DECIMAL}) ?\}}|(?P<above1>\d)) ?"
    rf"(?:\{{ ?(?P<below>-?{_DECIMAL}) ?\}}|(?P<below1>\d))"
    rf"|(?:(?P<mixed2>\d+) )?(?P<over>{_DECIMAL}) ?/ ?(?P<under>{_DECIMAL})"
    r"|(?P<lead>\d*)\.(?P<still>\d*)\\overline ?\{(?P<cycle>\d+)\}"
    r"|(?P<digits>\d+) ?_ ?\{?(?P<base>\d{1,2})\}?"
    rf"|(?P<decimal>{_DECIMAL})(?:{_TENS})?"
    r")(?P<ordinal>st|nd|rd|th)?(?P<percent> ?(?:%|percent\b|per cent\b|percentage\b))?(?: ?\^\\circ ?(?P<heat>[CF])?)?"
)

_UNIT_TEXT = re.compile(r" ?\\text ?\{([^{}]*)\}(?: ?\^ ?\{?([23])\}?)?$")
_UNIT_WORD = re.compile(r"([A-Za-z][A-Za-z'-]*)\.?(?:\^\{?([23])\}?)?(?:/[A-Za-z]+(?:\^\{?[23]\}?)?)?")
_UNIT_GLUED = re.compile(r"(?<=\d)(mm|cm|km|mg|kg|ml|mL|lbs?|oz|ft|min|hrs?|sec|mph)$")
_BRIEF = {"m", "g", "s", "h", "L", "mm", "cm", "km", "mg", "kg", "ml", "mL", "lb", "oz", "ft", "in", "mi", "am", "pm"}
_BRIEF |= {"hr", "yr", "yd", "sq", "cu"}
_NO_UNITS = {
    "or",
    "and",
    "if",
    "not",
    "minus",
    "plus",
    "times",
    "over",
    "divided",
    "sqrt",
    "pi",
    "factorial",
    "squared",
}
_NO_UNITS |= {"cubed", "choose", "mod", "modulo", "to", "less", "more", "percent", "percentage"}
SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_KINDS = {
    "length": {
        "mm millimeter millimetre": "1/1000", "cm centimeter centimetre": "1/100", "m meter metre": "1",
        "km kilometer kilometre": "1000", "in inch inche": "0.0254", "ft foot feet": "0.3048", "yd yard": "0.9144",
        "mi mile": "1609.344",
    },
    "mass": {
        "mg milligram": "1/1000", "g gram": "1", "kg kilogram": "1000", "oz ounce": "28.349523125",
        "lb pound": "453.59237",
    },
    "time": {
        "s sec second": "1", "min minute": "60", "h hr hour": "3600", "day": "86400", "week": "604800",
        "month": "2629746", "yr year": "31556952",
    },
    "money": {"cent ¢": "1", "$ dollar": "100"},
    "volume": {"ml milliliter millilitre": "1", "l liter litre": "1000"},
}  # fmt: skip
_MEASURES = {  # what is measured, and how many of its unit
    word: (kind, Fraction(factor))
    for kind, units in _KINDS.items()
    for words, factor in units.items()
    for word in words.split()
}
_ANY = {"unit", "units"}
_SIGNED = {"C": "celsius", "F": "fahrenheit", "€": "euros", "£": "pounds", "¥": "yen"}  # units that are one character
_LITTLE = {"of", "the", "per", "in", "degr"}  # stems that two units may share and be different
_POWERS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}


class Number(NamedTuple):
    """A plain number as written."""

    value: Fraction
    places: int = 0  # decimals written; a decimal of six or more may be a rounded one
    percent: bool = False
    base: str = ""  # "5" in 4130_5; the value is then that of its digits read as decimal
    measure: tuple[str, Fraction] | None = None
    unit: str = ""


def read(text: str) -> Number | None:
    """The plain number that this tidied text is, or None when it is anything else."""
    if not text or len(text) > LONGEST:
        return None
    core, words = split_unit(text)
    match = _NUMBER.fullmatch(core)
    if match is None or (value := _value(match)) is None:
        return None
    sign = match["money"] or match["heat"] or ""
    sign = _SIGNED.get(sign, sign)
    unit = words or sign
    scale = next((SCALES[w] for w in unit.split() if w in SCALES), 1)
    unit = " ".join(w for w in unit.split() if w not in SCALES) or sign
    decimals = (match["decimal"] or "").partition(".")[2]
    places = len(decimals) if not match["tens"] and scale == 1 else 0
    named = "" if unit in _ANY else unit
    return Number(value * scale, places, bool(match["percent"]), match["base"] or "", _measure(unit), named)


def _value(match: re.Match[str]) -> Fraction | None:
    part = match.groupdict()
    sign = -1 if (part["sign"] == "-") != (part["sign2"] == "-") else 1
    if part["cycle"]:
        still, cycle = part["still"], part["cycle"]
        repeated = Fraction(int(cycle), (10 ** len(cycle) - 1) * 10 ** len(still))
        return sign * (Fraction(f"{part['lead'] or 0}.{still or 0}") + repeated)
    if part["digits"]:
        return Fraction(sign * int(part["digits"]))
    if part["decimal"]:
        tens = int(part["tens"] or 0)
        return sign * _fraction(part["decimal"]) * Fraction(10) ** tens if abs(tens) <= _EXPONENT else None
    above = _fraction(part["above"] or part["above1"] or part["over"])
    below = _fraction(part["below"] or part["below1"] or part["under"])
    whole = int(part["mixed"] or part["mixed2"] or 0)
    return sign * (whole + above / below) if below else None


def _fraction(text: str) -> Fraction:
    return Fraction(text.replace(",", "").replace(" ", ""))


def split_unit(text: str) -> tuple[str, str]:
    r"""A tidied answer without the unit at its end, and that unit: "5 \text{ cm}", "12\pi square inches"."""
    if match := _UNIT_TEXT.search(text):
        words, core = match[1].split(), text[: match.start()]
        power = match[2]
    elif match := _UNIT_GLUED.search(text):
        return text[: match.start()], match[1]
    else:
        words, core, power = _trailing(text)
    if not words or not re.search(r"(?:[\d})%!]|\\pi|\\circ)$", core) or _NO_UNITS & set(words):
        return text, ""
    return core, " ".join(words) + (f"^{power}" if power else "")


def _trailing(text: str) -> tuple[list[str], str, str]:
    """The words at the end of a text, what stands before them, and the power of the last."""
    parts = text.split(" ")
    first = len(parts)
    while first > 1 and _UNIT_WORD.fullmatch(parts[first - 1]):
        first -= 1
    words = parts[first:]
    if not words or len(words) > 6 or not (len(words[0].partition("^")[0]) > 2 or words[0].partition("^")[0] in _BRIEF):
        return [], text, ""
    return words, " ".join(parts[:first]), ""


def _measure(unit: str) -> tuple[str, Fraction] | None:
    """What a unit measures, and how many of the base unit it is; None for one that is not known ("eggs")."""
    above, per, below = unit.replace(" per ", "/").replace(" an ", "/").partition("/")
    if unit in ("mph", "kmh", "kph"):
        above, per, below = "mile" if unit == "mph" else "km", "/", "h"
    first = _powered(above)
    if not per or first is None:
        return first
    second = _powered(below)
    return (f"{first[0]}/{second[0]}", first[1] / second[1]) if second else None


def _powered(unit: str) -> tuple[str, Fraction] | None:
    """A unit with its power: "cm^2", "square feet"."""
    word, _, raised = unit.strip(" .").lower().partition("^")
    power = int(raised or 1)
    first, _, rest = word.partition(" ")
    if rest and first in _POWERS:
        power, word = _POWERS[first], rest
    found = _MEASURES.get(word) or _MEASURES.get(word.removesuffix("s"))
    return found and (found[0] if power == 1 else f"{found[0]}^{power}", found[1] ** power)


def comparable(reference: Number, answer: Number) -> list[tuple[Fraction, Fraction]] | None:
    """The pairs of values that may be compared: in one unit, as written and as shares of 1; None when none may."""
    if reference.base and answer.base and reference.base != answer.base:
        return None
    a, b = reference.value, answer.value
    ours, theirs = reference.measure, answer.measure
    if ours and theirs and ours != theirs:
        return [(a * ours[1], b * theirs[1])] if ours[0] == theirs[0] else None
    if reference.percent == answer.percent:
        return [(a, b)]
    return [(a, b), (a / 100, b) if reference.percent else (a, b / 100)]  # 50 % is 1/2, and 50 to "how many percent?"


def agree(reference: Number, answer: Number) -> bool:
    """Whether two plain numbers are the same, exactly; a decimal of six places or more may be the rounded other."""
    pairs = comparable(reference, answer)
    if pairs is None:
        return False
    (a, b), *others = pairs
    places = (reference.places, answer.places) if not _converted(reference, answer) else (0,)
    return _close(a, b, *places) or any(a == b for a, b in others)


def _converted(reference: Number, answer: Number) -> bool:
    ours, theirs = reference.measure, answer.measure
    return ours is not None and theirs is not None and ours != theirs


def strange(reference: Number, answer: Number) -> bool:
    """Whether both name a unit, and it cannot be known whether it is one: apples and oranges."""
    ours, theirs = reference.unit, answer.unit
    if not ours or not theirs or (reference.measure and answer.measure):
        return False
    return not _stems(ours) & _stems(theirs)


def off_by_percent(reference: Number, answer: Number) -> bool:
    """Whether they agree only if percent was asked for, and that is in doubt: 0.5 % where the reference is 0.5."""
    return answer.percent and not reference.percent and 0 < abs(reference.value) < 1 and reference.value == answer.value


def other_unit(reference: str, answer: str) -> bool | None:
    """Whether two formulas are of other units: True, they measure other things; None, it cannot be known."""
    ours, theirs = split_unit(reference)[1], split_unit(answer)[1]
    if not ours or not theirs:
        return False
    a, b = _measure(ours), _measure(theirs)
    if a and b:
        return None if a != b and a[0] == b[0] else a != b
    return False if _stems(ours) & _stems(theirs) else None


def measures(word: str) -> bool:
    """Whether this word is a unit, and nothing else that a sentence may say."""
    return word not in {"in", "s", "h", "am", "$"} and _measure(word) is not None


def _stems(unit: str) -> set[str]:
    return {word.lower().rstrip("s")[:4] for word in re.findall(r"[A-Za-z$]+", unit)} - _LITTLE


def _close(a: Fraction, b: Fraction, *places: int) -> bool:
    most = max(places)
    return a == b or (most >= 6 and abs(a - b) <= Fraction(1, 2 * 10**most))
