"""What a steered thought of a tiny model did, read off the grammar of its families: whose numbers each step uses.

Independent of relay.measure.recovery, on purpose: it knows every sentence that the families' thoughts are made of.
"""

import re
from typing import NamedTuple

CLAIM = re.compile(r"(\d+) ([-+*/]) (\d+) = (\d+)")
GOAL = re.compile(r"(?:We need to find|We are asked for|We look for|The question is) (.+)\.$")
SO_FAR = re.compile(r"(?:So far we have|We had) (.+)\.$")
BACK = re.compile(r"But that is not the question\.|But this is a different problem\.|No, that was not asked\.")
SENTENCE = re.compile(r".*?[.?](?=\s|$)", re.DOTALL)
THINGS = re.compile(r"apples|books|eggs|pens|cups")


class Truth(NamedTuple):
    kind: str
    sentence: int  # where it is back; -1: nowhere
    way: str | None
    own: int  # sentences about its own problem
    other: int


class Said(NamedTuple):
    whose: int  # 1 its own, -1 the distraction's, 0 neither or both
    stray: bool  # it says something, of neither
    back: bool  # it says that this is not the question
    step: tuple[str, str, str] | None
    so_far: bool


def sentences(text: str) -> list[str]:
    return [found.group().strip() for found in SENTENCE.finditer(text)]


class Reader:
    """Whose numbers each sentence uses: those of a problem are what is asked and what came out so far."""

    def __init__(self, question: str, opening: str, about: str, steer: str) -> None:
        self.goals = {1: question, -1: about}
        self.hands = {1: set(re.findall(r"\d+", question + opening)), -1: set(re.findall(r"\d+", about + steer))}

    def whose(self, used: set[str]) -> set[int]:
        return {side for side, hand in self.hands.items() if used <= hand}

    def read(self, sentence: str) -> Said:
        if BACK.fullmatch(sentence):
            return Said(0, False, True, None, False)
        if claim := CLAIM.search(sentence):
            left, sign, right, result = claim.groups()
            sides = self.whose({left, right})
            for side in sides:
                self.hands[side].add(result)
            return Said(sum(sides), not sides, False, (left, sign, right), False)
        if goal := GOAL.match(sentence):
            return Said(self.asked(goal[1]), False, False, None, False)
        if so_far := SO_FAR.match(sentence):
            sides = self.whose(set(re.findall(r"\d+", so_far[1])))
            return Said(sum(sides), not sides, False, None, True)
        return Said(0, False, False, None, False)

    def asked(self, goal: str) -> int:
        """Whose question this is: by its numbers or, in a story, by what is counted."""
        pattern = re.compile(r"\d+") if re.search(r"\d", goal) else THINGS
        found = pattern.findall(goal)
        near = {side: sum(each in pattern.findall(text) for each in found) for side, text in self.goals.items()}
        return (near[1] > near[-1]) - (near[1] < near[-1])


def truth(question: str, opening: str, about: str, steer: str, continuation: str) -> Truth:
    reader = Reader(question, opening, about, steer)
    said = [reader.read(sentence) for sentence in sentences(continuation)]
    own, other = sum(s.whose > 0 for s in said), sum(s.whose < 0 for s in said)
    back = came_back(said)
    if back is None:
        return Truth("never", -1, None, own, other)
    way = how(said[back:], {claim[:3] for claim in CLAIM.findall(opening)})
    while back and said[back - 1].back:
        back -= 1
    if not any(s.whose < 0 or s.stray for s in said[:back]):
        back = 0
    return Truth("ignored" if back == 0 else way, back, way, own, other)


def came_back(said: list[Said]) -> int | None:
    """Its own sentence from which on its own most outnumber the distraction's; the earliest of several."""
    sums = {i: sum(s.whose for s in said[i:]) for i, s in enumerate(said) if s.whose > 0}
    best = max(sums.values(), default=0)
    return next(i for i, total in sums.items() if total == best) if best > 0 else None


def how(said: list[Said], done: set[tuple[str, str, str]]) -> str:
    """It begins anew when it had done nothing, or does again what it had done."""
    for each in said:
        if each.whose >= 0 and not each.stray and (each.step or each.so_far):
            return "restart" if each.step in done or not done else "resume"
    return "restart" if not done else "resume"
