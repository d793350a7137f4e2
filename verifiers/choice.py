"""The verifier `choice`: which of a question's options does this answer name, by its letter or by its text?"""

import json
import re
import time
from collections.abc import Mapping, Sequence

from relay.verifiers import Outcome, Question, Verdict, shown
from relay.verifiers.answer import TAIL, boxed, said_line
from relay.verifiers.plain import agree, read
from relay.verifiers.spelling import key, tidy

COLUMNS = ("choices", "options")  # where a problem's row may hold its options
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LONGEST = 500  # characters of an answer that are looked at
_OPTION = re.compile(r"^[ \t*]*\(?([A-Z])(?:[).:]|\*\*)[ \t]*(\S.*)$", re.MULTILINE)
_WORDY = r"(?:(?:option|choice|answer|letter)s?\s+)?"
_LONE = re.compile(_WORDY + r"[(\[]?([A-Za-z])[)\].:!]{0,2}", re.IGNORECASE)
_LED = re.compile(_WORDY + r"(?:[(\[]([A-Za-z])[)\]]|([A-Z])[).:])[\s:.–-]*(.*)", re.DOTALL | re.IGNORECASE)
_SEVERAL = re.compile(r"\b([A-Z])\b[)\].:]?\s*(?:,|;|/|&|\band\b|\bor\b|\bnor\b)\s*(?:option\s+)?[(\[]?\b([A-Z])\b")
_BARE = re.compile(r"[(\[]([A-Z])[)\]]|\b(?:option|choice|answer)\s+(?:is\s+)?[(\[]?([A-Z])\b", re.IGNORECASE)
_CAPITAL = re.compile(r"\b[A-Z]\b")
_LISTED = re.compile(r"(?<![\w(])([A-Z])\)")  # the next one of "B) 42 or A) 24"
_CHOSEN = re.compile(
    r"\b(?i:choose|pick|select|is|be|with|but|so|thus|hence|therefore|ans)[,:]? "
    r"(?:([B-HJ-Z])(?=[\s.,;!]|$)|(A)(?=[.,;!]|$| is\b))"
)
_NOT_THIS = re.compile(r",? ?\b(?:and )?not (?:option )?[(\[]?[A-Z]\b[)\]]?")
_TAKEN_BACK = re.compile(r"\b(?:wait|actually|rather|instead|correction|sorry|mistake)\b", re.IGNORECASE)
_DENIED = re.compile(r"\b(?:not|n't|isn't|never|neither|except|wrong|incorrect|rule[sd]? out)\b", re.IGNORECASE)
_LEADING = re.compile(r"([A-Z])(?=,?\s+(?:because|since|as|is|which)\b|\s*[,;–-]\s)")
_REASON = re.compile(r"\b(?:because|since|as)\b")
_SENTENCES = re.compile(r"(?<=[.!?])\s+")
_WRAPPED = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox) ?\{([^{}]*)\}")
_AROUND = " \t\r\n.*$`\"'"

Finding = tuple[Outcome, str]


class ChoiceVerifier:
    """Grades by the option that is named; of several, or of a letter and another option's text, none is."""

    async def grade(self, question: Question) -> Verdict:
        """The verdict on this answer."""
        if not question.finished:
            return Verdict(Outcome.WRONG, "", "unfinished", 0.0)
        started = time.perf_counter()
        text = question.text[-TAIL:]
        answer = boxed(text) or said_line(text) or _last_line(text)
        outcome, why = compare(question.reference, answer, options_of(question))
        return Verdict(outcome, shown(answer), why, time.perf_counter() - started)

    async def aclose(self) -> None:
        """It holds nothing."""


def options_of(question: Question) -> dict[str, str]:
    """The options by their letters: from the problem's row, or from the lines of its question; empty when unknown."""
    problem = question.problem
    if problem is None:
        return {}
    for column in COLUMNS:
        if found := _listed(problem.extra.get(column)):
            return found
    lines = _OPTION.findall(problem.question)
    wanted = LETTERS[: len(lines)]
    return dict(lines) if len(lines) > 1 and "".join(letter for letter, _ in lines) == wanted else {}


def _listed(value: object) -> dict[str, str]:
    """A list of options, or a map of letters, or {label: [...], text: [...]}; also as JSON."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    if isinstance(value, Mapping) and isinstance(value.get("text"), Sequence):
        return {str(k): str(v) for k, v in zip(value.get("label", LETTERS), value["text"], strict=False)}
    if isinstance(value, Mapping):
        return {str(k): str(v) for k, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return dict(zip(LETTERS, map(str, value), strict=False))
    return {}


def compare(reference: str, answer: str, options: Mapping[str, str]) -> Finding:
    """Whether the answer names the option that the reference names, and why."""
    right, why = named(reference.strip(), options)
    if not reference.strip():
        return Outcome.UNDECIDED, "there is no reference"
    if not right:
        return Outcome.UNDECIDED, f"the reference {why}"
    if not answer.strip():
        return Outcome.WRONG, "no answer found"
    found, why = named(answer, options)
    if not found:
        decided = Outcome.UNDECIDED if why.startswith("gives") else Outcome.WRONG
        return decided, f"the answer {why}"
    return (Outcome.CORRECT, f"names {found}") if found == right else (Outcome.WRONG, f"names {found}, not {right}")


def named(answer: str, options: Mapping[str, str]) -> tuple[str, str]:
    """The letter of the option that an answer names, or "" and why there is none."""
    text = _WRAPPED.sub(r"\1", answer[:_LONGEST]).strip(_AROUND)
    letters = set(options) or set(LETTERS)
    if (whole := _by_text(text, options)) and not _LONE.fullmatch(text):
        return whole, ""
    several = _SEVERAL.search(text)
    if several and several[1] != several[2] and {several[1], several[2]} <= letters:
        return "", "names several options"
    if lone := _LONE.fullmatch(text):
        letter = lone[1].upper()
        return (letter, "") if letter in letters else ("", f"names {letter}, which is no option")
    if led := _LED.fullmatch(text):
        return _agreeing((led[1] or led[2]).upper(), led[3], options, letters)
    return _mentioned(text, options, letters)


def _agreeing(letter: str, rest: str, options: Mapping[str, str], letters: set[str]) -> tuple[str, str]:
    """The letter, unless the text beside it is that of another option, or names another one."""
    if letter not in letters:
        return "", f"names {letter}, which is no option"
    other = _by_text(rest.strip(_AROUND), options)
    if other and other != letter:
        return "", f"gives {letter} with the text of {other}"
    others = ({(a or b).upper() for a, b in _BARE.findall(rest)} | set(_LISTED.findall(rest))) & letters - {letter}
    if others and not _DENIED.search(rest):
        return "", "names several options"
    return ("", f"gives {letter} and takes it back") if _TAKEN_BACK.search(rest) else (letter, "")


def _mentioned(text: str, options: Mapping[str, str], letters: set[str]) -> tuple[str, str]:
    """The one option that a sentence names: "I choose (B)", "B because ..."."""
    why = "names no option"
    for whole in reversed(_SENTENCES.split(text)):
        sentence = _NOT_THIS.sub("", whole) if _others_named(whole) else whole
        first = _LEADING.match(sentence)
        bare = {(a or b).upper() for a, b in _BARE.findall(sentence) + _CHOSEN.findall(sentence)}
        found = ({first[1]} if first else bare) & letters
        if len(found) > 1:
            return "", "names several options"
        if found and not _DENIED.search(_REASON.split(sentence)[0]):
            return found.pop(), ""
        why = "names an option only to deny it" if found else why
    return "", why


def _others_named(sentence: str) -> bool:
    """Whether a sentence that denies an option names another one: "B, not A"."""
    return _NOT_THIS.search(sentence) is not None and len(set(_CAPITAL.findall(sentence))) > 1


def _by_text(text: str, options: Mapping[str, str]) -> str:
    """The one option whose text this is."""
    said = _spelled(text)
    same = [letter for letter, option in options.items() if _spelled(option) == said and said]
    if not same and (number := read(tidy(text))):
        there = ((letter, read(tidy(option))) for letter, option in options.items())
        same = [letter for letter, other in there if other and agree(other, number)]
    return same[0] if len(same) == 1 else ""


def _spelled(text: str) -> str:
    return key(tidy(_WRAPPED.sub(r"\1", text))).casefold().strip(_AROUND)


def _last_line(text: str) -> str:
    """The last line; two of them where both begin with a letter, as a copy of the options does."""
    lines = text.strip().rsplit("\n", 2)[-2:]
    both = len(lines) > 1 and all(_OPTION.match(line.strip()) for line in lines)
    return "\n".join(lines) if both else lines[-1].strip()
