"""Thoughts to learn from: right reasoning about a task, in English, and reasoning that strays and finds the way back.

In both, "Wait" and "Let me think" occur, and now and then a new line. The detours have words of their own, and none is
about a chain: the tests' distractions are about chains, and begin with "Wait. Let me think".
"""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from relay.families.tasks import Step, Task

BEGIN = ("We need to find {}.", "We are asked for {}.", "We look for {}.")
FIRST, NEXT = ("First",), ("Then", "Next", "Now")
PAUSE = ("Wait, is that right? {claim}. Yes.", "Wait. {proof}. That is right.", "Let me think. {claim}. Good.")
CHECK = ("Let me check: {proof}.", "To check, {proof}.")
END = ("So the answer is {}.", "The answer is {}.")
ASTRAY = ("Something else comes to mind.", "Here is another one.", "On to other things.", "By the way.")
BACK = ("But that is not the question.", "But this is a different problem.", "No, that was not asked.")
AGAIN = ("The question is {}.", "We look for {}.")
SO_FAR = ("So far we have {}.", "We had {}.")

PAUSES = 0.12  # share of the steps with a pause after them
CHECKS = 0.15  # share of the thoughts with a check at the end
DETOURS = 1  # at most, in one thought
LINES = 0.06  # share of the sentences that begin on a new line
RESUMES = 0.7  # share of the ways back that go on where the thought was, when it was somewhere


class Piece(NamedTuple):
    """A stretch of a text to learn from."""

    text: str
    learnt: bool = True  # False: it is read, not learnt


def answered(task: Task) -> str:
    """What follows the thought."""
    return f"\nThe answer is \\boxed{{{task.answer}}}."


def plain(task: Task, draw: Random) -> list[Piece]:
    """Right reasoning, nothing else."""
    return _joined([Piece(sentence) for _, sentence in _sentences(task, draw)], draw)


def straying(task: Task, draw: Random, others: Iterator[Task], share: float) -> list[Piece]:
    """The same, and behind this share of its sentences a detour about another task, with the way back.

    The detour itself is read, not learnt: a model learns the way back, not to stray.
    """
    found: list[Piece] = []
    sentences = list(_sentences(task, draw))
    place, strayed = 0, 0
    done: Step | None = None
    while place < len(sentences):
        if strayed < DETOURS and draw.random() < share:
            strayed += 1
            found += [Piece(sentence, False) for sentence in _detour(draw, next(others))]
            found.append(Piece(draw.choice(BACK)))
            found.append(Piece(draw.choice(AGAIN).format(task.goal)))
            if done is not None and draw.random() < RESUMES:
                found.append(Piece(draw.choice(SO_FAR).format(done.leaves or done.result)))
            else:
                place, done = 1, None  # behind the opening
        done = sentences[place][0] or done
        found.append(Piece(sentences[place][1]))
        place += 1
    return _joined(found, draw)


def _sentences(
    task: Task, draw: Random, pauses: float = PAUSES, checks: float = CHECKS
) -> Iterator[tuple[Step | None, str]]:
    """The sentences of right reasoning, each with the step that it makes."""
    yield None, draw.choice(BEGIN).format(task.goal)
    for number, step in enumerate(task.steps):
        lead = draw.choice(NEXT if number else FIRST)
        so = f", so {'we have ' if '=' not in step.leaves else ''}{step.leaves}" if step.leaves else ""
        yield step, f"{lead} {step.claim}{so}."
        if draw.random() < pauses:
            yield step, draw.choice(PAUSE).format(claim=step.claim, proof=step.proof)
    if draw.random() < checks:
        yield task.steps[-1], draw.choice(CHECK).format(proof=task.steps[-1].proof)
    yield task.steps[-1], draw.choice(END).format(task.answer)


def _detour(draw: Random, other: Task) -> list[str]:
    """A stretch of the reasoning about another task, from its beginning or from within, with words before it or not."""
    sentences = [sentence for _, sentence in _sentences(other, draw, pauses=0, checks=0)]
    first = 0 if draw.random() < 0.7 else draw.randrange(len(sentences))
    stretch = sentences[first : first + draw.randint(1, 3)]
    return [draw.choice(ASTRAY), *stretch] if draw.random() < 0.7 else stretch


def _joined(pieces: list[Piece], draw: Random) -> list[Piece]:
    """With a space or a new line between them."""
    return [
        Piece(("" if not i else "\n" if draw.random() < LINES else " ") + piece.text, piece.learnt)
        for i, piece in enumerate(pieces)
    ]
