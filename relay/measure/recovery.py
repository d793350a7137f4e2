"""What recovery looks like: whether, where and how the writer of a steered thought turns back to its own problem.

Read from the texts alone. Each sentence behind the steer speaks for the one problem or the other by its computations,
numbers and words; to return is to come back and stay.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from relay.measure.anew import Way, way
from relay.measure.marks import Computation, Odds, between, computations, numbers, words
from relay.measure.phrases import Doubts, concludes, doubts
from relay.sentences import ends

Kind = Literal["ignored", "restart", "resume", "never"]
KINDS: tuple[Kind, ...] = ("ignored", "restart", "resume", "never")
LEAST = 1.5  # how much must speak for its own problem, from the return on, less what speaks against it
COMPUTES, SAYS = 3, 2  # the most that a sentence's computations say; its numbers, or its words
ASKED = 4  # a mark of the question counts as often as so many of the thought


class Steered(NamedTuple):
    """The texts of a steered thought."""

    question: str  # its own problem
    opening: str  # what it had thought when the steer came; may be empty
    steer: str
    continuation: str  # what it thought after that
    original: str = ""  # the whole thought that the opening is cut from, where it is known
    distraction: str = ""  # the whole thought that the steer is cut from
    about: str = ""  # the question of the distraction


class Recovery(NamedTuple):
    """How the thought went on after the steer."""

    back: int  # where it turns back to its own problem: a character of the continuation; -1: nowhere
    sentence: int  # the same in sentences of the continuation, from 0; -1: nowhere
    way: Way | None  # it begins its own problem anew, or goes on where it had stopped; None: it never returns
    doubts: Doubts  # in the continuation

    @property
    def kind(self) -> Kind:
        """One label: "ignored" is a steer after which it is back at once, however it goes on then."""
        if self.way is None:
            return "never"
        return "ignored" if self.back == 0 else self.way


class Sentence(NamedTuple):
    """A sentence behind the steer, and what it speaks for."""

    start: int
    text: str
    score: float  # above 0: about its own problem; below: about the distraction
    astray: bool  # it computes with numbers that are of neither, or some of each
    work: tuple[Computation, ...]


def recovery(steered: Steered) -> Recovery:
    """Whether, where and how it turns back."""
    found = sentences(steered)
    place = _return(found)
    said = doubts(steered.continuation)
    if place is None:
        return Recovery(-1, -1, None, said)
    onward = [each.text for each in found[place:]]
    return Recovery(found[place].start, place, way(steered.question, steered.opening, onward, steered.original), said)


def _return(found: Sequence[Sentence]) -> int | None:
    """The sentence from which on it is most about its own problem, with what leads over to it."""
    best, place, rest = LEAST, None, 0.0
    for number in range(len(found) - 1, -1, -1):
        rest += found[number].score
        if found[number].score > 0 and rest >= best:
            best, place = rest, number
    if place is None:
        return None
    while place and _leads_over(found[place - 1]):
        place -= 1
    untouched = all(sentence.score >= 0 and not sentence.astray for sentence in found[:place])
    return 0 if untouched else place


def _leads_over(sentence: Sentence) -> bool:
    """Whether a sentence doubts, and is about nothing else."""
    return abs(sentence.score) < 0.5 and not sentence.work and doubts(sentence.text).times > 0


class _Side:
    """The numbers that stand in one problem so far."""

    def __init__(self, *texts: str) -> None:
        self.numbers = {number for text in texts for number in numbers(text)}

    def uses(self, work: Computation) -> bool:
        """Whether both numbers of a computation are of this problem; then its result is so from now on."""
        if not {work.left, work.right} <= self.numbers:
            return False
        self.numbers.add(work.result)
        return True


def sentences(steered: Steered) -> list[Sentence]:
    """The sentences behind the steer, each with what it speaks for."""
    own, other = _Side(steered.question, steered.opening), _Side(steered.about or steered.distraction, steered.steer)
    mine = f"{steered.question} " * ASKED + (steered.original or steered.opening)
    theirs = f"{steered.about} " * ASKED + (steered.distraction or steered.steer)
    of_numbers, of_words = Odds(numbers(mine), numbers(theirs)), Odds(words(mine), words(theirs))
    found, last = [], 0
    for end in ends(steered.continuation, final=True):
        text, start = steered.continuation[last:end], last
        last = end
        work = tuple(computations(text))
        sides = [(own.uses(each), other.uses(each)) for each in work]
        score = COMPUTES * between(-1, sum(mine - theirs for mine, theirs in sides), 1)
        if not concludes(text):
            score += 0 if work else between(-SAYS, sum(map(of_numbers, set(numbers(text)))), SAYS)
            score += between(-SAYS, sum(map(of_words, set(words(text)))), SAYS)
        found.append(Sentence(start, text, score, bool(work) and not any(map(any, sides)), work))
    return found
