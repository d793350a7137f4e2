"""The verifier `math`: is this answer equal to the reference? Plain ones at once, all others in a worker process."""

import re
import time
from collections.abc import Callable
from typing import Any

from relay.verifiers import Outcome, Question, Verdict, shown
from relay.verifiers.answer import find
from relay.verifiers.claims import stated, telling
from relay.verifiers.plain import agree, off_by_percent, other_unit, read, split_unit, strange
from relay.verifiers.spelling import key, thousands, tidy, unnamed, words
from relay.verifiers.workers import LateError, Pool, Reply, WorkError

WORK = "relay.verifiers.math:comparer"
QUICK = 0.5  # seconds after which an answer makes way for others
TRIED = 100  # values of a steer that algebra is tried on
LONGEST = 4000  # characters of an answer that algebra is tried on

_DEGREES = re.compile(r"(\\(?:sin|cos|tan|cot|sec|csc)) ?[{(]?(\d+(?:\.\d+)?) ?\^ ?\{?\\circ\}?[)}]?")
_PRIME = re.compile(r"'(?!\d)|\\prime")  # between digits it sets off thousands
_GOING_ON = re.compile(r"[-+]?[\d,]*\.?\d*\.\.\.")
_SET = re.compile(r"\\?\{[^{}()\[\]]*,[^{}()\[\]]*\}")
_ORDERED = re.compile(r"[(\[][^()\[\]]*,[^()\[\]]*[)\]]")
_MIXED = re.compile(r"(?<![\d.,/^_}]) ?\b(\d+) (\d+) ?/ ?(\d+)(?![\d.])")
_TENS = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?|\.\d+)[eE]([-+]?\d{1,4})(?![\w.])")
_SLOW = re.compile(
    r"\^ ?[{(]?[^{}()]{0,20}\^|[!)] ?!|\d{3,} ?!|\\(?:sum|prod|int|lim|[dt]?binom|oint)(?![A-Za-z])"
    r"|[)}] ?\^ ?[{(]?\d{2,}|\^ ?[{(]?-?\d{4,}|\d{60,}|(?:\\sqrt[^a-z]*){4,}"
)

Finding = tuple[Outcome, str]  # and why


class MathVerifier:
    """Grades by equality of mathematics. Strict: an unfinished text is wrong, and so is one without an answer."""

    def __init__(self, *, workers: int = 2, seconds: float = 5.0) -> None:
        """Answers that may be slow, by their looks or because they were, queue by themselves, behind no others."""
        quick = min(QUICK, seconds)
        self._quick = Pool(WORK, workers=workers, seconds=quick, spare=2)
        self._slow = Pool(WORK, workers=workers, seconds=seconds, spare=1)
        self._again = quick < seconds  # an answer that was cut short is tried once more, at length

    async def grade(self, question: Question) -> Verdict:
        """The verdict on this answer; one that takes longer than the deadline is undecided."""
        if not question.finished:
            return Verdict(Outcome.WRONG, "", "unfinished", 0.0)
        started = time.perf_counter()
        answer = find(question.text)
        reference = reference_of(question.reference)
        if found := _at_once(reference, answer):
            return Verdict(found[0], shown(answer), found[1], time.perf_counter() - started)
        try:
            _, (outcome, why), seconds = await self._compared(*_ready(tidy(reference), tidy(answer)))
        except WorkError as error:
            outcome, why, seconds = Outcome.UNDECIDED, str(error), error.seconds
        return Verdict(Outcome(outcome), shown(answer), why, seconds)

    async def states(self, question: Question) -> Verdict:
        """Whether this text, a steer, states the answer: as what the question asks for or, if unmistakable, at all."""
        started = time.perf_counter()
        reference, asked = reference_of(question.reference), question.problem.question if question.problem else ""
        if not reference.strip():
            return Verdict(Outcome.UNDECIDED, "", "there is no reference", 0.0)
        anywhere, tidied = telling(reference, asked), tidy(reference)
        number, tried = read(tidied) is not None, 0
        for value in stated(question.text, asked):
            answer = tidy(value.value)
            if not (anywhere or value.asked) or (number and read(answer) is None):
                continue
            found = decide(tidied, answer)
            if found is None and tried < TRIED and not looks_slow(answer):
                tried += 1
                found = await self._equal(tidied, answer)
            if found is not None and found[0] is Outcome.CORRECT:
                return Verdict(Outcome.CORRECT, shown(value.value), f"it states this: {found[1]}", 0.0)
        return Verdict(Outcome.WRONG, "", "it is not stated", time.perf_counter() - started)

    async def _equal(self, reference: str, answer: str) -> Finding:
        try:
            _, (outcome, why), _ = await self._quick.ask(*_ready(reference, answer))
        except WorkError as error:  # what cannot be read in half a second is not taken for the answer
            return Outcome.UNDECIDED, str(error)
        return Outcome(outcome), why

    async def _compared(self, reference: str, answer: str) -> Reply:
        if not (looks_slow(reference) or looks_slow(answer)):
            try:
                return await self._quick.ask(reference, answer)
            except LateError:
                if not self._again:
                    raise
        return await self._slow.ask(reference, answer)

    async def aclose(self) -> None:
        """End the workers."""
        try:
            await self._quick.aclose()
        finally:
            await self._slow.aclose()


def looks_slow(text: str) -> bool:
    """Whether algebra may take long with this: powers of powers, sums, factorials, great exponents, deep nesting."""
    return len(text) > 400 or _SLOW.search(text) is not None or text.count("{") > 30 or text.count("(") > 15


def reference_of(text: str) -> str:
    r"""The answer that a reference gives: of a worked solution with a \boxed or #### only that."""
    return find(text) if "\\boxed" in text or "####" in text else text


def _at_once(reference: str, answer: str) -> Finding | None:
    """The verdict where it takes no algebra."""
    if not reference.strip():
        return Outcome.UNDECIDED, "there is no reference"
    if not answer:
        return Outcome.WRONG, "no answer found"
    if len(reference) > LONGEST:
        return Outcome.UNDECIDED, "the reference is too long to be read"
    if len(answer) > LONGEST:
        return Outcome.WRONG, "the answer is too long to be read"
    return decide(tidy(reference), tidy(answer))


def decide(reference: str, answer: str) -> Finding | None:  # noqa: PLR0911  a ladder of tests
    """Whether two tidied answers agree, where their characters, their numbers or their words tell."""
    reference, answer = _bare(reference, answer)
    if not answer:
        return Outcome.WRONG, "no answer found"
    if key(reference) == key(answer):
        return Outcome.CORRECT, "the same text"
    ours, theirs = read(reference), read(answer)
    if ours and theirs:
        if agree(ours, theirs) and strange(ours, theirs):
            return Outcome.UNDECIDED, f"the same number of {ours.unit!r} and of {theirs.unit!r}"
        if off_by_percent(ours, theirs):
            return Outcome.UNDECIDED, "right only if percent was asked for"
        return (Outcome.CORRECT, "equal numbers") if agree(ours, theirs) else (Outcome.WRONG, "unequal numbers")
    if (other := other_unit(reference, answer)) is not False:
        return (
            (Outcome.WRONG, "of another kind") if other else (Outcome.UNDECIDED, "in other units, and no plain number")
        )
    said = words(reference, answer)
    if said is not None:
        return (Outcome.CORRECT, "the same words") if said else (Outcome.WRONG, "other words")
    if key(split_unit(reference)[0]) == key(split_unit(answer)[0]):
        return Outcome.CORRECT, "the same text but for the unit"
    return _unlike(reference, answer)


def _unlike(reference: str, answer: str) -> Finding | None:
    """What algebra would read past: a number that goes on, a prime, a pair where a set was asked for."""
    if _GOING_ON.fullmatch(reference) or _GOING_ON.fullmatch(answer):
        return Outcome.UNDECIDED, "a number that goes on, and nobody says how"
    if _primes(reference) != _primes(answer):
        return Outcome.UNDECIDED, "only one of them has a prime"
    if _SET.fullmatch(reference) and _ORDERED.fullmatch(answer):
        return Outcome.WRONG, "a pair or an interval is no set"
    return None


def _primes(text: str) -> int:
    return len(_PRIME.findall(text))


def _bare(reference: str, answer: str) -> tuple[str, str]:
    """Both without "x =", unless that is what makes them differ."""
    (ours, our_name), (theirs, their_name) = unnamed(reference), unnamed(answer)
    if our_name == their_name or "=" not in reference or "=" not in answer:
        return ours, theirs
    return reference, answer


def _ready(reference: str, answer: str) -> tuple[str, str]:
    """Both as algebra reads them best: without units, and a bare list as ordered as the reference is."""
    ours, theirs = (
        _DEGREES.sub(r"\1(\\frac{\2 \\pi}{180})", _spelled_out(split_unit(text)[0].replace("$", "")))
        for text in _bare(reference, answer)
    )
    if "," not in ours or "," not in theirs:
        ours, theirs = thousands(ours), thousands(theirs)
    if ours.startswith("(") and ours.endswith(")") and "," in theirs and theirs[0] not in "([{\\":
        theirs = f"({theirs})"
    return ours, theirs


def _spelled_out(text: str) -> str:
    """Mixed numbers in a line and exponents of programs, which algebra would read as products."""
    return _TENS.sub(r"(\1 \\cdot 10^{\2})", _MIXED.sub(r"\1\\frac{\2}{\3}", text))


def comparer() -> Callable[[str, str], Finding]:
    """What a worker runs: equality by math-verify and sympy, imported here and nowhere else."""
    import logging

    from latex2sympy2_extended import NormalizationConfig  # type: ignore[import-untyped]  # it ships no types
    from math_verify import LatexExtractionConfig, parse, verify  # type: ignore[import-untyped]  # it ships no types
    from sympy import I  # type: ignore[import-untyped]  # it ships no types

    logging.disable(logging.CRITICAL)
    spelling = NormalizationConfig(basic_latex=True, units=False, malformed_operators=True, nits=True, boxed="all")
    only_box = LatexExtractionConfig(
        try_extract_without_anchor=False, boxed_match_priority=0, normalization_config=spelling
    )

    def read_all(text: str) -> list[Any]:
        """The expressions in the text. Its `i` is the imaginary unit, which math-verify leaves a letter."""
        found = parse(f"\\boxed{{{text}}}", [only_box], "no_fallback", parsing_timeout=None)
        return [e.xreplace({s: I for s in e.free_symbols if s.name == "i"}) for e in found]

    def compare(reference: str, answer: str) -> Finding:
        gold = read_all(reference)
        if not gold:
            return Outcome.UNDECIDED, "the reference cannot be read"
        found = read_all(answer)
        if not found:
            return Outcome.WRONG, "the answer cannot be read, and its text is another"
        equal = verify(gold, found, allow_set_relation_comp=True, timeout_seconds=None, raise_on_error=True)
        return (Outcome.CORRECT, "equal by algebra") if equal else (Outcome.WRONG, "unequal by algebra")

    read_all("x+1")  # the first parse is the slow one
    return compare
