"""The verifier `text`: is this answer the reference, character by character or word by word?"""

import re
import time
import unicodedata

from relay.verifiers import Outcome, Question, Verdict, shown
from relay.verifiers.answer import TAIL, boxed, said_line

LONGEST = 4000  # characters of an answer that are compared
_WRAPPED = re.compile(r"\\(?:text|textbf|textit|texttt|mathrm|mbox) ?\{(.*)\}", re.DOTALL)
_BLOCK = re.compile(r"```\w*\n(.*?)\n?```", re.DOTALL)
_MARKS = {"`": "`", "**": "**", '"': '"', "'": "'", "“": "”", "$": "$", r"\(": r"\)"}


class TextVerifier:
    """Compares texts. The answer is what a box holds, else what follows "the answer is", else all that was said."""

    def __init__(self, how: str = "exact") -> None:
        self._how = how

    async def grade(self, question: Question) -> Verdict:
        """The verdict on this answer."""
        if not question.finished:
            return Verdict(Outcome.WRONG, "", "unfinished", 0.0)
        started = time.perf_counter()
        answer = stated(question.text)
        outcome, why = compare(question.reference, answer, self._how)
        return Verdict(outcome, shown(answer), why, time.perf_counter() - started)

    async def aclose(self) -> None:
        """It holds nothing."""


def stated(text: str) -> str:
    """The answer that a text gives, as it is spelled there."""
    text = text[-TAIL:]
    said = said_line(text)
    if said.startswith("```") and (blocks := _BLOCK.findall(text)):
        said = blocks[-1]
    return (boxed(text) or said or text).strip()


def compare(reference: str, answer: str, how: str) -> tuple[Outcome, str]:
    """Whether the answer is the reference, and why."""
    wanted = reference.strip()
    if not wanted:
        return Outcome.UNDECIDED, "there is no reference"
    if not answer:
        return Outcome.WRONG, "no answer found"
    if len(wanted) > LONGEST:
        return Outcome.UNDECIDED, "the reference is too long to be compared"
    if len(answer) > 4 * LONGEST:
        return Outcome.WRONG, "the answer is too long to be the reference"
    if how == "words":
        same = bool(ours := _words(wanted)) and ours in {_words(spelling) for spelling in _spellings(answer)}
        return (Outcome.CORRECT, "the same words") if same else (Outcome.WRONG, "other words")
    same = unicodedata.normalize("NFC", wanted) in {unicodedata.normalize("NFC", s) for s in _spellings(answer)}
    return (Outcome.CORRECT, "the same text") if same else (Outcome.WRONG, "another text")


def _spellings(answer: str) -> list[str]:
    """The answer as it stands, and without what a sentence, Markdown or TeX puts around it."""
    found = [answer]
    for _ in range(4):
        inner = _inner(found[-1])
        if inner == found[-1]:
            break
        found.append(inner)
    return found


def _inner(text: str) -> str:
    if match := _WRAPPED.fullmatch(text):
        return match[1].strip()
    for left, right in _MARKS.items():
        if text.startswith(left) and text.endswith(right) and len(text) > len(left) + len(right):
            return text[len(left) : -len(right)].strip()
    if text.endswith("**") and "**" not in text[:-2]:  # what opens it stood before "the answer is"
        return text[:-2].rstrip()
    if text.endswith(".") and not text.endswith(".."):
        return text[:-1].rstrip()
    return text


def _words(text: str) -> str:
    """A text by its words: a sign between two digits, and a minus before one, is no punctuation."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("−", "-")
    text = re.sub(r"(?<![\w])-(?=\d)", " minus ", text)
    text = re.sub(r"(?<=\d)([.,/:])(?=\d)", lambda m: {".": "_p_", ",": "", "/": "_o_", ":": "_c_"}[m[1]], text)
    kept = re.sub(r"(_[poc]_)|[^\w\s]+", lambda m: m[1] or " ", text)
    return " ".join(kept.split())
